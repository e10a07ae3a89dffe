# SPDX-License-Identifier: Apache-2.0
"""From the downloaded manifest to a working cluster with Agents as pods, and back to nothing."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.support import images, snapshot, wait
from e2e.support.agents import NAMESPACE, AgentProcess, Site
from e2e.support.cli import Cli
from e2e.support.client import GROUP, Answer, Client, Connection, Key, Login, exchange
from e2e.support.hub import Hub
from e2e.support.kubectl import Kubectl
from e2e.support.load import Load, assert_none_doubled
from e2e.support.proxy import ConnectProxy
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
    assert "tls.key" in secret and "token" not in secret, sorted(secret)
    assert_no_token(fresh, token)
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


def assert_no_token(cluster: Cluster, token: str) -> None:
    """Neither in the Secret's data nor in what kubectl keeps of the applied manifest."""
    whole = cluster.kubectl("get", "secret", "roadstead-agent", "-n", NAMESPACE, "-o", "json")
    for form in (token, base64.b64encode(token.encode()).decode()):
        assert form not in whole, "the token is in the Secret"


def test_a_manifest_that_is_applied_again_leaves_no_token(hub: Hub, admin: Client, fresh: Cluster, tmp_path: Path) -> None:
    admin.create("clusters", "twice")
    registration = admin.register("twice")
    fresh.import_image(images.agent(registration["image"], tmp_path / "agent.tar"))
    token = token_in(registration["manifest"])
    try:
        for _ in range(2):
            fresh.kubectl("apply", "-f", "-", stdin=registration["manifest"])
            wait.until("the cluster is Running", lambda: status_of(admin, "twice"), timeout=60,
                       done=lambda s: s.get("phase") == "Running", dump=lambda: explain(fresh))
            wait.until("the token has gone", lambda: assert_no_token(fresh, token) is None, timeout=20)
    finally:
        fresh.kubectl(*REMOVE_ALL, check=False)
        admin.delete("clusters", "twice")


def test_connect_registers_a_new_cluster_in_one_command(
    hub: Hub, cli: Cli, admin_login: Login, fresh: Cluster, tmp_path: Path,
) -> None:
    tar = tmp_path / "agent.tar"
    cli("agent", "image", "-o", tar)
    fresh.import_image(tar)
    watch = wait.Stopwatch()
    shown = cli("cluster", "connect", "joined", "--kubeconfig", fresh.kubeconfig, "--timeout", "90s", timeout=120)
    print(f"\nroadstead cluster connect: {watch.seconds:.1f} s\n{shown}")
    assert cli.json("cluster", "get", "joined")["status"]["phase"] == "Running"
    assert fresh.node_name in Kubectl(admin_login.kubeconfig("joined"))("get", "nodes")
    cli("cluster", "remove", "joined", "--yes", timeout=120)
    wait.until("its namespace is gone", lambda: NAMESPACE not in fresh.kubectl("get", "namespaces", "-o", "name"),
               timeout=60)


@contextmanager
def no_way_to(cluster: Cluster, address: str, port: int) -> Iterator[None]:
    """As a firewall of the site: neither its nodes nor its pods reach that port."""
    rule = f"ip daddr {address} tcp dport {port} drop"
    chains = "".join(f"chain {hook} {{ type filter hook {hook} priority 0; policy accept; {rule}; }}; "
                     for hook in ("forward", "output"))
    cluster.run_in_namespace(["nft", f"table inet site_firewall {{ {chains}}}"], check=True)
    try:
        yield
    finally:
        cluster.run_in_namespace(["nft", "delete table inet site_firewall"], check=True)


def test_pods_behind_a_proxy_with_a_password(
    bed: Testbed, hub: Hub, admin: Client, admin_login: Login, fresh: Cluster, tmp_path: Path,
) -> None:
    admin.create("clusters", "proxied")
    registration = admin.register("proxied")
    fresh.import_image(images.agent(registration["image"], tmp_path / "agent.tar"))
    with ConnectProxy(bed.hub_address, "site", "p@ss") as proxy, no_way_to(fresh, hub.address, hub.port):
        try:
            documents = [d for d in yaml.safe_load_all(registration["manifest"]) if d]
            deployment = next(d for d in documents if d["kind"] == "Deployment")
            container = deployment["spec"]["template"]["spec"]["containers"][0]

            def apply(url: str) -> None:
                container["env"] = [e for e in container["env"] if "PROXY" not in e["name"]] + [
                    {"name": "HTTPS_PROXY", "value": url}, {"name": "NO_PROXY", "value": ".svc,10.96.0.0/12"}]
                fresh.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))

            apply(proxy.url.replace("p%40ss", "wrong"))
            wait.until("the proxy has refused the wrong password", lambda: proxy.refused, timeout=60, dump=lambda: explain(fresh))
            wait.until("the Agent says so", lambda: "ProxyAuthentication" in explain(fresh), timeout=20, dump=lambda: explain(fresh))
            assert not proxy.targets and status_of(admin, "proxied")["phase"] == "Pending"
            apply(proxy.url)
            wait.until("the cluster is Running", lambda: status_of(admin, "proxied"), timeout=90,
                       done=lambda s: s.get("phase") == "Running", dump=lambda: explain(fresh))
            assert fresh.node_name in Kubectl(admin_login.kubeconfig("proxied"))("get", "nodes")
            assert set(proxy.targets) == {hub.endpoint}, "only the hub is reached by the proxy, never the API server"
            assert "p%40ss" not in explain(fresh) and "p@ss" not in explain(fresh)
        finally:
            fresh.kubectl(*REMOVE_ALL, check=False)
            admin.delete("clusters", "proxied")


def test_a_rolling_restart_of_the_pods_fails_nothing(
    hub: Hub, admin: Client, admin_login: Login, fresh: Cluster, tmp_path: Path,
) -> None:
    admin.create("clusters", "rolled")
    registration = admin.register("rolled")
    fresh.import_image(images.agent(registration["image"], tmp_path / "agent.tar"))
    fresh.kubectl("apply", "-f", "-", stdin=registration["manifest"])
    rollout = ("rollout", "status", "deployment/roadstead-agent", "-n", NAMESPACE, "--timeout=90s")
    try:
        fresh.kubectl(*rollout)
        wait.until("both replicas are connected", lambda: status_of(admin, "rolled"), timeout=60, dump=lambda: explain(fresh),
                   done=lambda s: len([a for a in s.get("agents", []) if a.get("lanes", 0) > 0]) == 2)
        fresh.kubectl("create", "namespace", "rolled")
        before = {p["metadata"]["name"] for p in pods_of_agent(fresh)}
        offset = fresh.audit_offset()
        with Load(admin_login.kubeconfig("rolled"), "rolled", seconds=45, rate=100, write_every=5) as load:
            fresh.kubectl("rollout", "restart", "deployment/roadstead-agent", "-n", NAMESPACE)
            watch = wait.Stopwatch()
            fresh.kubectl(*rollout)
            print(f"\nnew pods after {watch.seconds:.1f} s")
            wait.until("the old pods have gone", lambda: before.isdisjoint(p["metadata"]["name"] for p in pods_of_agent(fresh)),
                       timeout=60, every=0.5, dump=lambda: explain(fresh))
            gone = watch.seconds
            outcome = load.finish()
        print(f"old pods gone after {gone:.1f} s; {outcome.summary()}")
        assert gone < 45, "the load ended before the restart did"
        assert not outcome.failed(outcome.requests), outcome.failed(outcome.requests)[:5]
        assert_none_doubled(Site(fresh, admin, tmp_path), offset, "rolled", outcome)
    finally:
        fresh.kubectl(*REMOVE_ALL, check=False)
        fresh.kubectl("delete", "namespace", "rolled", "--wait=false", check=False)
        admin.delete("clusters", "rolled")


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


def test_a_token_that_expired_is_shown(admin: Client, idc: Site, named: str, tmp_path: Path) -> None:
    for wrong in (4, 3601):
        assert admin.raw("POST", f"{GROUP}/clusters/{named}/registration", {
            "apiVersion": "roadstead.io/v1alpha1", "kind": "ClusterRegistration", "spec": {"expirationSeconds": wrong}}).status == 400
    manifest = admin.register(named, expirationSeconds=5)["manifest"]
    expired = wait.until("the ladder says that the token expired", lambda: conditions(admin, named)["TokenIssued"],
                         done=lambda c: c["reason"] == "TokenExpired", timeout=15)
    assert expired["status"] == "False" and "roadstead cluster manifest" in expired["fix"]
    late = attempt(idc, tmp_path, "late", manifest)
    try:
        refused = seen(admin, named, "TokenExpired")
        assert idc.cluster.address in refused["evidence"] and refused["fix"]
        wait.until("the Agent says so, too", lambda: "TokenExpired" in late.text(), dump=late.tail)
        assert status_of(admin, named)["phase"] == "Registering"
    finally:
        late.kill()


def test_guessing_tokens_is_slowed_down(hub: Hub, admin: Client, admin_login: Login, named: str) -> None:
    context = ssl.create_default_context(cadata=admin_login.roots.read_text())
    body = {"cluster": named, "csr": Key().csr()}

    def guess() -> Answer:
        return exchange(Connection((hub.address, hub.port), "enrol.roadstead.internal", context), "POST",
                        "/enrol/v1/certificate", body, {"Authorization": "Bearer rst_guess"})

    with ThreadPoolExecutor(32) as many:
        answers = list(many.map(lambda _: guess(), range(400)))
    slowed = [a for a in answers if a.status == 429]
    assert slowed and {a.status for a in answers} == {401, 429}
    assert int(slowed[-1].headers["Retry-After"]) >= 1 and slowed[-1].json["reason"] == "TooManyRequests"


def test_a_lane_of_another_api_server_is_refused(admin: Client, ack: Site, idc: Site, named: str, tmp_path: Path) -> None:
    """Somebody carries the state of an Agent to another cluster: certificate and key are good."""
    first = attempt(idc, tmp_path, "first", admin.register(named)["manifest"])
    other = None
    try:
        wait.until("the first is Running", lambda: status_of(admin, named).get("phase"), done=lambda p: p == "Running")
        other = AgentProcess(ack.cluster, tmp_path, "other", first.bootstrap.read_text())
        shutil.copytree(first.state, other.state)
        other.start()
        step = wait.until("the ladder tells it", lambda: conditions(admin, named)["APIServerReachable"],
                          done=lambda c: c["reason"] == "OtherAPIServer", timeout=15, dump=other.tail)
        assert "replica other" in step["evidence"] and ack.cluster.address in step["evidence"] and step["fix"]
        assert status_of(admin, named)["phase"] == "Failed"
        wait.until("the other Agent says so", lambda: "OtherApiServer" in other.text(), dump=other.tail)
        # Not one request goes there, and the right one still serves.
        uid = idc.cluster.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
        member = Client(admin.login, named)
        for _ in range(20):
            assert member.get("/api/v1/namespaces/kube-system")["metadata"]["uid"] == uid
    finally:
        for agent in (first, other):
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
