# SPDX-License-Identifier: Apache-2.0
"""Locks exclude others, say who holds them, and survive the deletion of their file."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from testbed import locks


def quiet(_: str) -> None:
    pass


def test_excludes_and_names_the_holder(tmp_path: Path) -> None:
    told: list[str] = []
    with locks.held(tmp_path / "lock", quiet):
        with pytest.raises(locks.Busy, match="process"):
            with locks.held(tmp_path / "lock", told.append, timeout=0.3):
                pass
    assert "held by process" in told[0]
    with locks.held(tmp_path / "lock", quiet, timeout=0):
        pass


def test_a_waiter_does_not_take_a_deleted_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    waits, entered, leave = threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        with locks.held(path, lambda _: waits.set()):
            entered.set()
            leave.wait(10)

    with locks.held(path, quiet):
        waiter = threading.Thread(target=wait)
        waiter.start()
        assert waits.wait(10)
        path.unlink()
    assert entered.wait(10)
    with pytest.raises(locks.Busy):
        with locks.held(path, quiet, timeout=0.2):
            pass
    leave.set()
    waiter.join()
