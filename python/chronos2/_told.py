"""Warnings, which name the caller's line whichever way the call took through the package."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings

_OWN = (os.path.dirname(os.path.abspath(__file__)) + os.sep, os.path.abspath(contextlib.__file__))


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    level, frame = 2, sys._getframe(1)
    while frame and os.path.abspath(frame.f_code.co_filename).startswith(_OWN):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
