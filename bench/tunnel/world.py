# SPDX-License-Identifier: Apache-2.0
"""Everything that runs during the measurement, all on loopback: origin, HAProxy, hub and Agent."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from e2e.support import client, paths, wait
from e2e.support.hub import Hub, free_port
from e2e.support.process import Program, die_with_parent
from harness import load
from harness.load import Endpoint
from testbed import pki

CLUSTER = "bench"
ORIGIN_NAME = "origin.bench.internal"
LOOPBACK = "127.0.0.1"

HAPROXY = """\
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    http-reuse always
frontend users
    bind {listen} ssl crt {folder}/haproxy.pem ca-file {folder}/ca.crt verify required alpn h2,http/1.1
    default_backend origin
backend origin
    server origin {origin} ssl crt {folder}/client.pem ca-file {folder}/ca.crt verify required verifyhost {name} sni str({name}) alpn {alpn}
"""


@dataclass(frozen=True)
class Way:
    """One way from the client to the origin. `programs` are those whose cost is counted."""

    name: str
    endpoint: Endpoint
    programs: Mapping[str, Program] = field(default_factory=dict)

    def pids(self) -> dict[str, int]:
        return {name: program.pid for name, program in self.programs.items()}


def _accepts(port: int) -> bool:
    with socket.create_connection((LOOPBACK, port), 1):
        return True


class Agent(Program):
    """One Agent on loopback, of a cluster that it registers at its first start."""

    def __init__(self, folder: Path, name: str, kubeconfig: Path, manifest: str) -> None:
        super().__init__(f"agent of {name}", folder / f"{name}-agent.log")
        bootstrap = folder / f"{name}.yaml"
        bootstrap.touch(mode=0o600)
        bootstrap.write_text(manifest)
        self.launch([
            paths.program("roadstead-agent"), "--kubeconfig", kubeconfig, "--state-dir", folder / f"{name}-state",
            "--bootstrap", bootstrap, "--replica", f"{name}-0",
        ])


class World:
    """`with World() as world`: all programs run and the cluster is Running at the hub."""

    def __init__(self, haproxy_alpn: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=load.cache()))
        self.haproxy_alpn = haproxy_alpn
        self.load = load.program()
        self._programs: list[Program] = []
        self._origin: subprocess.Popen[str] | None = None

    def __enter__(self) -> World:
        try:
            self._make_certificates()
            origin = self._start_origin()
            self.haproxy = self._start_haproxy(origin)
            self.hub = Hub(self.folder / "hub", LOOPBACK)
            self._programs.append(self.hub)
            self.hub.start()
            first = self.hub.first_login()
            self.login = client.log_in(first.server, first.code, first.pin, self.folder / "admin")
            self.admin = client.Client(self.login)
            self.agent = self.register(CLUSTER, self._origin_kubeconfig(origin))
        except BaseException:
            self.close()
            raise
        self.ways = {
            "direct": Way("direct", self._own_endpoint(origin, ORIGIN_NAME)),
            "haproxy": Way("haproxy", self._own_endpoint(self.haproxy_address, ORIGIN_NAME), {"haproxy": self.haproxy}),
            "ours": self.way_to(CLUSTER, self.agent),
        }
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for program in reversed(self._programs):
            program.kill()
        if self._origin is not None:
            self._origin.kill()
            self._origin.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def register(self, name: str, kubeconfig: Path) -> Agent:
        """A cluster that exists at the hub, with one Agent that uses this kubeconfig."""
        self.admin.create("clusters", name)
        return self.start_agent(name, kubeconfig, self.admin.register(name)["manifest"])

    def start_agent(self, name: str, kubeconfig: Path, manifest: str) -> Agent:
        """Returns when the cluster is Running."""
        agent = Agent(self.folder, name, kubeconfig, manifest)
        self._programs.append(agent)
        wait.until(
            f"cluster {name} is Running", lambda: self.admin.object("clusters", name)["status"]["phase"], timeout=30,
            done=lambda phase: phase == "Running", dump=lambda: agent.tail() + "\n" + self.hub.tail())
        return agent

    def way_to(self, cluster: str, agent: Program) -> Way:
        endpoint = Endpoint(
            self.hub.endpoint, f"{cluster}.{self.login.zone}", self.login.roots, self.login.credential, self.login.credential)
        return Way("ours", endpoint, {"hub": self.hub, "agent": agent})

    def configuration(self) -> list[str]:
        """What was set, with the files' folder left out."""
        haproxy = (self.folder / "haproxy.cfg").read_text().replace(f"{self.folder}/", "")
        version = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
        return [
            version, *(f"  {line}" for line in haproxy.splitlines()),
            "hub: one shard, one member cluster with one Agent, all settings at their defaults; audit and log lines go to a file",
            "client and origin: bench/load; P-256 certificates and TLS 1.3 on every hop; the origin wants a client certificate "
            "or a bearer token",
        ]

    def _make_certificates(self) -> None:
        authority = pki.Authority("bench")
        (self.folder / "ca.crt").write_bytes(authority.pem)
        origin = authority.issue("origin", server_names=[ORIGIN_NAME, LOOPBACK], client=False)
        person = authority.issue("admin", "bench:users")
        origin.write(self.folder, "origin")
        person.write(self.folder, "client")
        pki.write_secret(self.folder / "haproxy.pem", origin.certificate + origin.key)
        pki.write_secret(self.folder / "client.pem", person.certificate + person.key)
        pki.write_secret(self.folder / "token", b"bench-token")

    def _own_endpoint(self, address: str, name: str) -> Endpoint:
        return Endpoint(
            address, name, self.folder / "ca.crt", self.folder / "client.crt", self.folder / "client.key")

    def _start_origin(self) -> str:
        self._origin = subprocess.Popen(
            [str(self.load), "origin", "--certificate", str(self.folder / "origin.crt"), "--key",
             str(self.folder / "origin.key"), "--clients", str(self.folder / "ca.crt"), "--token-file",
             str(self.folder / "token")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        assert self._origin.stdout is not None
        address = self._origin.stdout.readline().strip()
        assert address, "the origin did not start"
        return address

    def _start_haproxy(self, origin: str) -> Program:
        self.haproxy_address = f"{LOOPBACK}:{free_port(LOOPBACK)}"
        path = self.folder / "haproxy.cfg"
        path.write_text(HAPROXY.format(
            listen=self.haproxy_address, origin=origin, folder=self.folder, name=ORIGIN_NAME, alpn=self.haproxy_alpn))
        haproxy = Program("haproxy", self.folder / "haproxy.log")
        self._programs.append(haproxy)
        haproxy.launch(["haproxy", "-db", "-f", path])
        port = int(self.haproxy_address.rpartition(":")[2])
        wait.until("haproxy listens", lambda: _accepts(port), dump=haproxy.tail)
        return haproxy

    def _origin_kubeconfig(self, origin: str) -> Path:
        path = self.folder / "origin.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {
                "server": f"https://{origin}", "certificate-authority": str(self.folder / "ca.crt"),
                "tls-server-name": ORIGIN_NAME}}],
            "users": [{"name": "it", "user": {"tokenFile": str(self.folder / "token")}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }))
        return path
