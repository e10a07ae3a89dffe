# SPDX-License-Identifier: Apache-2.0
"""The tester's side of a cluster's supervisor: starts it, and asks it to start and stop programs."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from . import paths, processes


class HolderFailed(RuntimeError):
    """The supervisor refused something or a program ended; the text has the end of its log."""


class Holder:
    """One cluster's supervisor. `folder` is the cluster's state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def _pid_file(self) -> Path:
        return self._folder / "holder.json"

    def start(self, hostname: str, volume: Path, resolv_conf: Path, owner: int | None) -> int:
        """Starts the supervisor in new namespaces. With `owner` it ends when that process ends."""
        config = self._folder / "supervisor.json"
        config.write_text(
            json.dumps(
                {
                    "folder": str(self._folder),
                    "volume": str(volume),
                    "hostname": hostname,
                    "resolv_conf": str(resolv_conf),
                    "log": str(self._folder / "logs" / "supervisor.log"),
                    "keep": [str(self._folder), str(paths.cache_root())],
                    "owner": owner,
                }
            )
        )
        script = Path(__file__).with_name("supervisor.py")
        result = subprocess.run(
            [sys.executable, "-I", str(script), str(config)],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", processes.MARKER: str(self._folder)},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/",
        )
        if result.returncode != 0:
            raise HolderFailed(f"cannot make the namespaces of a cluster: {result.stderr.strip()}")
        pid = int(result.stdout)
        started = processes.start_time(pid)
        self._pid_file.write_text(json.dumps({"pid": pid, "start": started}))
        self._wait_for_socket()
        return pid

    def _wait_for_socket(self) -> None:
        deadline = time.monotonic() + 10
        while not (self._folder / "control.sock").exists():
            if time.monotonic() > deadline or self.pid is None:
                raise HolderFailed("the supervisor of the cluster does not come up, see logs/supervisor.log")
            time.sleep(0.005)

    @property
    def pid(self) -> int | None:
        """The supervisor's PID as seen here, or None when it does not live."""
        try:
            record = json.loads(self._pid_file.read_text())
        except (OSError, ValueError):
            return None
        alive = processes.start_time(record["pid"])
        return record["pid"] if alive is not None and alive == record["start"] else None

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        folder_fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(20)
                connection.connect(f"/proc/self/fd/{folder_fd}/control.sock")
                connection.sendall(json.dumps(request).encode() + b"\n")
                with connection.makefile("rb") as stream:
                    answer: dict[str, Any] = json.loads(stream.readline())
        finally:
            os.close(folder_fd)
        if "error" in answer:
            raise HolderFailed(answer["error"])
        return answer

    def run(self, name: str, argv: list[str], environment: dict[str, str] | None = None) -> None:
        """Starts a program; its output goes to `logs/<name>.log`."""
        env = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
            processes.MARKER: str(self._folder), **(environment or {}),
        }
        self._ask(
            {"operation": "start", "name": name, "argv": argv, "env": env,
             "log": str(self._folder / "logs" / f"{name}.log")}
        )

    def send_signal(self, name: str, number: int) -> None:
        self._ask({"operation": "signal", "name": name, "signal": number})

    def status(self) -> dict[str, Any]:
        """`running`: name → PID inside; `exited`: name → exit code."""
        return self._ask({"operation": "status"})

    def stop(self, name: str, number: int = signal.SIGTERM, timeout: float = 30) -> None:
        """Signals a program and waits for its end; kills it when it does not end in time."""
        self.send_signal(name, number)
        deadline = time.monotonic() + timeout
        while name in self.status()["running"]:
            if time.monotonic() > deadline:
                self.send_signal(name, signal.SIGKILL)
                deadline = time.monotonic() + timeout
            time.sleep(0.02)

    def require(self, *names: str) -> None:
        """Fails with the end of the log when one of the programs is not running."""
        exited = self.status()["exited"]
        for name in names:
            if name in exited:
                log = self._folder / "logs" / f"{name}.log"
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise HolderFailed(f"{name} ended with code {exited[name]}, see {log}:\n{tail}")
