# SPDX-License-Identifier: Apache-2.0
"""A real hub on the test bed's bridge."""

from __future__ import annotations

import json
import re
import signal
import socket
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import paths, wait
from .process import Program


def free_port(address: str) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class FirstLogin:
    """What the hub prints at its first start."""

    server: str
    code: str
    pin: str  # sha256:<hex> of the CA


class Hub(Program):
    """Keeps its port and data over restarts. `folder` holds data, logs and the ready file."""

    def __init__(self, folder: Path, address: str, *flags: str, port: int = 0) -> None:
        super().__init__("hub", folder / "hub.log")
        self.folder = folder
        self.address = address
        self.port = port or free_port(address)
        self.flags = list(flags)

    @property
    def endpoint(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @property
    def server(self) -> str:
        return f"https://{self.endpoint}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def ready_file(self) -> Path:
        return self.folder / "ready.json"

    def start(self) -> Hub:
        self.launch_only()
        return self.wait_ready()

    def launch_only(self) -> None:
        """Returns while the hub still starts."""
        self.ready_file.unlink(missing_ok=True)
        self._run([
            paths.program("roadstead-hub"), "--data-dir", self.data, "--listen", self.endpoint,
            "--public-endpoint", self.endpoint, "--metrics-listen", "127.0.0.1:0",
            "--ready-file", self.ready_file, *self.flags,
        ])

    def wait_ready(self) -> Hub:
        wait.until("the hub serves or has ended", lambda: not self.running or self.ready_file.exists(), timeout=30, dump=self.tail)
        assert self.running, f"the hub does not start:\n{self.tail()}"
        return self

    def _run(self, argv: list[str | Path]) -> None:
        self.launch(argv)

    def restart(self, number: int = signal.SIGTERM) -> None:
        self.stop(number)
        self.start()

    def first_login(self) -> FirstLogin:
        found = re.search(r"login --server (\S+) --code (\S+) --ca-pin (\S+)", self.text())
        assert found, f"the hub printed no first login:\n{self.tail()}"
        return FirstLogin(*found.groups())

    def metrics(self) -> str:
        address = json.loads(self.ready_file.read_text())["metrics"]
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            return str(answer.read().decode())

    def records(self, **fields: str) -> list[dict[str, str]]:
        """The hub's request records, as far as their fields have these values."""
        found = []
        for line in self.text().splitlines():
            if " request " not in line:
                continue
            record = {k: v.strip('"') for k, v in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line)}
            if all(record.get(k) == v for k, v in fields.items()):
                found.append(record)
        return found


class SupervisedHub(Hub):
    """A hub whose public port is kept by its supervisor, which is this process, in the way of sd_listen_fds(3)."""

    def __init__(self, folder: Path, address: str, *flags: str) -> None:
        self._socket = socket.create_server((address, 0), backlog=4096)
        super().__init__(folder, address, *flags, port=self._socket.getsockname()[1])

    def _run(self, argv: list[str | Path]) -> None:
        descriptor = self._socket.fileno()
        # The variable names the process itself, which only a shell in its place knows.
        script = f'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=users exec "$0" "$@" 3<&{descriptor}'
        self.launch(["/bin/bash", "-c", script, *argv], keep=[descriptor])

    def close(self) -> None:
        self.kill()
        self._socket.close()
