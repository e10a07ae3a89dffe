# SPDX-License-Identifier: Apache-2.0
"""What runs: a hub, and a kube-apiserver with an etcd that syncs to the same disk, both on loopback with the same kinds."""

from __future__ import annotations

import json
import shutil
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from e2e.support import client, wait
from e2e.support.client import GROUP
from e2e.support.hub import Hub, free_port
from e2e.support.process import Program
from harness import load, scratch
from harness.load import Endpoint
from testbed import build, pki

LOOPBACK = "127.0.0.1"
KINDS = Path(__file__).resolve().parents[2] / "api" / "kinds"
SYNC_PROBES = 200
QUIET_SECONDS = 0.5
QUIET_SHARE = 0.15  # of a core; an idle API server uses a few hundredths


class Side:
    """One server of the objects. `programs` are those whose cost is counted."""

    def __init__(self, name: str, endpoint: Endpoint) -> None:
        self.name = name
        self.endpoint = endpoint
        self.programs: dict[str, Program] = {}
        self._context = ssl.create_default_context(cafile=str(endpoint.roots))
        self._context.load_cert_chain(endpoint.certificate, endpoint.key)

    def pids(self) -> dict[str, int]:
        return {name: program.pid for name, program in self.programs.items()}

    def resident(self) -> int:
        return sum(program.resident_bytes() for program in self.programs.values())

    def raw(self, method: str, path: str, body: Any = None) -> client.Answer:
        host, _, port = self.endpoint.address.rpartition(":")
        connection = client.Connection((host, int(port)), self.endpoint.server_name, self._context, 120)
        return client.exchange(connection, method, path, body)

    def get(self, path: str) -> Any:
        answer = self.raw("GET", path)
        if answer.status != 200:
            raise client.ApiError(answer)
        return answer.json

    def revision(self, plural: str) -> str:
        return str(self.get(f"{GROUP}/{plural}?limit=1")["metadata"]["resourceVersion"])

    def settle(self) -> None:
        """Returns when the programs have nothing more to do."""
        spent = [self._cpu()]

        def quiet() -> bool:
            time.sleep(QUIET_SECONDS)
            spent.append(self._cpu())
            return spent[-1] - spent[-2] < QUIET_SHARE * QUIET_SECONDS

        wait.until(f"{self.name} is quiet", quiet, timeout=300)

    def _cpu(self) -> float:
        return sum(program.cpu_seconds() for program in self.programs.values())

    def forget(self, names: list[str], world: World) -> None:
        """Deletes clusters that were created to be measured."""
        if names:
            first = int(names[0].rpartition("-")[2])
            load.measure(world.load, self.endpoint, self.pids(), {
                "kind": "count", "count": len(names), "connections": 8, "streams": 8, "plain": True,
                "ask": {"method": "DELETE", "path": f"{GROUP}/clusters/c-{{n}}", "first": first}}, 600)
            self.settle()

    def restart(self) -> float:
        """Seconds from the program's start to its first answer with objects in it."""
        raise NotImplementedError

    def configuration(self) -> list[str]:
        raise NotImplementedError


class HubSide(Side):
    def __init__(self, hub: Hub, login: client.Login) -> None:
        super().__init__("hub", Endpoint(hub.endpoint, LOOPBACK, login.roots, login.credential, login.credential))
        self.hub = hub
        self.programs = {"hub": hub}

    def restart(self) -> float:
        self.hub.stop()
        return _timed_start(self.hub.start, self)

    def configuration(self) -> list[str]:
        return [
            "hub: all settings at their defaults, one shard; SQLite with WAL and synchronous=FULL; request records go to a file; "
            "its controllers run",
        ]


class ControlPlane(Side):
    """kube-apiserver and etcd alone: no controller runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files()
        self._etcd = f"http://{LOOPBACK}:{free_port(LOOPBACK)}"
        self._peer = f"http://{LOOPBACK}:{free_port(LOOPBACK)}"
        self._port = free_port(LOOPBACK)
        super().__init__("kube-apiserver + etcd", Endpoint(
            f"{LOOPBACK}:{self._port}", LOOPBACK, folder / "ca.crt", folder / "admin.crt", folder / "admin.key"))
        self.etcd = Program("etcd", folder / "etcd.log")
        self.apiserver = Program("kube-apiserver", folder / "kube-apiserver.log")
        self.programs = {"kube-apiserver": self.apiserver, "etcd": self.etcd}

    def start(self) -> None:
        self.etcd.launch([
            build.binary("etcd"), f"--data-dir={self.folder}/etcd", f"--listen-client-urls={self._etcd}",
            f"--advertise-client-urls={self._etcd}", f"--listen-peer-urls={self._peer}",
            f"--initial-advertise-peer-urls={self._peer}", f"--initial-cluster=default={self._peer}",
            "--quota-backend-bytes=8589934592", "--log-level=error",
        ])
        self.apiserver.launch([
            build.binary("kube-apiserver"), f"--etcd-servers={self._etcd}", f"--bind-address={LOOPBACK}",
            f"--secure-port={self._port}", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=RBAC", f"--client-ca-file={self.folder}/ca.crt",
            f"--tls-cert-file={self.folder}/server.crt", f"--tls-private-key-file={self.folder}/server.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder}/service-account.pub",
            f"--service-account-signing-key-file={self.folder}/service-account.key",
        ])
        wait.until("kube-apiserver is ready", lambda: self.raw("GET", "/readyz").status == 200, timeout=60,
                   dump=self.apiserver.tail)

    def add_kinds(self) -> None:
        import yaml

        for file in sorted(KINDS.glob("*.yaml")):
            crd = yaml.safe_load(file.read_text())
            made = self.raw("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
            assert made.status == 201, made.text
            plural = crd["spec"]["names"]["plural"]
            path = f"/apis/{crd['spec']['group']}/{crd['spec']['versions'][0]['name']}/{plural}"
            wait.until(f"{plural} are served", lambda path=path: self.raw("GET", path).status == 200, timeout=30)

    def restart(self) -> float:
        self.apiserver.kill()
        self.etcd.stop()
        return _timed_start(self.start, self)

    def close(self) -> None:
        self.apiserver.kill()
        self.etcd.kill()

    def configuration(self) -> list[str]:
        return [
            "kube-apiserver 1.36 and etcd, built from their sources: etcd syncs each commit to the same disk; no audit, no "
            "controller manager, no scheduler; the client is of system:masters, so neither RBAC rules nor fair queues are in its way",
        ]

    def _files(self) -> None:
        self.folder.mkdir(parents=True)
        authority = pki.Authority("bench")
        (self.folder / "ca.crt").write_bytes(authority.pem)
        authority.issue("kube-apiserver", server_names=[LOOPBACK, "localhost"]).write(self.folder, "server")
        authority.issue("admin", "system:masters").write(self.folder, "admin")
        private, public = pki.service_account_keys()
        pki.write_secret(self.folder / "service-account.key", private)
        (self.folder / "service-account.pub").write_bytes(public)


def _timed_start(start: Callable[[], object], side: Side) -> float:
    began = time.monotonic()
    start()
    wait.until(f"{side.name} lists", lambda: side.get(f"{GROUP}/clusters?limit=1"), timeout=300, every=0.02)
    return time.monotonic() - began


class World:
    """`with World() as world`: both sides run and are empty."""

    def __init__(self, real: bool) -> None:
        self.folder = scratch.folder()
        self.load = load.program()
        self._with_real = real
        self._hub: Hub | None = None
        self.real: ControlPlane | None = None

    def __enter__(self) -> World:
        try:
            self.sync_ms = self._probe_disk()
            self._hub = Hub(self.folder / "hub", LOOPBACK)
            self._hub.start()
            first = self._hub.first_login()
            self.hub = HubSide(self._hub, client.log_in(first.server, first.code, first.pin, self.folder / "admin"))
            self.sides: list[Side] = [self.hub]
            if self._with_real:
                build.ensure(build.CONTROL_PLANE)
                self.real = ControlPlane(self.folder / "real")
                self.real.start()
                self.real.add_kinds()
                self.sides.append(self.real)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self.real is not None:
            self.real.close()
        if self._hub is not None:
            self._hub.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def configuration(self) -> list[str]:
        return [
            *(line for side in self.sides for line in side.configuration()),
            "client: bench/load over HTTP/2 with TLS 1.3 and a client certificate, JSON, no compression",
            f"disk: fdatasync after 4 KiB takes {self.sync_ms:.2f} ms (median of {SYNC_PROBES})",
        ]

    def _probe_disk(self) -> float:
        import os
        import statistics

        path = self.folder / "sync"
        taken = []
        with path.open("wb") as file:
            for _ in range(SYNC_PROBES):
                file.write(b"x" * 4096)
                file.flush()
                began = time.monotonic()
                os.fdatasync(file.fileno())
                taken.append((time.monotonic() - began) * 1e3)
        path.unlink()
        return statistics.median(taken)


def cluster_body() -> str:
    """A Cluster as a person would write it, numbered by {n}."""
    return json.dumps({
        "apiVersion": "roadstead.io/v1alpha1", "kind": "Cluster",
        "metadata": {
            "name": "c-{n}", "labels": {"env": "prod", "region": "eu-north", "team": "payments"},
            "annotations": {"example.com/owner": "Payments platform, on call: see the rota"},
        },
        "spec": {
            "displayName": "Payments {n}", "provider": "on-premises",
            "description": "Runs the payment services of the northern region; reached through the tunnel only.",
        },
    })
