# SPDX-License-Identifier: Apache-2.0
"""The control groups under which a cluster's kubelet puts its pods, on cgroup v1 and v2 machines."""

from __future__ import annotations

import os
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def _hierarchies() -> list[Path]:
    """The folders that each need the group: the one of v2, or one per controller of v1."""
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    return [folder for folder in sorted(_ROOT.iterdir()) if (folder / "cgroup.procs").exists() and not folder.is_symlink()]


def create(name: str) -> None:
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        if (hierarchy / "cpuset.cpus").exists():  # v1: a new group may run nowhere until told
            for item in ("cpuset.cpus", "cpuset.mems"):
                (group / item).write_text((hierarchy / item).read_text())
        controllers = hierarchy / "cgroup.controllers"
        if controllers.exists():
            for controller in controllers.read_text().split():
                for folder in (hierarchy, group):
                    try:
                        (folder / "cgroup.subtree_control").write_text(f"+{controller}")
                    except OSError:
                        pass  # some controllers cannot be delegated; kubelet says which ones it misses


def delete(name: str) -> None:
    """Removes the group and all below it. The kernel refuses while a killed process is still on its way out."""
    deadline = time.monotonic() + 10
    for hierarchy in _hierarchies():
        while (hierarchy / name).exists():
            for folder, _, _ in os.walk(hierarchy / name, topdown=False):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"control group {hierarchy / name} is still in use")
            if (hierarchy / name).exists():
                time.sleep(0.02)
