# SPDX-License-Identifier: Apache-2.0
"""A test bed: two bridges and the clusters on them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import build, images, kernel_limits, locks, network, node, paths, toolchain
from .cluster import Cluster
from .progress import say
from .state import BedState


def default_root(name: str) -> Path:
    """The state folder of the bed that the command line calls `name`."""
    return paths.testbed_cache() / "run" / name


class Testbed:
    """Clusters that can reach one hub. Several beds with different folders live side by side.

    With `ephemeral` the clusters end together with the calling process, however it ends.
    """

    __test__ = False  # pytest: not a test class

    def __init__(self, root: Path | str, *, ephemeral: bool = False) -> None:
        self.state = BedState(Path(root))
        self.root = self.state.root
        self.owner = os.getpid() if ephemeral else None
        self._holding = threading.local()

    @classmethod
    def named(cls, name: str = "default", *, ephemeral: bool = False) -> Testbed:
        return cls(default_root(name), ephemeral=ephemeral)

    def __enter__(self) -> Testbed:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def network(self) -> network.BedNetwork:
        return network.BedNetwork(self.state.index)

    @property
    def hub_address(self) -> str:
        """Where a hub listens so that Agents in the clusters' pods reach it."""
        return self.network.hub_address

    @property
    def hub_address6(self) -> str:
        return self.network.hub_address6

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Holds the bed's lock; the bridges exist inside."""
        if getattr(self._holding, "lock", False):
            yield
            return
        with locks.held(self.state.lock_file, lambda text: say(self.state.name, text)):
            self._holding.lock = True
            try:
                self._open()
                yield
            finally:
                self._holding.lock = False

    def _open(self) -> None:
        self.state.open()
        net = self.network
        if not all(network.link_exists(bridge) for bridge in net.bridges):
            if self.clusters():
                say(self.state.name, "cleans what a dead test bed has left")
                self.state.clean()
                self.state.open()
                net = self.network
            for bridge in net.bridges:
                self.state.note("link", bridge)
            net.delete()
            net.create()

    def free_slot(self) -> int:
        used = {int(path.read_text() or 0) for path in (self.root / "clusters").glob("*/slot")}
        for slot in range(1, network.MAX_CLUSTERS):
            if slot not in used:
                return slot
        raise RuntimeError(f"a test bed has at most {network.MAX_CLUSTERS - 1} clusters")

    def cluster(self, name: str, **options: Any) -> Cluster:
        """A cluster by name; nothing happens before its `up()`. Options as in `Cluster`."""
        return Cluster(self, name, **options)

    def clusters(self) -> list[str]:
        """Names of all clusters of which anything exists."""
        folder = self.root / "clusters"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def up(self, clusters: list[Cluster]) -> None:
        """Brings several clusters up at once."""
        programs = sorted({program for cluster in clusters for program in cluster.programs()})
        if any(cluster.with_node for cluster in clusters):
            missing = node.missing_packages()
            if missing:
                raise toolchain.MissingTool(f"packages are missing for real nodes: apt-get install {' '.join(missing)}")
        build.ensure(programs)
        if any(cluster.with_node for cluster in clusters):
            images.pause()
            images.busybox()
            node.load_kernel_modules()
        with self.changing():
            kernel_limits.check_inotify(cluster.with_node for cluster in clusters if not cluster.is_as_wished)
            wanted = []
            for cluster in clusters:
                if cluster.is_as_wished:
                    say(cluster.name, "is up already")
                else:
                    cluster.prepare()
                    wanted.append(cluster)
            with ThreadPoolExecutor(max(1, len(wanted))) as pool:
                for future in [pool.submit(cluster.start) for cluster in wanted]:
                    future.result()

    def down(self) -> None:
        """Ends everything of this bed and removes all that it has put on the machine. Safe to repeat."""
        if not self.root.parent.exists():
            return
        with locks.held(self.state.lock_file, lambda text: say(self.state.name, text)):
            self.state.clean()
            self.state.lock_file.unlink(missing_ok=True)
