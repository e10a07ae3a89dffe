# SPDX-License-Identifier: Apache-2.0
"""Waits for conditions, with a deadline and the last thing that was seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class TimedOut(AssertionError):
    pass


def until(
    what: str,
    probe: Callable[[], T],
    *,
    timeout: float = 15,
    every: float = 0.05,
    done: Callable[[T], bool] = bool,
    dump: Callable[[], str] | None = None,
) -> T:
    """Calls `probe` until `done` likes its result, which is returned. Errors of the probe count as "not yet"."""
    deadline = time.monotonic() + timeout
    seen: Any = None
    while True:
        try:
            seen = probe()
            if done(seen):
                return seen  # type: ignore[no-any-return]
        except Exception as error:  # noqa: BLE001 - whatever it was is shown below
            seen = error
        if time.monotonic() >= deadline:
            more = "\n" + dump() if dump is not None else ""
            raise TimedOut(f"{what}: not within {timeout:.0f} s; last seen: {seen!r}{more}")
        time.sleep(every)


class Stopwatch:
    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
