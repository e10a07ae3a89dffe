# SPDX-License-Identifier: Apache-2.0
"""A lock file that the kernel releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


# Descriptors of the locks that this process holds. Helper programs inherit them, so that a lock stays taken until the
# last helper of a killed tool has ended, and a clean-up never runs beside it.
descriptors: set[int] = set()


class Busy(Exception):
    """Somebody else held the lock for longer than the caller was ready to wait."""


@contextmanager
def held(path: Path, waiting: Callable[[str], None], timeout: float | None = None) -> Iterator[None]:
    """Holds `path` exclusively. `waiting` is told, every 10 s, whose lock is waited for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd = _acquire(path, waiting, timeout)
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"process {os.getpid()}\n".encode(), 0)
        descriptors.add(fd)
        yield
    finally:
        descriptors.discard(fd)
        os.close(fd)


def _acquire(path: Path, waiting: Callable[[str], None], timeout: float | None) -> int:
    begin = time.monotonic()
    told = begin - 10
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(path, fd):
                return fd
        except BlockingIOError:
            now = time.monotonic()
            owner = os.pread(fd, 64, 0).decode(errors="replace").strip() or "unknown process"
            if timeout is not None and now - begin > timeout:
                os.close(fd)
                raise Busy(f"{path} is held by {owner}") from None
            if now - told >= 10:
                waiting(f"waits for the lock {path}, held by {owner}")
                told = now
            time.sleep(0.1)
        os.close(fd)


def _is_at(path: Path, fd: int) -> bool:
    """False when the holder before us deleted the file: then another process may hold a new one of that name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(fd))
    except FileNotFoundError:
        return False
