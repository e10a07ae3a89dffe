# SPDX-License-Identifier: Apache-2.0
"""The hub, the clusters, and their registration with the command line, as a newcomer would do it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from e2e.support import paths
from e2e.support.hub import Hub
from testbed import build
from testbed.bed import Testbed, default_root
from testbed.cluster import Cluster
from testbed.paths import cache_root

NAMES = ("ack", "idc-k8s")
PORT = 8443


class Failed(Exception):
    pass


class Stage:
    def __init__(self) -> None:
        self.folder = cache_root() / "demo"
        self.bed = Testbed(default_root("demo"), ephemeral=True)
        self.clusters: list[Cluster] = []
        self.hub: Hub | None = None

    def __enter__(self) -> Stage:
        self.bed.down()  # what an earlier demo may have left
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self.hub is not None:
            self.hub.stop()
        self.bed.down()
        if failure is None:
            shutil.rmtree(self.folder)
        else:
            print(f"demo: the hub's log stays in {self.folder / 'hub'}", flush=True)

    # -- Saying and doing

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "ROADSTEAD_CONFIG": str(self.folder / "config.yaml"),
                "PATH": f"{paths.binaries()}:{build.binary('kubectl').parent}:{os.environ.get('PATH', '')}"}

    def run(self, *argv: str | Path, secret: bool = False, into: Path | None = None) -> str:
        """Runs a command as it is shown, with its output."""
        shown = " ".join(str(a) for a in argv)
        if not secret:
            print(f"$ {shown}{f' > {into}' if into else ''}", flush=True)
        done = subprocess.run([str(a) for a in argv], env=self.environment, capture_output=True, text=True, timeout=180)
        if done.returncode != 0:
            raise Failed(f"{shown} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        if into is not None:
            into.touch(mode=0o600)
            into.write_text(done.stdout)
        elif not secret:
            print(done.stdout, end="", flush=True)
        return done.stdout

    def kubeconfig(self, cluster: Cluster) -> Path:
        """Through the hub."""
        return self.folder / f"{cluster.name}.kubeconfig"

    # -- The acts

    def raise_curtain(self) -> None:
        print("Starts two Kubernetes clusters, each with a node.", flush=True)
        self.clusters = [self.bed.cluster(name, node=True) for name in NAMES]
        self.bed.up(self.clusters)
        print("\nStarts the hub.", flush=True)
        self.hub = Hub(self.folder / "hub", self.bed.hub_address, port=PORT).start()
        first = self.hub.first_login()
        print(f"$ roadstead login --server {first.server} --code rsl_... --ca-pin {first.pin}")
        self.run("roadstead", "login", "--server", first.server, "--code", first.code, "--ca-pin", first.pin, secret=True)
        roots = next(self.folder.rglob("roots.pem")).read_text()
        for cluster in self.clusters:
            # The nodes pull the Agent's image from the hub.
            cluster.trust_registry(self.hub.endpoint, roots)
            self.register(cluster)
        self.run("roadstead", "cluster", "list")

    def register(self, cluster: Cluster) -> None:
        manifest = self.folder / f"{cluster.name}-agent.yaml"
        print()
        self.run("roadstead", "cluster", "create", cluster.name)
        self.run("roadstead", "cluster", "manifest", cluster.name, into=manifest)
        began = time.monotonic()
        self.run("kubectl", f"--kubeconfig={cluster.kubeconfig}", "apply", "-f", manifest)
        self.run("roadstead", "cluster", "watch", cluster.name, "--timeout", "2m")
        print(f"{cluster.name}: from kubectl apply to Ready in {time.monotonic() - began:.1f} s", flush=True)
        self.run("roadstead", "kubeconfig", cluster.name, "--file", self.kubeconfig(cluster), "--set-current")

    def next_steps(self) -> str:
        assert self.hub is not None
        first = self.kubeconfig(self.clusters[0])
        lines = [
            f"The hub listens at {self.hub.server}; its data and log are in {self.hub.folder}.",
            "", "kubectl through the hub:", "",
            *(f"  export KUBECONFIG={self.kubeconfig(c)}   # {c.name}" for c in self.clusters),
            "  kubectl get nodes", "  kubectl create deployment web --image=roadstead.test/busybox:1 -- sleep 1d",
            "  kubectl get pods -w", "",
            "The command line, logged in as the first administrator:", "",
            f"  export ROADSTEAD_CONFIG={self.folder / 'config.yaml'} PATH={paths.binaries()}:{build.binary('kubectl').parent}:$PATH",
            "  roadstead cluster list", f"  roadstead cluster get {self.clusters[0].name}", "  roadstead user create alice", "",
            f"For example: kubectl --kubeconfig={first} get pods -A",
            "", "Ctrl-C takes everything down.",
        ]
        return "\n".join(lines)

    def hold(self) -> None:
        """Until Ctrl-C, or until the hub dies."""
        assert self.hub is not None
        while self.hub.running:
            time.sleep(0.5)
        raise Failed(f"the hub has ended:\n{self.hub.tail()}")
