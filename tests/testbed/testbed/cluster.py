# SPDX-License-Identifier: Apache-2.0
"""One real Kubernetes cluster in its own namespaces."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TYPE_CHECKING

from . import audit, build, cgroups, controlplane, dns, images, kube, kwok, network, node, processes
from .controlplane import API_PORT, Layout
from .holder import Holder, HolderFailed
from .progress import say

if TYPE_CHECKING:
    from .bed import Testbed


class Cluster:
    """A cluster of a test bed. Made by `Testbed.cluster(name, ...)`; nothing runs before `up()`."""

    def __init__(
        self,
        bed: Testbed,
        name: str,
        *,
        node: bool = True,
        kwok: int = 0,
        ipv6: bool = False,
        apiserver_flags: list[str] | None = None,
    ) -> None:
        """`node`: with a real node; `kwok`: with so many simulated ones; `ipv6`: pods have an IPv6 address besides."""
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,40}[a-z0-9])?", name):
            raise ValueError(
                f"cluster name {name!r}: at most 42 small letters, digits and '-', beginning with a letter and "
                "ending with a letter or digit"
            )
        self.bed = bed
        self.name = name
        self.with_node = node
        self.kwok_nodes = kwok
        self._ipv6 = ipv6
        self._apiserver_flags = apiserver_flags or []
        self.layout = Layout(bed.root / "clusters" / name)
        self._holder = Holder(self.layout.folder)
        self._probe: kube.Client | None = None

    # -- Names and addresses

    @property
    def node_name(self) -> str:
        return f"{self.name}-node"

    @property
    def slot(self) -> int:
        return int((self.layout.folder / "slot").read_text())

    @property
    def network(self) -> network.ClusterNetwork:
        return network.ClusterNetwork(self.bed.network, self.slot)

    @property
    def address(self) -> str:
        """The cluster's address on the hub bridge: what a hub sees as the source of its pods."""
        return self.network.address

    @property
    def server(self) -> str:
        """The API server's URL on the management bridge, which stays reachable while the cluster is cut off."""
        return f"https://{self.network.management_address}:{API_PORT}"

    @property
    def kubeconfig(self) -> Path:
        """Administrator's kubeconfig for use from the caller's network namespace."""
        return self.layout.kubeconfig

    @property
    def cgroup(self) -> str:
        return f"rtb{self.bed.network.index}-{self.slot}"

    @property
    def pid(self) -> int:
        """The first process of the cluster's namespaces."""
        pid = self._holder.pid
        if pid is None:
            raise HolderFailed(f"cluster {self.name} is not up")
        return pid

    @property
    def namespace(self) -> str:
        """The cluster's network namespace, for `nsenter --net=`."""
        return f"/proc/{self.pid}/ns/net"

    @property
    def is_up(self) -> bool:
        return self._holder.pid is not None and (self.layout.folder / "ready").exists()

    # -- Life

    def up(self) -> None:
        """Brings the cluster up and returns when it is ready. A cluster that is up already is left as it is."""
        self.bed.up([self])

    @property
    def is_as_wished(self) -> bool:
        return self.is_up and json.loads((self.layout.folder / "ready").read_text()) == self._settings()

    def _settings(self) -> dict[str, Any]:
        return {
            "node": self.with_node, "kwok": self.kwok_nodes, "ipv6": self._ipv6,
            "apiserver_flags": self._apiserver_flags,
        }

    def programs(self) -> list[str]:
        return [
            *build.CONTROL_PLANE,
            *(build.NODE if self.with_node else ()),
            *(build.KWOK if self.kwok_nodes else ()),
        ]

    def prepare(self) -> None:
        """Removes what was there, takes a slot and writes down what will be made. The caller has locked the bed."""
        self._remove()
        self.layout.folder.mkdir(parents=True)
        (self.layout.folder / "slot").write_text(str(self.bed.free_slot()))
        for link in self.network.links:
            self.bed.state.note("link", link)
        if self.with_node:
            self.bed.state.note("cgroup", self.cgroup)

    def start(self) -> None:
        """Makes what `prepare` announced and waits until it is ready."""
        begin = time.monotonic()
        net, layout = self.network, self.layout
        controlplane.write_files(self.name, self.node_name, layout, net)
        self._probe = kube.Client(net.management_address, API_PORT, layout.pki / "ca.crt", layout.pki, "probe")
        dns.write_files(layout, net)
        pid = self._holder.start(self.node_name, layout.volume, layout.configs / "resolv.conf", self.bed.owner)
        net.attach(pid)
        self._holder.run("etcd", controlplane.etcd(layout), {"GOMEMLIMIT": "512MiB"})
        if self.with_node:
            cgroups.create(self.cgroup)
            node.write_files(self.node_name, self.cgroup, layout, self._ipv6)
            self._holder.run("containerd", node.containerd(layout))
        self._start_apiserver()
        if self.with_node:
            self._import_base_images()
        self._wait("the API server", self._api_ready, "etcd", "kube-apiserver")
        say(self.name, f"API server ready after {time.monotonic() - begin:.1f} s")
        self._holder.run("kube-controller-manager", controlplane.controller_manager(layout))
        self._holder.run("kube-scheduler", controlplane.scheduler(layout))
        if self.with_node:
            self._start_node()
        if self.kwok_nodes:
            self._start_kwok()
        self._wait("the default service account", self._has_service_account, "kube-controller-manager")
        if self.with_node:
            self._wait("the node", lambda: self._node_ready(self.node_name), "kubelet", "containerd", "kube-proxy", "coredns")
        if self.kwok_nodes:
            self._wait("simulated nodes", self._kwok_ready, "kwok")
        (layout.folder / "ready").write_text(json.dumps(self._settings()))
        say(self.name, f"ready after {time.monotonic() - begin:.1f} s: {self.server}, kubeconfig {self.kubeconfig}")

    def down(self) -> None:
        """Ends the cluster and removes its files."""
        with self.bed.changing():
            self._remove()

    def _remove(self) -> None:
        folder = self.layout.folder
        self._probe = None
        if not folder.exists():
            return
        try:
            groups, links = [self.cgroup], list(self.network.links)
        except (OSError, ValueError):
            groups, links = [], []  # it never got as far as a slot
        self.bed.state.forget_cluster(folder, groups, links)

    def _start_apiserver(self) -> None:
        argv = controlplane.apiserver(self.layout, self.network, self._apiserver_flags)
        self._holder.run("kube-apiserver", argv)

    def _start_node(self) -> None:
        self._client().apply("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/testbed-kube-proxy", _KUBE_PROXY_BINDING)
        self._holder.run("kubelet", node.kubelet(self.node_name, self.layout, self.network))
        self._holder.run("kube-proxy", node.kube_proxy(self.layout))
        dns.create_service(self._client(), self.network)
        self._holder.run("coredns", dns.argv(self.layout))

    def _start_kwok(self) -> None:
        self._holder.run("kwok", kwok.argv(self.layout))
        kwok.create_nodes(self._client(), 0, self.kwok_nodes)

    def _import_base_images(self) -> None:
        pause, busybox = images.pause(), images.busybox()
        self._wait("containerd", self._containerd_ready, "containerd")
        self.import_image(pause)
        self.import_image(busybox)

    # -- Readiness

    def _client(self) -> kube.Client:
        if self._probe is None:
            pki = self.layout.pki
            self._probe = kube.Client(self.network.management_address, API_PORT, pki / "ca.crt", pki, "probe")
        return self._probe

    def _wait(self, what: str, ready: Callable[[], bool], *programs: str, timeout: float = 120) -> None:
        """Polls until `ready`; fails early when one of the programs ends."""
        begin = told = time.monotonic()
        while True:
            try:
                if ready():
                    return
                problem = "not yet"
            except (OSError, kube.ApiError) as error:
                problem = str(error)
            self._holder.require(*programs)
            now = time.monotonic()
            if now - begin > timeout:
                raise TimeoutError(f"cluster {self.name}: {what} is not ready after {timeout:.0f} s: {problem}")
            if now - told > 10:
                told = now
                say(self.name, f"waits for {what}: {problem[:150]}")
            time.sleep(0.05)

    def _api_ready(self) -> bool:
        return self._client().request("GET", "/readyz") == "ok"

    def _has_service_account(self) -> bool:
        self._client().get("/api/v1/namespaces/default/serviceaccounts/default")
        return True

    def _containerd_ready(self) -> bool:
        return self._ctr("version").returncode == 0

    def _node_ready(self, name: str) -> bool:
        item = self._client().get(f"/api/v1/nodes/{name}")
        ready = any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in item["status"].get("conditions", ())
        )
        keys = [taint["key"] for taint in item["spec"].get("taints", ())]
        return ready and "node.kubernetes.io/not-ready" not in keys

    def _kwok_ready(self) -> bool:
        return self._node_ready(kwok.node_name(self.kwok_nodes - 1)) and self._node_ready(kwok.node_name(0))

    def wait_ready(self, timeout: float = 60) -> None:
        """Returns when the API server answers `/readyz` again, for example after a restart."""
        self._wait("the API server", self._api_ready, "etcd", timeout=timeout)

    # -- Things to do with a cluster

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True, timeout: float = 120) -> str:
        """Runs kubectl directly against the API server and returns its output."""
        result = subprocess.run(
            [str(build.binary("kubectl")), f"--kubeconfig={self.kubeconfig}", *args],
            input=stdin, capture_output=True, text=True, timeout=timeout,
        )
        if check and result.returncode != 0:
            raise network.CommandFailed(f"kubectl {' '.join(args)} (exit {result.returncode}): {result.stderr.strip()}")
        return result.stdout

    def client(self) -> kube.Client:
        """A small client as administrator; its requests are in the audit log (as kubernetes-admin)."""
        pki = self.layout.pki
        return kube.Client(self.network.management_address, API_PORT, pki / "ca.crt", pki, "admin")

    def run_in_namespace(self, argv: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        """`subprocess.run` in the cluster's network namespace (with the machine's own files and processes)."""
        environment = self._marked(options.pop("env", None))
        return subprocess.run(["nsenter", f"--net={self.namespace}", *argv], env=environment, **options)

    def _marked(self, environment: dict[str, str] | None) -> dict[str, str]:
        """With this environment a process that is left behind is found and ended by `down`."""
        return {**(os.environ if environment is None else environment), processes.MARKER: str(self.layout.folder)}

    def popen_in_namespace(self, argv: list[str], **options: Any) -> subprocess.Popen[Any]:
        """The same for a process that goes on, for example an Agent outside of the cluster.

        The process is ended by `down` if the caller has not ended it.
        """
        environment = self._marked(options.pop("env", None))
        return subprocess.Popen(["nsenter", f"--net={self.namespace}", *argv], env=environment, **options)

    def cut(self) -> None:
        """Cuts the cluster off from the hub bridge: packets vanish, no reset and no ICMP message in either direction."""
        self.network.cut(self.pid)

    def restore(self) -> None:
        self.network.restore(self.pid)

    def stop_apiserver(self, number: int = signal.SIGTERM) -> None:
        self._holder.stop("kube-apiserver", number)

    def start_apiserver(self) -> None:
        self._start_apiserver()
        self.wait_ready()

    def restart_apiserver(self, number: int = signal.SIGTERM) -> None:
        self.stop_apiserver(number)
        self.start_apiserver()

    def audit_events(self, **filters: Any) -> Iterator[audit.Event]:
        """Events of the audit log; filters as in `audit.events`."""
        return audit.events(self.layout.audit_log, **filters)

    def audit_offset(self) -> int:
        """The present length of the audit log, for `audit_events(offset=...)`."""
        return self.layout.audit_log.stat().st_size if self.layout.audit_log.exists() else 0

    def import_image(self, tar: Path) -> None:
        """Makes an image of a tar (docker-archive or OCI layout) available to the node's pods."""
        with tar.open("rb") as stream:
            result = self._ctr("images", "import", "-", stdin=stream)
        if result.returncode != 0:
            raise network.CommandFailed(f"ctr images import {tar}: {result.stderr.decode().strip()}")

    def _ctr(self, *args: str, stdin: Any = subprocess.DEVNULL) -> subprocess.CompletedProcess[bytes]:
        pid = self.pid
        return subprocess.run(
            ["nsenter", f"--mount=/proc/{pid}/ns/mnt", "/usr/bin/ctr", "--address", node.CONTAINERD_SOCKET,
             "--namespace", "k8s.io", *args],
            stdin=stdin, capture_output=True, env=self._marked(None),
        )

    def image_names(self) -> list[str]:
        return self._ctr("images", "list", "--quiet").stdout.decode().split()

    def remove_image(self, name: str) -> None:
        self._ctr("images", "remove", "--sync", name)

    def trust_registry(self, host: str, ca_pem: str) -> None:
        """Lets the node pull images named `host/...` over TLS with this CA. Takes effect at once."""
        node.trust_registry(self.layout, host, ca_pem)

    def add_host(self, name: str, address: str) -> None:
        """Makes a name known to the cluster's pods within about 3 s. Names that nobody added do not exist."""
        dns.add_host(self.layout, name, address)

    def create_service_account_token(
        self, namespace: str, name: str, seconds: int = 3600, audiences: list[str] | None = None
    ) -> str:
        """A bound token of a service account, which is made when it does not exist."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}"
        body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
        client = self._client()
        client.apply(path, body)
        spec: dict[str, Any] = {"expirationSeconds": seconds}
        if audiences is not None:
            spec["audiences"] = audiences
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        answer = json.loads(client.request("POST", f"{path}/token", request))
        return str(answer["status"]["token"])

    def ca_pem(self) -> str:
        return (self.layout.pki / "ca.crt").read_text()

    def component_pids(self) -> dict[str, int]:
        """The control-plane and node programs that run, with their PIDs as seen from the machine."""
        outer = processes.outer_pids(os.readlink(f"/proc/{self.pid}/ns/pid"))
        return {name: outer[pid] for name, pid in self._holder.status()["running"].items() if pid in outer}

    def log(self, program: str) -> Path:
        return self.layout.logs / f"{program}.log"


_KUBE_PROXY_BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "testbed-kube-proxy"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-proxier"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:kube-proxy"}],
}
