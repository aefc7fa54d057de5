"""Warnings, which name the caller's line whichever way the call took through the package."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    level, frame = 2, sys._getframe(1)
    while frame and frame.f_code.co_filename.startswith(_OWN):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


# As frames name them: making those names absolute would ask for the working directory, which may be gone.
_OWN = os.path.dirname(warn.__code__.co_filename) + os.sep, contextlib.contextmanager.__code__.co_filename
