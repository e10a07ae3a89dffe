# SPDX-License-Identifier: Apache-2.0
"""Limits of the kernel that many clusters on one machine reach, told before they are met.

Without free inotify instances components of Kubernetes do not fail: they wait, or do without what they watch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

MAX_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
# Counted on running clusters.
OF_CONTROL_PLANE = 18  # kube-apiserver 10, kube-controller-manager 8
OF_NODE = 8  # kubelet 6, containerd 1, kube-proxy 1
ADVISED = 1024


class TooFew(RuntimeError):
    pass


def inotify_in_use(uid: int, proc: Path = Path("/proc")) -> int:
    """Instances that processes of this user hold; those that cannot be seen are not counted."""
    found = 0
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            if process.stat().st_uid != uid:
                continue
            found += sum(is_inotify(descriptor) for descriptor in (process / "fd").iterdir())
        except OSError:
            continue  # it has ended
    return found


def is_inotify(descriptor: Path) -> bool:
    try:
        return os.readlink(descriptor).endswith("inotify")
    except OSError:
        return False  # closed meanwhile, as that of the listing itself


def check_inotify(nodes: Iterable[bool], most: int | None = None, in_use: int | None = None) -> None:
    """`nodes`: for each cluster that will start, whether it has a node. TooFew says what to do."""
    wanted = sum(OF_CONTROL_PLANE + (OF_NODE if node else 0) for node in nodes)
    most = int(MAX_INSTANCES.read_text()) if most is None else most
    in_use = inotify_in_use(os.geteuid()) if in_use is None else in_use
    if wanted > most - in_use:
        raise TooFew(
            f"the clusters need about {wanted} inotify instances; fs.inotify.max_user_instances is {most} and {in_use} are in use: "
            f"sysctl -w fs.inotify.max_user_instances={max(ADVISED, 2 * (in_use + wanted))}, or start fewer clusters")
