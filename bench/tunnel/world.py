# SPDX-License-Identifier: Apache-2.0
"""Everything that runs during the measurement, all on loopback: the origin, hub and Agent, and the ways beside them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from e2e.support import client, paths, wait
from e2e.support.hub import SupervisedHub
from e2e.support.process import Program
from harness.envoy import NoEnvoy
from harness.golang import NotBuilt
from harness.load import Endpoint

from . import floors, peers
from .site import Site, Way

CLUSTER = "bench"


class Agent(Program):
    """One Agent on loopback, of a cluster that it registers at its first start."""

    def __init__(
        self, folder: Path, cluster: str, kubeconfig: Path, manifest: str, number: int, prefix: Sequence[str],
    ) -> None:
        self.replica = f"{cluster}-{number}"
        super().__init__(f"agent {self.replica}", folder / f"{self.replica}.log")
        bootstrap = folder / f"{self.replica}.yaml"
        bootstrap.touch(mode=0o600)
        bootstrap.write_text(manifest)
        self._argv = [
            *prefix, paths.program("roadstead-agent"), "--kubeconfig", kubeconfig, "--state-dir", folder / f"{self.replica}-state",
            "--bootstrap", bootstrap, "--replica", self.replica,
        ]

    def start(self) -> None:
        self.launch(self._argv)


class World:
    """`with World(beside) as world`: all programs run and the cluster is Running at the hub.

    `ways` has "direct", "ours", and those of `beside` that could be started: "haproxy", "envoy", and variants of peers.
    `missing` says why others could not.
    """

    def __init__(self, beside: Sequence[str], haproxy_alpn: str = "http/1.1", site: Site | None = None) -> None:
        self.beside = beside
        self.haproxy_alpn = haproxy_alpn
        self.site = site or Site()
        self.folder = self.site.folder
        self.load = self.site.load
        self.ways: dict[str, Way] = {}
        self.missing: dict[str, str] = {}

    def __enter__(self) -> World:
        try:
            self.site.open()
            self.ways["direct"] = Way("direct", self.site.endpoint(self.site.origin))
            for name in self.beside:
                self._start_beside(name)
            self._start_ours()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.site.close()

    def _start_beside(self, name: str) -> None:
        """What cannot be had or does not start is missing from the table, with the reason; the rest is measured."""
        try:
            if name == "haproxy":
                self.ways[name] = floors.haproxy(self.site, self.haproxy_alpn)
            elif name == "envoy":
                self.ways[name] = floors.start_envoy(self.site)
            else:
                self.ways[name] = peers.start(self.site, peers.BY_NAME[name])
        except (NoEnvoy, NotBuilt, wait.TimedOut) as error:
            self.missing[name] = str(error)
            print(f"{name} is not measured: {error}", file=sys.stderr)

    def restart(self, name: str) -> None:
        """A peer that has stopped to answer is started afresh, so that it has a figure for what comes next."""
        if name in peers.BY_NAME:
            for program in self.ways.pop(name).programs.values():
                program.kill()
            self._start_beside(name)

    def _start_ours(self) -> None:
        self.hub = SupervisedHub(self.folder / "hub", self.site.near)
        self.site.own(self.hub)
        self.hub.start()
        first = self.hub.first_login()
        self.login = client.log_in(first.server, first.code, first.pin, self.folder / "admin")
        self.admin = client.Client(self.login)
        self.agent = self.register(CLUSTER, self.site.origin_kubeconfig())
        self.ways["ours"] = self.way_to(CLUSTER, self.agent)

    def register(self, name: str, kubeconfig: Path) -> Agent:
        """A cluster that exists at the hub, with one Agent that uses this kubeconfig."""
        self.admin.create("clusters", name)
        return self.start_agent(name, kubeconfig, self.admin.register(name)["manifest"])

    def start_agent(self, name: str, kubeconfig: Path, manifest: str, replica: int = 0) -> Agent:
        """Returns when the cluster is Running."""
        agent = Agent(self.folder, name, kubeconfig, manifest, replica, self.site.at_far)
        self.site.own(agent)
        agent.start()
        wait.until(
            f"cluster {name} is Running", lambda: self.admin.object("clusters", name)["status"]["phase"], timeout=30,
            done=lambda phase: phase == "Running", dump=lambda: agent.tail() + "\n" + self.hub.tail())
        return agent

    def way_to(self, cluster: str, agent: Program) -> Way:
        endpoint = Endpoint(
            self.hub.endpoint, f"{cluster}.{self.login.zone}", self.login.roots, self.login.credential, self.login.credential)
        return Way("ours", endpoint, {"hub": self.hub, "agent": agent}, (
            "ours: hub with one shard, one member cluster with one Agent, all settings at their defaults; it verifies and "
            "impersonates; audit and log lines go to a file",))

    def configuration(self) -> list[str]:
        """What was set."""
        return [
            *(line for way in self.ways.values() for line in way.settings),
            *(f"{name}: not measured: {why}" for name, why in self.missing.items()),
            "client and origin: bench/load; P-256 certificates and TLS 1.3 on every hop; the origin wants a client certificate "
            "or a bearer token",
        ]
