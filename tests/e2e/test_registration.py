# SPDX-License-Identifier: Apache-2.0
"""From the downloaded manifest to a working cluster with Agents as pods, and back to nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.support import images, snapshot, wait
from e2e.support.agents import NAMESPACE, AgentProcess, Site
from e2e.support.cli import Cli
from e2e.support.client import Client, Login
from e2e.support.hub import Hub
from e2e.support.kubectl import Kubectl
from testbed.bed import Testbed
from testbed.cluster import Cluster

STEPS = ["TokenIssued", "AgentSeen", "CertificateIssued", "Connected", "APIServerReachable", "VersionKnown", "Ready"]
REMOVE_ALL = ("delete", "namespaces,clusterroles,clusterrolebindings", "-l", "app.kubernetes.io/part-of=roadstead")


@pytest.fixture(scope="module")
def session_fresh(bed: Testbed) -> Iterator[Cluster]:
    cluster = bed.cluster("fresh", node=True)
    cluster.up()
    yield cluster
    cluster.down()


@pytest.fixture
def fresh(session_fresh: Cluster) -> Iterator[Cluster]:
    """A cluster with one real node in which nothing of a hub is."""
    session_fresh.kubectl(*REMOVE_ALL)
    yield session_fresh


def status_of(admin: Client, cluster: str) -> dict[str, Any]:
    return dict(admin.object("clusters", cluster).get("status", {}))


def conditions(admin: Client, cluster: str) -> dict[str, dict[str, str]]:
    return {c["type"]: c for c in status_of(admin, cluster).get("conditions", [])}


def pods_of_agent(cluster: Cluster) -> list[dict[str, Any]]:
    return list(json.loads(cluster.kubectl("get", "pods", "-n", NAMESPACE, "-o", "json"))["items"])


def explain(cluster: Cluster) -> str:
    return cluster.kubectl("get", "pods,events", "-n", NAMESPACE, check=False) + cluster.kubectl(
        "logs", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=roadstead-agent", "--tail=20", "--prefix", check=False)


def test_apply_to_ready_and_removal_without_a_trace(
    hub: Hub, cli: Cli, admin: Client, admin_login: Login, fresh: Cluster, tmp_path: Path,
) -> None:
    wait.until("the cluster is calm", lambda: fresh.kubectl("get", "configmap", "kube-root-ca.crt", "-n", "default", "-o", "name"))
    before = snapshot.take(fresh)
    admin.create("clusters", "fresh")
    assert status_of(admin, "fresh").get("phase", "Pending") == "Pending"
    registration = admin.register("fresh")
    fresh.import_image(images.agent(registration["image"], tmp_path / "agent.tar"))
    manifest = tmp_path / "agent.yaml"
    manifest.write_text(registration["manifest"])

    # What is shown is what there is: no warnings, and only these objects.
    kinds = [d["kind"] for d in yaml.safe_load_all(registration["manifest"])]
    assert sorted(kinds) == sorted([
        "Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ClusterRole",
        "ClusterRoleBinding", "ClusterRoleBinding", "Secret", "Lease", "Deployment", "PodDisruptionBudget"])

    watch = wait.Stopwatch()
    applied = Kubectl(fresh.kubeconfig).try_run("apply", "-f", str(manifest))
    assert applied.code == 0 and "Warning" not in applied.err, applied.err
    wait.until("the cluster is Running", lambda: status_of(admin, "fresh"), timeout=60,
               done=lambda s: s.get("phase") == "Running", dump=lambda: explain(fresh))
    took = watch.seconds
    print(f"\nfrom kubectl apply to Ready: {took:.1f} s")

    # Both replicas, on one node, under the restricted Pod Security Standard.
    wait.until("both replicas are connected", lambda: status_of(admin, "fresh"), timeout=30, dump=lambda: explain(fresh),
               done=lambda s: len([a for a in s.get("agents", []) if a.get("lanes", 0) > 0]) == 2)
    wait.until("both pods are ready", lambda: fresh.kubectl(
        "get", "deployment", "roadstead-agent", "-n", NAMESPACE, "-o", "jsonpath={.status.availableReplicas}") == "2",
        timeout=30, dump=lambda: explain(fresh))
    assert {a["replica"] for a in status_of(admin, "fresh")["agents"]} == {p["metadata"]["name"] for p in pods_of_agent(fresh)}
    assert {p["spec"]["nodeName"] for p in pods_of_agent(fresh)} == {fresh.node_name}
    level = fresh.kubectl("get", "namespace", NAMESPACE, "-o", "jsonpath={.metadata.labels}")
    assert json.loads(level)["pod-security.kubernetes.io/enforce"] == "restricted"

    # The ladder.
    steps = status_of(admin, "fresh")["conditions"]
    assert [c["type"] for c in steps] == STEPS
    assert all(c["status"] == "True" and c["reason"] and c["message"] for c in steps), steps
    assert status_of(admin, "fresh")["kubernetesVersion"] == "v1.36.3"

    # The token is gone from the member, and is nowhere in clear at the hub.
    token = base64.b64decode(next(
        d for d in yaml.safe_load_all(registration["manifest"]) if d["kind"] == "Secret")["data"]["token"]).decode()
    secret = json.loads(fresh.kubectl("get", "secret", "roadstead-agent", "-n", NAMESPACE, "-o", "json"))["data"]
    assert "tls.key" in secret or any("key" in name for name in secret), sorted(secret)
    for path in hub.folder.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes(), f"{path} holds the token"

    # It is a cluster like any other; then it goes, and nothing remains.
    kubectl = Kubectl(admin_login.kubeconfig("fresh"))
    assert fresh.node_name in kubectl("get", "nodes")
    print(cli("cluster", "remove", "fresh", "--yes", timeout=120))
    assert cli.try_run("cluster", "get", "fresh").code != 0
    wait.until("nothing of the Agent remains", lambda: snapshot.difference(before, snapshot.take(fresh)),
               done=lambda lines: not lines, timeout=60, every=0.5)
    assert took <= 10, f"from kubectl apply to Ready: {took:.1f} s"


def test_the_image_is_pulled_from_the_hub(
    bed: Testbed, hub: Hub, admin: Client, admin_login: Login, fresh: Cluster,
) -> None:
    admin.create("clusters", "pulled")
    registration = admin.register("pulled")
    assert registration["image"].startswith(hub.endpoint)
    fresh.remove_image(registration["image"])
    fresh.trust_registry(hub.endpoint, admin_login.roots.read_text())
    fresh.kubectl("apply", "-f", "-", stdin=registration["manifest"])
    try:
        wait.until("the cluster is Running", lambda: status_of(admin, "pulled"), timeout=60,
                   done=lambda s: s.get("phase") == "Running", dump=lambda: explain(fresh))
        assert registration["image"] in fresh.image_names()
    finally:
        fresh.kubectl(*REMOVE_ALL, check=False)
        admin.delete("clusters", "pulled")


# Tokens


def attempt(site: Site, folder: Path, name: str, manifest: str) -> AgentProcess:
    """An Agent that tries this manifest against the API server of `site`."""
    return AgentProcess(site.cluster, folder, name, manifest).start()


def seen(admin: Client, cluster: str, reason: str) -> dict[str, str]:
    return wait.until(f"the ladder of {cluster} says {reason}", lambda: conditions(admin, cluster)["AgentSeen"],
                      done=lambda c: c["reason"] == reason, timeout=15)


@pytest.fixture
def named(admin: Client, request: pytest.FixtureRequest) -> Iterator[str]:
    """A Cluster object of this test."""
    name = request.node.originalname.replace("test_", "").replace("_", "-")[:40]
    admin.create("clusters", name)
    yield name
    admin.delete("clusters", name)


def with_token(manifest: str, token: str) -> str:
    documents = [d for d in yaml.safe_load_all(manifest) if d]
    secret = next(d for d in documents if d["kind"] == "Secret")
    secret["data"]["token"] = base64.b64encode(token.encode()).decode()
    return yaml.safe_dump_all(documents)


def token_in(manifest: str) -> str:
    secret = next(d for d in yaml.safe_load_all(manifest) if d and d["kind"] == "Secret")
    return base64.b64decode(secret["data"]["token"]).decode()


def test_a_used_token_is_told_from_a_wrong_one(admin: Client, idc: Site, named: str, tmp_path: Path) -> None:
    manifest = admin.register(named)["manifest"]
    first = attempt(idc, tmp_path, "first", manifest)
    second = third = None
    try:
        wait.until("the first is Running", lambda: status_of(admin, named).get("phase"), done=lambda p: p == "Running")
        second = attempt(idc, tmp_path, "second", manifest)
        used = seen(admin, named, "TokenUsed")
        assert used["status"] == "False" and used["fix"] and idc.cluster.address in used["evidence"]
        wait.until("the Agent says so, too", lambda: "used" in second.text().lower())
        token = token_in(manifest)
        third = attempt(idc, tmp_path, "third", with_token(manifest, token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB")))
        unknown = seen(admin, named, "TokenUnknown")
        assert unknown["status"] == "False" and unknown["fix"]
        assert status_of(admin, named)["phase"] == "Running", "the one that is registered is not disturbed"
        for agent in (first, second, third):
            assert token not in agent.text(), "a token is in a log"
    finally:
        for agent in (first, second, third):
            if agent:
                agent.kill()


def test_another_api_server_is_refused(admin: Client, ack: Site, idc: Site, named: str, tmp_path: Path) -> None:
    first = attempt(idc, tmp_path, "first", admin.register(named)["manifest"])
    other = None
    try:
        wait.until("the first is Running", lambda: status_of(admin, named).get("phase"), done=lambda p: p == "Running")
        other = attempt(ack, tmp_path, "other", admin.register(named)["manifest"])
        refused = seen(admin, named, "OtherAPIServer")
        assert refused["status"] == "False" and refused["fix"]
        wait.until("the other Agent says so", lambda: "another API server" in other.text())
    finally:
        for agent in (first, other):
            if agent:
                agent.kill()


def test_a_removed_agent_is_told_and_stops_asking(admin: Client, idc: Site, tmp_path: Path) -> None:
    admin.create("clusters", "removed")
    agent = attempt(idc, tmp_path, "agent", admin.register("removed")["manifest"])
    try:
        wait.until("it is Running", lambda: status_of(admin, "removed").get("phase"), done=lambda p: p == "Running")
        admin.delete("clusters", "removed")
        wait.until("the Agent was told", lambda: "removed" in agent.text().lower(), timeout=15, dump=agent.tail)
        size = len(agent.text())
        wait.until("it is silent", lambda: len(agent.text()) - size, done=lambda grown: grown < 2000)
    finally:
        agent.kill()
