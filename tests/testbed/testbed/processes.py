# SPDX-License-Identifier: Apache-2.0
"""Processes of this machine, named by PID and start time so that a reused PID is never taken for the old process."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

# In the environment of every process that a test bed starts; its value is the state folder of the bed or cluster.
MARKER = "ROADSTEAD_TESTBED_STATE"


def start_time(pid: int) -> str | None:
    """The start time in clock ticks since boot, or None when there is no such process (or only a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def marked(folder: Path) -> Iterator[int]:
    """PIDs of all processes whose environment says that they belong to `folder` or a folder below it."""
    wanted = f"{MARKER}={folder}".encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            environment = Path(f"/proc/{entry}/environ").read_bytes()
        except OSError:
            continue
        for item in environment.split(b"\0"):
            if item == wanted or item.startswith(wanted + b"/"):
                yield int(entry)
                break


def kill_marked(folder: Path, timeout: float = 20) -> None:
    """Kills all of them and waits until they are gone."""
    deadline = time.monotonic() + timeout
    while True:
        alive = list(marked(folder))
        if not alive:
            return
        for pid in alive:
            try:
                fd = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                # Between the look and this line the PID may have been reused, but not after the descriptor exists.
                if pid in marked(folder):
                    signal.pidfd_send_signal(fd, signal.SIGKILL)
                    select.select([fd], [], [], 2)
            except ProcessLookupError:
                pass
            finally:
                os.close(fd)
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {alive} of {folder} do not end")
        time.sleep(0.02)


def outer_pids(namespace: str) -> dict[int, int]:
    """Maps PIDs inside of a PID namespace (its /proc/PID/ns/pid link text) to those seen here."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if os.readlink(f"/proc/{entry}/ns/pid") != namespace:
                continue
            for line in Path(f"/proc/{entry}/status").read_text().splitlines():
                if line.startswith("NSpid:"):
                    found[int(line.split()[-1])] = int(entry)
        except OSError:
            continue
    return found
