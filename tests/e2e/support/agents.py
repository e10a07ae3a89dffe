# SPDX-License-Identifier: Apache-2.0
"""Agents of a member cluster, as processes in its network namespace or as pods."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from testbed.cluster import Cluster

from . import paths, wait
from .client import Client, Straight
from .process import Program, die_with_parent

NAMESPACE = "roadstead-system"
ACCOUNT = "roadstead-agent"
AS_ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"


def documents(manifest: str, *, without: Iterable[str] = ()) -> str:
    """The manifest without some kinds."""
    skipped = set(without)
    kept = [d for d in yaml.safe_load_all(manifest) if d and d["kind"] not in skipped]
    return yaml.safe_dump_all(kept)


def service_account_kubeconfig(cluster: Cluster, path: Path) -> Path:
    """With the Agent's rights and nothing more, so that the Agent outside is as weak as one in a pod."""
    token = cluster.create_service_account_token(NAMESPACE, ACCOUNT, seconds=24 * 3600)
    authority = path.with_suffix(".ca.pem")
    authority.write_text(cluster.ca_pem())
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": cluster.server, "certificate-authority": str(authority)}}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": NAMESPACE}}],
    }))
    path.chmod(0o600)
    return path


class AgentProcess(Program):
    """One Agent outside of a pod. Keeps its state folder over restarts."""

    def __init__(self, cluster: Cluster, folder: Path, replica: str, manifest: str) -> None:
        super().__init__(f"agent {replica}", folder / f"{replica}.log")
        self.cluster = cluster
        self.folder = folder
        self.replica = replica
        self.bootstrap = folder / f"{replica}.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        self.bootstrap.write_text(manifest)
        self.bootstrap.chmod(0o600)
        self.kubeconfig = service_account_kubeconfig(cluster, folder / f"{replica}.kubeconfig")

    @property
    def state(self) -> Path:
        return self.folder / f"{self.replica}.state"

    def argv(self, *flags: str) -> list[str]:
        return [
            str(paths.program("roadstead-agent")), "--kubeconfig", str(self.kubeconfig), "--state-dir", str(self.state),
            "--bootstrap", str(self.bootstrap), "--replica", self.replica, *flags,
        ]

    def start(self, *flags: str) -> AgentProcess:
        assert not self.running
        with self.log.open("ab") as sink:
            # nsenter becomes the Agent, so the process is the Agent itself.
            self.process = self.cluster.popen_in_namespace(
                self.argv(*flags), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, preexec_fn=die_with_parent)
        return self


class Site:
    """A member cluster registered with Agents as processes: quick to start, easy to kill."""

    def __init__(self, cluster: Cluster, hub: Client, folder: Path, *, agents: int = 2, name: str = "") -> None:
        self.cluster = cluster
        self.name = name or cluster.name
        self.hub = hub
        self.folder = folder
        self.wanted = agents
        self.agents: list[AgentProcess] = []

    def register(self) -> Site:
        self.hub.create("clusters", self.name)
        for number in range(self.wanted):
            manifest = self.hub.register(self.name)["manifest"]
            if number == 0:
                self.cluster.kubectl("apply", "-f", "-", stdin=documents(manifest, without=("Deployment",)))
            self.agents.append(AgentProcess(self.cluster, self.folder, f"{self.name}-{number}", manifest).start())
        self.wait_whole()
        return self

    def straight(self) -> Straight:
        """Requests past the hub."""
        return Straight(self.cluster.server, self.cluster.layout.pki)

    def status(self) -> dict[str, Any]:
        return dict(self.hub.object("clusters", self.name).get("status", {}))

    def phase(self) -> str:
        return str(self.status().get("phase"))

    def condition(self, kind: str) -> dict[str, str]:
        return next((c for c in self.status().get("conditions", []) if c["type"] == kind), {})

    def connected(self) -> set[str]:
        return {a["replica"] for a in self.status().get("agents", []) if a.get("lanes", 0) > 0}

    def wait_phase(self, phase: str, timeout: float = 15) -> float:
        watch = wait.Stopwatch()
        wait.until(f"{self.name} is {phase}", self.status, timeout=timeout,
                   done=lambda s: s.get("phase") == phase, dump=self.dump)
        return watch.seconds

    def wait_whole(self, timeout: float = 20) -> None:
        """Running, with a lane of every Agent that runs."""
        names = {a.replica for a in self.agents if a.running}
        wait.until(f"{self.name} is Running with {sorted(names)}", self.status, timeout=timeout, dump=self.dump,
                   done=lambda s: s.get("phase") == "Running"
                   and {a["replica"] for a in s.get("agents", []) if a.get("lanes", 0) > 0} >= names)

    def restart(self, agent: AgentProcess) -> None:
        """Starts an Agent that has ended. What the hub still says of its former life does not count."""
        wait.until(f"the hub knows that {agent.replica} has gone", self.connected,
                   done=lambda names: agent.replica not in names, timeout=20)
        agent.start()
        self.wait_whole()

    def heal(self) -> None:
        """After a fault: the network, the API server and all Agents are there."""
        self.cluster.restore()
        for agent in self.agents:
            if not agent.running:
                agent.start()
        self.wait_whole(timeout=40)

    def close(self) -> None:
        for agent in self.agents:
            agent.stop(signal.SIGKILL)

    def dump(self) -> str:
        return "\n".join(f"--- {a.log} (runs: {a.running})\n{a.tail(12)}" for a in self.agents)
