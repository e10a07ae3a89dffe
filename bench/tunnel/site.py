# SPDX-License-Identifier: Apache-2.0
"""What all ways of one run share: a folder, certificates, the origin, and who ends the programs."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from e2e.support import wait
from e2e.support.hub import free_port
from e2e.support.process import Program, die_with_parent
from harness import load, scratch
from harness.load import Endpoint
from testbed import pki

ORIGIN_NAME = "origin.bench.internal"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Way:
    """One way from the client to the origin. `programs` are those whose cost is counted; `settings` is what was configured."""

    name: str
    endpoint: Endpoint
    programs: Mapping[str, Program] = field(default_factory=dict)
    settings: tuple[str, ...] = ()

    def pids(self) -> dict[str, int]:
        return {name: program.pid for name, program in self.programs.items()}


def _accepts(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 1):
        return True


class Site:
    """The origin runs from `open` to `close`; what `start` started ends with it.

    The hub side is at the address `near`; the agent side and the origin are at `far`, and are started by `at_far`.
    """

    def __init__(self, near: str = LOOPBACK, far: str = LOOPBACK, at_far: Sequence[str] = ()) -> None:
        self.near, self.far, self.at_far = near, far, tuple(at_far)
        self.folder = scratch.folder()
        self.load = load.program()
        self._programs: list[Program] = []
        self._origin: subprocess.Popen[str] | None = None

    def open(self) -> None:
        self._make_certificates()
        self.origin = self._start_origin()

    def close(self) -> None:
        for program in reversed(self._programs):
            program.kill()
        if self._origin is not None:
            self._origin.kill()
            self._origin.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def own(self, program: Program) -> None:
        self._programs.append(program)

    def start(self, name: str, *argv: str | Path, listens: str = "") -> Program:
        """Returns when it accepts at `listens`."""
        program = Program(name, self.folder / f"{name.replace(' ', '-')}.log")
        self.own(program)
        program.launch(argv)
        if listens:
            wait.until(f"{name} listens", lambda: program.running and _accepts(listens), dump=program.tail)
        return program

    def free_address(self) -> str:
        return f"{self.near}:{free_port(self.near)}"

    def endpoint(self, address: str) -> Endpoint:
        """For a server that shows the certificate of ORIGIN_NAME, asked by the person with the client certificate."""
        return Endpoint(address, ORIGIN_NAME, self.folder / "ca.crt", self.folder / "client.crt", self.folder / "client.key")

    def shown(self, text: str) -> tuple[str, ...]:
        """Lines of a configuration for the report."""
        return tuple(f"  {line}" for line in text.replace(f"{self.folder}/", "").splitlines())

    def origin_kubeconfig(self) -> Path:
        path = self.folder / "origin.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {
                "server": f"https://{self.origin}", "certificate-authority": str(self.folder / "ca.crt"),
                "tls-server-name": ORIGIN_NAME}}],
            "users": [{"name": "it", "user": {"tokenFile": str(self.folder / "token")}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }))
        return path

    def _make_certificates(self) -> None:
        authority = pki.Authority("bench")
        (self.folder / "ca.crt").write_bytes(authority.pem)
        origin = authority.issue("origin", server_names=[ORIGIN_NAME, self.far], client=False)
        person = authority.issue("admin", "bench:users")
        origin.write(self.folder, "origin")
        person.write(self.folder, "client")
        # Peers show one certificate to users, to each other and to the origin.
        authority.issue("admin", "bench:users", server_names=[ORIGIN_NAME]).write(self.folder, "peer")
        pki.write_secret(self.folder / "haproxy.pem", origin.certificate + origin.key)
        pki.write_secret(self.folder / "client.pem", person.certificate + person.key)
        pki.write_secret(self.folder / "token", b"bench-token")

    def _start_origin(self) -> str:
        self._origin = subprocess.Popen(
            [*self.at_far, str(self.load), "origin", "--listen", f"{self.far}:0", "--certificate", str(self.folder / "origin.crt"), "--key",
             str(self.folder / "origin.key"), "--clients", str(self.folder / "ca.crt"), "--token-file",
             str(self.folder / "token")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        assert self._origin.stdout is not None
        address, self.plain = self._origin.stdout.readline().strip(), self._origin.stdout.readline().strip()
        assert address and self.plain, "the origin did not start"
        return address
