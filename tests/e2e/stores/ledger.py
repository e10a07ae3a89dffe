# SPDX-License-Identifier: Apache-2.0
"""What programs that were killed had said, and whether the store agrees with it."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from ..support import paths, wait
from ..support.process import die_with_parent


@dataclass(frozen=True)
class Entry:
    """One change: of the log, or acknowledged."""

    revision: int
    op: str
    key: str
    digest: str


@dataclass
class Ledger:
    """All that one writer said in all its lives."""

    tried: dict[str, tuple[str, str]] = field(default_factory=dict)  # digest -> op, key
    acknowledged: list[Entry] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    refused_digests: set[str] = field(default_factory=set)
    saw: list[Entry] = field(default_factory=list)
    objects: dict[str, tuple[int, str]] = field(default_factory=dict)
    _pending: dict[str, str] = field(default_factory=dict)  # key -> digest of the write in progress

    def read(self, line: str) -> None:
        word, *rest = line.split(" ")
        if word == "try":
            op, key, digest = rest
            self.tried[digest] = (op, key)
            self._pending[key] = digest
        elif word == "ack":
            op, key, revision, digest = rest
            self.acknowledged.append(Entry(int(revision), op, key, digest))
        elif word == "no":
            self.refused.append(line)
            if "DeadlineExceeded" not in line:
                self.refused_digests.add(self._pending[rest[1]])
        elif word == "saw":
            revision, op, key, digest = rest
            self.saw.append(Entry(int(revision), op, key, digest))
        elif word == "object":
            key, revision, digest = rest
            self.objects[key] = (int(revision), digest)

    @property
    def since(self) -> int:
        return self.saw[-1].revision if self.saw else 1


def client(store: str | Path, command: str, *arguments: str) -> list[str]:
    return [str(paths.program("store-client")), command, "--store", str(store), *arguments]


class Writer:
    """Lives of store-client, one after the other."""

    def __init__(self, store: str | Path, prefix: str = "w", *arguments: str) -> None:
        self.store = store
        self.arguments = ("--prefix", prefix, *arguments)
        self.ledger = Ledger()
        self.lines = 0
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.errors: list[str] = []

    def start(self) -> None:
        self.lines = 0
        self.process = subprocess.Popen(
            client(self.store, "write", "--since", str(self.ledger.since), *self.arguments), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_ready(self) -> None:
        wait.until("the writer writes", lambda: self.lines > 1, timeout=60, every=0.005,
                   dump=lambda: "\n".join(self.errors))

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.finish()

    def finish(self) -> int:
        assert self.process is not None and self._reader is not None
        self._reader.join()  # what it said before it died is in the pipe
        code = self.process.wait()
        assert self.process.stderr is not None
        self.errors.append(self.process.stderr.read())
        return code

    def _read(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n"):
                self.ledger.read(line[:-1])
                self.lines += 1


def dump(store: str | Path, *arguments: str) -> Ledger:
    done = subprocess.run(client(store, "dump", "--since", "1", *arguments), text=True, capture_output=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    out = Ledger()
    for line in done.stdout.splitlines():
        out.read(line)
    return out


def check(store: Ledger, writers: list[Ledger]) -> None:
    """`store` is a dump with the whole history."""
    history = store.saw
    assert [e.revision for e in history] == list(range(2, 2 + len(history))), "the history has gaps or repeats"
    tried = {digest: what for writer in writers for digest, what in writer.tried.items()}
    for entry in history:
        assert tried.get(entry.digest) == (entry.op, entry.key), f"nobody wrote {entry}"
    by_revision = {entry.revision: entry for entry in history}
    for writer in writers:
        for entry in writer.acknowledged:
            assert by_revision.get(entry.revision) == entry, f"acknowledged and lost: {entry}"
        assert writer.saw == history[:len(writer.saw)], "a watch had a gap, a repeat, or saw what is not there"
    done = [entry.digest for entry in history]
    assert len(done) == len(set(done)), "a write was done twice"
    refused = {digest for writer in writers for digest in writer.refused_digests}
    assert not refused & set(done), "a write that was said not to be saved is there"
    replayed: dict[str, tuple[int, str]] = {}
    for entry in history:
        if entry.op == "remove":
            replayed.pop(entry.key)
        else:
            replayed[entry.key] = (entry.revision, entry.digest)
    assert store.objects == replayed, "the objects are not what the history says"
