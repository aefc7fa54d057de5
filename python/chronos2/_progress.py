"""Progress of a forecast: a bar of tqdm, or a function of the caller's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable, Union

import numpy as np

Progress = Union[bool, Callable[[int, int], Any], None]
Report = Callable[[int, int], Any]  # of series that are forecast, and of all


@contextmanager
def following(progress: Progress, after_batch: Callable[[], Any] | None) -> Iterator[Report | None]:
    """What a session calls after every pass; None: nothing."""
    if callable(progress):
        yield _after_series(progress, after_batch)
    elif progress is not None and not isinstance(progress, (bool, np.bool_)):
        raise TypeError(f"progress: expected a bool or a function of (done, total), found {progress!r}")
    elif progress:
        with _bar() as bar:
            yield _after_series(bar, after_batch)
    else:
        yield _after_series(None, after_batch)


def _after_series(report: Report | None, after_batch: Callable[[], Any] | None) -> Report | None:
    """Both, where series are done since: a session also calls between the passes of a rollout."""
    if report is None and after_batch is None:
        return None
    before = 0

    def call(done: int, total: int) -> None:
        nonlocal before
        if done == before:
            return
        before = done
        if report is not None:
            report(done, total)
        if after_batch is not None:
            after_batch()

    return call


@contextmanager
def _bar() -> Iterator[Report]:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError("progress=True needs tqdm: pip install tqdm; or give a function of (done, total)") from None
    with tqdm(unit="series") as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
