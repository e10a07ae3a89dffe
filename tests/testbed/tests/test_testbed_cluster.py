# SPDX-License-Identifier: Apache-2.0
"""Two clusters with a real node each: what the end-to-end tests rely on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from oci_registry import Registry
from testbed import build, images, network
from testbed.bed import Testbed
from testbed.cluster import Cluster

_WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "securityContext": {"runAsNonRoot": True, "runAsUser": 4000, "seccompProfile": {"type": "RuntimeDefault"}},
                "volumes": [{"name": "www", "emptyDir": {}}],
                "containers": [
                    {
                        "name": "web",
                        "image": images.BUSYBOX_IMAGE,
                        "command": ["sh", "-c", "hostname > /www/index.html; echo serving; exec httpd -f -p 8080 -h /www"],
                        "volumeMounts": [{"name": "www", "mountPath": "/www"}],
                        "readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        },
    },
}


@pytest.fixture(scope="module")
def clusters(bed: Testbed) -> tuple[Cluster, Cluster]:
    first, second = bed.cluster("first", node=True, ipv6=True), bed.cluster("second", node=True)
    begin = time.monotonic()
    bed.up([first, second])
    assert time.monotonic() - begin < 60
    return first, second


@pytest.fixture(scope="module")
def web(clusters: tuple[Cluster, Cluster]) -> Cluster:
    """A cluster with two pods of a web server, as locked down as the restricted Pod Security Standard wants."""
    cluster = clusters[0]
    cluster.kubectl("label", "namespace", "default", "pod-security.kubernetes.io/enforce=restricted")
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(_WEB))
    cluster.kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    return cluster


def pods(cluster: Cluster) -> list[str]:
    return cluster.kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}").split()


def wait_until(what: str, condition: object, timeout: float = 20) -> None:
    assert callable(condition)
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"
        time.sleep(0.05)


def test_logs_and_exec(web: Cluster) -> None:
    assert "serving" in web.kubectl("logs", "deployment/web")
    name = pods(web)[0]
    assert web.kubectl("exec", name, "--", "id", "-u").strip() == "4000"
    text = os.urandom(1 << 16).hex()
    echoed = web.kubectl("exec", "-i", name, "--", "sha256sum", stdin=text)
    assert echoed.split()[0] == hashlib.sha256(text.encode()).hexdigest()


def test_service_reaches_every_pod(web: Cluster) -> None:
    address = web.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    names = set(pods(web))
    seen: set[str] = set()

    def all_seen() -> bool:
        seen.add(web.kubectl("exec", pods(web)[0], "--", "wget", "-qO-", f"http://{address}").strip())
        return seen == names

    wait_until("answers from both pods", all_seen)


def test_names_in_pods(web: Cluster) -> None:
    name = pods(web)[0]
    assert web.kubectl("exec", name, "--", "wget", "-qO-", "http://web").strip() in pods(web)
    assert network.API_SERVICE_ADDRESS in web.kubectl(
        "exec", name, "--", "nslookup", "kubernetes.default.svc.cluster.local"
    )
    unknown = web.kubectl("exec", name, "--", "sh", "-c", "nslookup hub.example.test; true")
    assert "NXDOMAIN" in unknown
    web.add_host("hub.example.test", "10.1.2.3")
    wait_until(
        "the added name",
        lambda: "10.1.2.3" in web.kubectl("exec", name, "--", "sh", "-c", "nslookup hub.example.test; true"),
    )


def test_port_forward(web: Cluster) -> None:
    forward = subprocess.Popen(
        [str(build.binary("kubectl")), f"--kubeconfig={web.kubeconfig}", "port-forward", "service/web", ":80",
         "--address=127.0.0.1"],
        stdout=subprocess.PIPE, text=True,
    )
    try:
        assert forward.stdout is not None
        port = int(forward.stdout.readline().split("127.0.0.1:")[1].split()[0])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.split(b"\r\n\r\n")[1].strip().decode() in pods(web)
    finally:
        forward.kill()
        forward.wait()


class Hub:
    """Stands where a hub would: listens on the hub bridge and answers one line."""

    def __init__(self, address: str) -> None:
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        self.peers: list[str] = []

    def accept(self, timeout: float) -> socket.socket:
        self._listener.settimeout(timeout)
        connection, peer = self._listener.accept()
        self.peers.append(peer[0])
        return connection

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def hub(bed: Testbed) -> Iterator[Hub]:
    server = Hub(bed.hub_address)
    yield server
    server.close()


def test_pods_reach_the_hub_and_a_cut_is_silent(web: Cluster, bed: Testbed, hub: Hub) -> None:
    dial = [str(build.binary("kubectl")), f"--kubeconfig={web.kubeconfig}", "exec", "-i", pods(web)[0], "--",
            "nc", bed.hub_address, str(hub.port)]
    pod = subprocess.Popen(dial, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert pod.stdin is not None and pod.stdout is not None
    with hub.accept(10) as connection:
        assert hub.peers == [web.address]
        connection.sendall(b"before\n")
        assert pod.stdout.readline() == b"before\n"
        web.cut()
        try:
            pod.stdin.write(b"lost for now\n")
            pod.stdin.flush()
            connection.settimeout(1)
            with pytest.raises(TimeoutError):  # and neither a reset nor an end
                connection.recv(64)
            attempt = web.popen_in_namespace(["nc", "-w", "2", bed.hub_address, str(hub.port)])
            with pytest.raises(TimeoutError):
                hub.accept(1)
            attempt.kill()
            attempt.wait()
            assert web.kubectl("get", "--raw", "/readyz") == "ok"  # the tester still sees inside
        finally:
            web.restore()
        connection.settimeout(20)
        assert connection.recv(64) == b"lost for now\n"
    pod.kill()
    pod.wait()


@pytest.mark.parametrize("where", ["site", "pod"])
def test_the_hub_is_reached_by_ipv6(web: Cluster, bed: Testbed, where: str) -> None:
    with socket.create_server((bed.hub_address6, 0), family=socket.AF_INET6) as listener:
        listener.settimeout(10)
        dial = ["nc", bed.hub_address6, str(listener.getsockname()[1])]
        if where == "pod":
            inside = ["exec", "-i", pods(web)[0], "--", *dial]
            process = subprocess.Popen(
                [str(build.binary("kubectl")), f"--kubeconfig={web.kubeconfig}", *inside], stdin=subprocess.PIPE
            )
        else:
            process = web.popen_in_namespace(["busybox", *dial], stdin=subprocess.PIPE)
        connection, peer = listener.accept()
        connection.close()
        assert peer[0] == web.network.address6
        process.kill()
        process.wait()


def test_clusters_are_apart(clusters: tuple[Cluster, Cluster], web: Cluster) -> None:
    other = next(cluster for cluster in clusters if cluster is not web)
    assert other.kubectl("get", "pods", "-o", "name") == ""
    assert other.ca_pem() != web.ca_pem()
    token = web.create_service_account_token("default", "visitor")
    result = subprocess.run(
        [str(build.binary("kubectl")), f"--server={other.server}", "--insecure-skip-tls-verify", f"--token={token}",
         "--kubeconfig=/dev/null", "get", "pods"],
        capture_output=True, text=True,
    )
    assert "Unauthorized" in result.stderr or "logged in" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_restart_of_the_api_server(web: Cluster, number: int) -> None:
    before = web.component_pids()["kube-apiserver"]
    web.stop_apiserver(number)
    assert "kube-apiserver" not in web.component_pids()
    with pytest.raises(ConnectionRefusedError):
        web.client().get("/version")
    web.start_apiserver()
    assert web.component_pids()["kube-apiserver"] != before
    assert len(pods(web)) == 2


def test_audit_events_name_user_and_impersonation(web: Cluster) -> None:
    offset = web.audit_offset()
    web.kubectl("create", "configmap", "audited")
    web.kubectl("auth", "whoami", "--as=jane", "--as-group=staff")

    created = list(web.audit_events(offset=offset, verb="create", resource="configmaps", name="audited"))
    assert [event["user"]["username"] for event in created] == ["kubernetes-admin"]
    assert created[0]["responseStatus"]["code"] == 201
    assert created[0]["auditID"]
    assert list(web.audit_events(offset=offset, audit_id=created[0]["auditID"])) == created
    impersonated = list(web.audit_events(offset=offset, impersonated="jane"))
    assert impersonated and "staff" in impersonated[0]["impersonatedUser"]["groups"]


def test_service_account_token_is_accepted(web: Cluster) -> None:
    token = web.create_service_account_token("default", "visitor")
    answer = subprocess.run(
        [str(build.binary("kubectl")), "--kubeconfig=/dev/null", f"--server={web.server}", f"--token={token}",
         f"--certificate-authority={web.layout.pki}/ca.crt", "auth", "whoami",
         "--output=jsonpath={.status.userInfo.username}"],
        capture_output=True, text=True, check=True,
    )
    assert answer.stdout == "system:serviceaccount:default:visitor"


def test_pulls_from_a_registry_at_the_hub(web: Cluster, bed: Testbed, tmp_path: Path) -> None:
    image = images.Image("unused", {"note": images.Entry(b"pulled\n", mode=0o644), "bin": images.Entry(),
                                    **{f"bin/{name}": entry for name, entry in _shell().items()}})
    with Registry(bed.hub_address, images.write(image, tmp_path / "pulled.tar")) as registry:
        web.add_host("registry.hub.test", bed.hub_address)
        host = f"registry.hub.test:{registry.port}"
        web.trust_registry(host, registry.ca_pem)
        name = f"{host}/some/thing:v1"
        overrides = {"spec": {"securityContext": _WEB["spec"]["template"]["spec"]["securityContext"]}}  # type: ignore[index]
        web.kubectl("label", "namespace", "default", "pod-security.kubernetes.io/enforce-")
        web.kubectl("run", "pulled", f"--image={name}", "--restart=Never", f"--overrides={json.dumps(overrides)}",
                    "--command", "--", "/bin/busybox", "cat", "/note")
        web.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/pulled", "--timeout=30s")
        assert web.kubectl("logs", "pulled") == "pulled\n"
        assert registry.served("/v2/some/thing/manifests/v1")


def _shell() -> dict[str, images.Entry]:
    return {"busybox": images.Entry(Path("/bin/busybox").read_bytes())}


def test_images_are_deterministic(tmp_path: Path) -> None:
    files = {"b": images.Entry(b"2"), "a": images.Entry(b"1"), "c": images.Entry(link="a")}
    first = images.write(images.Image("x.test/y:1", files), tmp_path / "first.tar")
    second = images.write(images.Image("x.test/y:1", dict(reversed(files.items()))), tmp_path / "second.tar")
    assert first.read_bytes() == second.read_bytes()
