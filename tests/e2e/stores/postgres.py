# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of a test: its own cluster in a temporary folder, run as an unprivileged user."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..support import wait
from ..support.process import die_with_parent

_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
SETTINGS = {
    "shared_buffers": "16MB", "max_connections": "40", "autovacuum_naptime": "5s", "restart_after_crash": "off",
}


def _unprivileged() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


class PostgresServer:
    """`data` and `wal` may lie elsewhere, as seen by a process that `within` starts: a command that takes a user and a command."""

    def __init__(
        self, folder: Path | None = None, *, data: Path | None = None, wal: Path | None = None,
        within: Callable[[pwd.struct_passwd | None], Sequence[str]] | None = None, **settings: str,
    ) -> None:
        # A Unix socket's path is short, which pytest's folders are not.
        self.folder = folder or Path(tempfile.mkdtemp(prefix="pg-"))
        self.data = data or self.folder / "data"
        self.user = _unprivileged()
        self._within = within
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 5432
        self.certificate: Path | None = None  # of the CA, once TLS is on
        self._settings = dict(SETTINGS, listen_addresses="", unix_socket_directories=str(self.folder), **settings)
        self._give(self.folder)
        self._finish(["initdb", "-D", self.data, "-U", "roadstead", "-A", "trust", "-E", "UTF8", "--locale=C",
                      "--no-sync", "--no-instructions", "--wal-segsize=1", *([f"--waldir={wal}"] if wal else [])])

    @property
    def url(self) -> str:
        return f"postgres:///postgres?user=roadstead&host={self.folder}"

    def use_tls(self, password: str) -> None:
        """Restarts with TLS on 127.0.0.1, a certificate for localhost, and a password."""
        self.sql(f"ALTER USER roadstead PASSWORD '{password}'")
        def openssl(*arguments: str) -> None:
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test CA")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key",
                "-out", "server.csr", "-subj", "/CN=localhost")
        (self.folder / "names").write_text("subjectAltName=DNS:localhost\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-out", "server.crt", "-extfile", "names")
        for name in ("server.key", "server.crt"):
            self._give(self.folder / name)
        (self.folder / "server.key").chmod(0o600)
        self.certificate = self.folder / "ca.crt"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._settings |= {
            "listen_addresses": "127.0.0.1", "port": str(self.port), "ssl": "on",
            "ssl_cert_file": str(self.folder / "server.crt"), "ssl_key_file": str(self.folder / "server.key"),
        }
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\nhost all all all reject\n")
        self.stop()
        self.start()

    def start(self) -> PostgresServer:
        arguments = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]

        def attempt() -> bool:
            # After a kill the last sessions of the old server may still be ending.
            if self.process is None or self.process.poll() is not None:
                self.process = self._launch(["postgres", "-D", self.data, *arguments])
            return self._run(["pg_isready", "-q", "-h", self.folder, "-p", str(self.port)]) == 0
        wait.until("PostgreSQL serves", attempt, timeout=60, dump=self.tail)
        return self

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """The server and all its processes at once, as a power cut would."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self._end(signal.SIGKILL)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def remove(self) -> None:
        if self.process is not None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, statements: str) -> None:
        self._finish(self.psql(statements))

    def psql(self, statements: str) -> list[str | Path]:
        return ["psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(self.port), "-U", "roadstead",
                "-d", "postgres", "-c", statements]

    def launch_sql(self, statements: str) -> subprocess.Popen[bytes]:
        """One transaction of its own, beside the test."""
        return self._launch(self.psql(statements))

    def tail(self) -> str:
        log = self.folder / "log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-20:]) if log.exists() else ""

    def _end(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None

    def _give(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _launch(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        inside = self._within(self.user) if self._within is not None else []
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*inside, str(_PROGRAMS / command[0]), *(str(c) for c in command[1:])], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd="/", env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, preexec_fn=die_with_parent,
                **({} if self.user is None or inside else {
                    "user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}))

    def _run(self, command: Sequence[str | Path]) -> int:
        return self._launch(command).wait(60)

    def _finish(self, command: Sequence[str | Path]) -> None:
        assert self._run(command) == 0, f"{command[0]} failed:\n{self.tail()}"
