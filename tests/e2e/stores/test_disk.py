# SPDX-License-Identifier: Apache-2.0
"""A disk that is full or read-only: clear words, and nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support.process import die_with_parent
from . import ledger
from .postgres import PostgresServer


class SmallDisk:
    """A tmpfs in a mount namespace of its own, which goes away with the process that holds it."""

    def __init__(self, folder: Path, size: str) -> None:
        folder.mkdir()
        self.folder = folder
        self._holder = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "sh", "-c",
             f"mount -t tmpfs -o size={size} tmpfs {folder} && echo ready && exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", *command], text=True,
                              capture_output=True, timeout=120, check=False)

    def remount(self, options: str) -> None:
        done = self.run("mount", "-o", f"remount,{options}", str(self.folder))
        assert done.returncode == 0, done.stderr

    def inside(self, user: pwd.struct_passwd | None) -> list[str]:
        """What goes before a command that runs as this user and sees the disk."""
        identity = [] if user is None else [f"--setuid={user.pw_uid}", f"--setgid={user.pw_gid}"]
        return ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", *identity, "--"]

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if os.geteuid() != 0:
        pytest.skip("a disk of its own needs root")
    made = SmallDisk(tmp_path / "disk", "3m")
    try:
        yield made
    finally:
        made.close()


def read(book: ledger.Ledger, text: str) -> None:
    for line in text.splitlines():
        book.read(line)


def test_a_full_disk_loses_nothing_and_is_said(disk: SmallDisk) -> None:
    store = disk.folder / "hub.db"
    book = ledger.Ledger()
    full = disk.run(*ledger.client(store, "write", "--writers", "4", "--size", "60000", "--stop-at-error"))
    read(book, full.stdout)
    assert full.returncode == 1
    assert book.refused and book.acknowledged
    for line in book.refused:
        assert "the disk is full; this write was not saved, everything before it was" in line
    # Still full: what is there can be read, also by a process that starts now.
    dumped = disk.run(*ledger.client(store, "dump", "--since", "1"))
    assert dumped.returncode == 0, dumped.stderr
    found = ledger.Ledger()
    read(found, dumped.stdout)
    ledger.check(found, [book])
    # With room again the same store goes on.
    disk.remount("size=32m")
    more = disk.run(*ledger.client(store, "write", "--writes", "5", "--since", str(book.since), "--stop-at-error"))
    assert more.returncode == 0, more.stdout + more.stderr
    read(book, more.stdout)
    found = ledger.Ledger()
    read(found, disk.run(*ledger.client(store, "dump", "--since", "1")).stdout)
    ledger.check(found, [book])


def test_a_read_only_disk_is_said_and_loses_nothing(disk: SmallDisk) -> None:
    store = disk.folder / "hub.db"
    book = ledger.Ledger()
    read(book, disk.run(*ledger.client(store, "write", "--writes", "5")).stdout)
    disk.remount("ro")
    refused = disk.run(*ledger.client(store, "write", "--writes", "5"))
    assert refused.returncode == 2
    assert "Read-only file system" in refused.stderr and "writable" in refused.stderr
    disk.remount("rw")
    found = ledger.Ledger()
    read(found, disk.run(*ledger.client(store, "dump", "--since", "1")).stdout)
    ledger.check(found, [book])
    assert book.acknowledged


@pytest.mark.parametrize("full", ["data", "wal"])
def test_a_full_disk_of_the_database_loses_nothing_and_is_said(tmp_path: Path, full: str) -> None:
    """The tables' disk: PostgreSQL refuses the write. The disk of its log: it ends, and recovers when there is room."""
    if os.geteuid() != 0:
        pytest.skip("a disk of its own needs root")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    disk = SmallDisk(folder / "disk", "48m" if full == "data" else "8m")
    server = None
    try:
        disk.run("chmod", "0777", str(disk.folder))
        where = {"data": disk.folder / "data", "wal": folder / "wal"} if full == "data" else {
            "data": folder / "data", "wal": disk.folder / "wal"}
        # Logs that are kept fill their disk; logs that are not leave the tables as what grows.
        kept = {"data": "0", "wal": "1GB"}[full]
        server = PostgresServer(
            folder, data=where["data"], wal=where["wal"], within=disk.inside, min_wal_size="2MB", max_wal_size="2MB",
            wal_keep_size=kept, autovacuum="off").start()
        book = ledger.Ledger()
        size = ("--size", "60000", "--patience-ms", "3000")
        first = subprocess.run(ledger.client(server.url, "write", "--writes", "1"), text=True, capture_output=True, check=True)
        read(book, first.stdout)
        # What the client writes is easily compressed, and would never fill a disk.
        server.sql("ALTER TABLE roadstead.versions ALTER COLUMN value SET STORAGE EXTERNAL")
        done = subprocess.run(
            ledger.client(server.url, "write", "--writers", "4", "--since", str(book.since), *size, "--stop-at-error"),
            text=True, capture_output=True, timeout=120, check=False)
        read(book, done.stdout)
        assert done.returncode == 1 and book.acknowledged and book.refused, done.stdout[-500:] + done.stderr
        for line in book.refused:
            assert "this write was not saved" in line or "whether this write was saved is not known" in line
        if full == "data":
            assert any("its disk is full" in line for line in book.refused), book.refused
        assert "No space left on device" in (folder / "log").read_text()
        disk.remount("size=200m")
        server.stop()  # it may have ended by itself
        server.start()
        more = subprocess.run(
            ledger.client(server.url, "write", "--writes", "5", "--since", str(book.since), *size, "--stop-at-error"),
            text=True, capture_output=True, timeout=120, check=False)
        assert more.returncode == 0, more.stdout + more.stderr
        read(book, more.stdout)
        ledger.check(ledger.dump(server.url), [book])
    finally:
        if server is not None:
            server.stop()
        disk.close()
        shutil.rmtree(folder, ignore_errors=True)
