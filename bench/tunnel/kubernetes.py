# SPDX-License-Identifier: Apache-2.0
"""A real control plane, registered at the measured hub with an Agent of its own."""

from __future__ import annotations

import base64
import os
import sys
from pathlib import Path
from types import TracebackType

import yaml
from e2e.support.agents import documents, service_account_kubeconfig
from harness import load
from harness.load import Endpoint
from harness.report import Row
from testbed.bed import Testbed, default_root

from . import budgets
from .runs import Runs
from .site import Way
from .workloads import Pace
from .world import World

NAME = "real"
TITLE = "real kube-apiserver, small GET, 16 clients"
PATH = "/api/v1/namespaces/default/configmaps/bench"


class RealCluster:
    """`with RealCluster(world)`: the control plane runs and its cluster is Running at the hub."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.bed = Testbed(default_root(f"bench-{os.getpid()}"), ephemeral=True)

    def __enter__(self) -> RealCluster:
        self.bed.__enter__()
        try:
            self._start()
        except BaseException as error:
            self.bed.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.bed.__exit__(kind, error, trace)

    def _start(self) -> None:
        cluster = self.bed.cluster(NAME, node=False)
        self.bed.up([cluster])
        self.world.admin.create("clusters", NAME)
        manifest = self.world.admin.register(NAME)["manifest"]
        cluster.kubectl("apply", "-f", "-", stdin=documents(manifest, without=("Deployment",)))
        cluster.kubectl("create", "configmap", "bench", "--from-literal=filler=" + "x" * 1700)
        kubeconfig = service_account_kubeconfig(cluster, self.world.folder / "real.kubeconfig")
        agent = self.world.start_agent(NAME, kubeconfig, manifest)
        self.ways = [self._direct(cluster.kubeconfig), self.world.way_to(NAME, agent)]

    def _direct(self, kubeconfig: Path) -> Way:
        config = yaml.safe_load(kubeconfig.read_text())
        folder = self.world.folder
        files = {}
        for part, field in (("cluster", "certificate-authority"), ("user", "client-certificate"), ("user", "client-key")):
            entry = config[part + "s"][0][part]
            data = base64.b64decode(entry[field + "-data"]) if field + "-data" in entry else Path(entry[field]).read_bytes()
            files[field] = folder / f"real-{field}.pem"
            files[field].write_bytes(data)
        address = config["clusters"][0]["cluster"]["server"].removeprefix("https://")
        endpoint = Endpoint(
            address, address.rpartition(":")[0].strip("[]"), files["certificate-authority"], files["client-certificate"],
            files["client-key"])
        return Way("direct", endpoint)

    def rows(self, pace: Pace) -> list[Row]:
        what = {"kind": "get", "path": PATH, "connections": 16, "warmup": pace.warmup, "seconds": pace.seconds}
        runs = Runs()
        for _ in range(pace.repeats):
            for way in self.ways:
                runs.add(NAME, way.name, load.measure(self.world.load, way.endpoint, way.pids(), what))
            print(".", end="", file=sys.stderr, flush=True)
        return [*budgets.cpu(runs, NAME, TITLE, "us/request"), *budgets.speed(runs, NAME, TITLE)]
