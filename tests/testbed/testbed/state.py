# SPDX-License-Identifier: Apache-2.0
"""What a test bed has put on the machine, written down before it is made.

`<root>/journal` has one line per thing (`kind name`); `/run/roadstead-testbed/<index>` is a link to `<root>` and reserves
the numbers in the names of bridges, links and groups. `clean` undoes all of it and may be repeated after a crash at
any point, since every step is harmless when the thing does not exist.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from . import cgroups, locks, network, processes
from .progress import say

_RESERVATIONS = Path("/run/roadstead-testbed")


class BedState:
    """The folder of one bed. The caller holds `lock` while it changes anything."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.name = self.root.name
        self._journal = self.root / "journal"

    @property
    def lock_file(self) -> Path:
        return self.root.parent / f".{self.name}.lock"

    @property
    def exists(self) -> bool:
        return self._journal.exists()

    @property
    def index(self) -> int:
        return int((self.root / "index").read_text())

    def open(self) -> None:
        """Makes the folder and reserves an index, unless that has been done."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._journal.touch()
        if not (self.root / "index").exists():
            self._replace("index", str(self._reserve()))

    def _reserve(self) -> int:
        with locks.held(_RESERVATIONS / "lock", lambda text: say(self.name, text)):
            mine = list(self._reservations())
            if mine:
                return mine[0]
            for index in range(network.MAX_BEDS):
                link = _RESERVATIONS / str(index)
                if link.is_symlink() and not (link / "journal").exists():
                    _clean_without_journal(index, Path(os.readlink(link)))
                    link.unlink()
                bridges = network.BedNetwork(index).bridges
                if not link.is_symlink() and not any(network.link_exists(bridge) for bridge in bridges):
                    link.symlink_to(self.root)
                    return index
        raise RuntimeError(f"all {network.MAX_BEDS} test bed numbers are in use, see {_RESERVATIONS}")

    def _reservations(self) -> Iterator[int]:
        for link in _RESERVATIONS.iterdir():
            if link.is_symlink() and os.readlink(link) == str(self.root):
                yield int(link.name)

    def note(self, kind: str, name: str) -> None:
        """Writes down a thing that is about to be made."""
        line = f"{kind} {name}\n"
        if line not in self._journal.read_text():
            with self._journal.open("a") as journal:
                journal.write(line)

    def clean(self) -> None:
        """Ends the processes and removes everything in the journal, then the folder."""
        if self.exists:
            processes.kill_marked(self.root)
            entries = [line.split(" ", 1) for line in self._journal.read_text().splitlines() if " " in line]
            for kind, name in reversed(entries):
                _undo(kind, name)
        if _RESERVATIONS.exists():
            with locks.held(_RESERVATIONS / "lock", lambda text: say(self.name, text)):
                for index in list(self._reservations()):
                    (_RESERVATIONS / str(index)).unlink()
        # The journal goes last, so that a clean-up that is killed here will be taken up again.
        if self.root.exists():
            for entry in self.root.iterdir():
                if entry != self._journal:
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            self._journal.unlink(missing_ok=True)
            self.root.rmdir()

    def forget_cluster(self, folder: Path, groups: list[str], links: list[str]) -> None:
        """Ends and removes one cluster of a bed that goes on living."""
        processes.kill_marked(folder)
        for link in links:
            _undo("link", link)
        for group in groups:
            _undo("cgroup", group)
        shutil.rmtree(folder, ignore_errors=True)

    def _replace(self, name: str, content: str) -> None:
        temporary = self.root / f".{name}.new"
        temporary.write_text(content)
        temporary.rename(self.root / name)


def _clean_without_journal(index: int, root: Path) -> None:
    """For a bed whose folder somebody deleted while it lived; all names follow from the index."""
    processes.kill_marked(root)
    for name in os.listdir("/sys/class/net"):
        if re.fullmatch(rf"rtb{index}[hm]\d*", name):
            network.delete_link(name)
    for slot in range(1, network.MAX_CLUSTERS):
        cgroups.delete(f"rtb{index}-{slot}")


def _undo(kind: str, name: str) -> None:
    if kind == "link":
        network.delete_link(name)
    elif kind == "cgroup":
        cgroups.delete(name)
    else:
        raise RuntimeError(f"unknown kind {kind!r} in the journal")
