# SPDX-License-Identifier: Apache-2.0
"""Looks for anything that a test bed has left on the machine, without trusting the test bed's own records."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from testbed.processes import start_time


def of_bed(root: Path, index: int) -> dict[str, list[str]]:
    """All that is there of the bed in folder `root` with this index; empty when nothing is left."""
    found = {
        "processes": _processes(str(root), index),
        "links": [name for name in os.listdir("/sys/class/net") if name.startswith((f"rtb{index}h", f"rtb{index}m"))],
        "cgroups": [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/rtb{index}-*")],
        "mounts": [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(root) in line],
        "files": [str(root)] if root.exists() else [],
        "reservations": _reservations(root),
        "nft tables": [line for line in _lines("nft", "list", "tables") if "roadstead" in line],
        "named namespaces": [line for line in _lines("ip", "netns", "list") if line.startswith("rtb")],
    }
    return {kind: items for kind, items in found.items() if items}


def namespaces(pid: int) -> set[str]:
    """The namespaces of a process that are not the caller's."""
    kinds = ("net", "mnt", "pid", "uts", "ipc")
    return {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in kinds} - {
        os.readlink(f"/proc/self/ns/{kind}") for kind in kinds
    }


@dataclass(frozen=True)
class Process:
    """A process by PID and start time. Numbers of PIDs and of namespaces are used again by later ones."""

    pid: int
    start: str | None


def users_of(wanted: set[str]) -> set[Process]:
    """Processes that live in one of these namespaces."""
    users = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                links = {os.readlink(f"/proc/{entry}/ns/{kind}") for kind in ("net", "mnt", "pid", "uts", "ipc")}
            except OSError:
                continue
            if links & wanted:
                users.add(Process(int(entry), start_time(int(entry))))
    return users


def alive(processes: set[Process]) -> set[Process]:
    return {process for process in processes if start_time(process.pid) == process.start}


def _processes(root: str, index: int) -> list[str]:
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            command = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace")
            environment = Path(f"/proc/{entry}/environ").read_bytes().decode(errors="replace")
            groups = Path(f"/proc/{entry}/cgroup").read_text()
        except OSError:
            continue
        if root in command or f"={root}" in environment or f"/rtb{index}-" in groups:
            found.append(f"{entry} {command.replace(chr(0), ' ')}")
    return found


def _reservations(root: Path) -> list[str]:
    folder = Path("/run/roadstead-testbed")
    if not folder.exists():
        return []
    return [str(link) for link in folder.iterdir() if link.is_symlink() and os.readlink(link) == str(root)]


def _lines(*argv: str) -> list[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
