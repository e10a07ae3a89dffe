# SPDX-License-Identifier: Apache-2.0
"""kubectl's everyday commands through the hub: the same answers and exit codes as directly."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from e2e.support import wait
from e2e.support.agents import Site
from e2e.support.client import Answer, Client, Login
from e2e.support.kubectl import Kubectl

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: c, image: roadstead.test/busybox:1}]
"""


def config_map(name: str, **data: str) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def aged(text: str) -> str:
    """Without ages, moments and names of temporary files, which differ between two runs."""
    text = re.sub(r"\b\d+[smhd](\d+[smh])?\b", "<age>", text)
    return re.sub(r"(/tmp/(LIVE|MERGED)-)\d+|\t\d{4}-\d\d-\d\d [\d:.]+ [+-]\d+", r"\1", text)


def same(hub: Kubectl, direct: Kubectl, *args: str, stdin: str | None = None) -> None:
    """The same output, error text and exit code both ways."""
    ours, theirs = hub.try_run(*args, stdin=stdin), direct.try_run(*args, stdin=stdin)
    where = f"kubectl {' '.join(args)}"
    assert ours.code == theirs.code, f"{where}: exit {ours.code} instead of {theirs.code}: {ours.err}"
    assert aged(ours.out) == aged(theirs.out), where
    assert aged(ours.err) == aged(theirs.err), where


READS = [
    ("get", "nodes", "-o", "wide"),
    ("get", "nodes", "-o", "yaml", "--show-managed-fields=false", "-l", "none=such"),
    ("get", "namespaces", "default", "-o", "json"),
    ("get", "all"),
    ("get", "deployments,configmaps", "-o", "name"),
    ("get", "deployment", "web", "-o", "jsonpath={.spec.selector}"),
    ("get", "deployment", "web", "-o", "custom-columns=N:.metadata.name,R:.spec.replicas"),
    ("get", "configmap", "missing"),
    ("get", "configmap", "missing", "--ignore-not-found"),
    ("get", "nonsense"),
    ("get", "configmaps", "--field-selector=metadata.name=settings", "-o", "name"),
    ("get", "configmaps", "--field-selector=data.x=y"),
    ("describe", "deployment", "web"),
    ("describe", "configmap", "settings"),
    ("api-resources",),
    ("api-versions",),
    ("version", "-o", "yaml"),
    ("cluster-info", "dump", "--namespaces", "none-such", "-o", "name"),
    ("explain", "deployment.spec.strategy"),
    ("get", "--raw", "/api/v1/namespaces/default"),
    ("get", "--raw", "/apis"),
    ("get", "--raw", "/version"),
    ("get", "--raw", "/healthz"),
    ("get", "--raw", "/no/such/path"),
    ("get", "--raw", "/openapi/v3"),
    ("auth", "can-i", "create", "pods"),
    ("auth", "can-i", "fly", "planes"),
    ("top", "nodes"),
    ("top", "pods"),
    ("rollout", "history", "deployment/web"),
    ("diff", "-f", "-"),
]


def test_reads_are_those_of_the_api_server(kubectl: Kubectl, direct: Kubectl) -> None:
    direct("apply", "-f", "-", stdin=DEPLOYMENT)
    direct("create", "-f", "-", stdin=config_map("settings", colour="blue", text="ä\n€"))
    wait.until("the deployment is observed",
               lambda: direct("get", "deployment", "web", "-o", "jsonpath={.status.observedGeneration}") == "1")
    failures = []

    def compare(args: tuple[str, ...]) -> str | None:
        try:
            same(kubectl, direct, *args, stdin=DEPLOYMENT.replace("replicas: 0", "replicas: 2") if "-" in args else None)
        except AssertionError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(4) as pool:
        failures = [f for f in pool.map(compare, READS) if f]
    assert not failures, "\n\n".join(failures)


def test_create_apply_patch_and_delete(kubectl: Kubectl, direct: Kubectl) -> None:
    kubectl("create", "configmap", "made", "--from-literal=a=1")
    assert direct("get", "configmap", "made", "-o", "jsonpath={.data.a}") == "1"
    same(kubectl, direct, "create", "configmap", "made", "--from-literal=a=1")  # 409 in the same words

    assert "created" in kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert "configured" in kubectl("apply", "-f", "-", stdin=DEPLOYMENT.replace("replicas: 0", "replicas: 0\n  paused: true"))

    assert "serverside-applied" in kubectl(
        "apply", "--server-side", "--field-manager=one", "-f", "-", stdin=config_map("applied", a="1"))
    refused = kubectl.try_run(
        "apply", "--server-side", "--field-manager=two", "-f", "-", stdin=config_map("applied", a="2"))
    assert refused.code != 0 and 'conflict with "one"' in refused.err
    kubectl("apply", "--server-side", "--field-manager=two", "--force-conflicts", "-f", "-",
            stdin=config_map("applied", a="2"))
    assert direct("get", "configmap", "applied", "-o", "jsonpath={.data.a}") == "2"

    for flag in ("--dry-run=client", "--dry-run=server"):
        assert "(dry run)" in kubectl("apply", flag, "-f", "-", stdin=config_map("never", a="1")).replace(
            "(server dry run)", "(dry run)")
    assert direct.try_run("get", "configmap", "never").code == 1

    kubectl("patch", "configmap", "made", "--type=merge", "-p", '{"data":{"b":"2"}}')
    kubectl("patch", "configmap", "made", "--type=json", "-p", '[{"op":"remove","path":"/data/a"}]')
    kubectl("patch", "deployment", "web", "-p", '{"metadata":{"labels":{"tier":"front"}}}')
    assert json.loads(direct("get", "configmap", "made", "-o", "jsonpath={.data}")) == {"b": "2"}
    kubectl("label", "configmap", "made", "x=y")
    kubectl("annotate", "configmap", "made", "note=this")
    kubectl("scale", "deployment", "web", "--replicas=0")
    same(kubectl, direct, "patch", "configmap", "made", "--type=json", "-p", '[{"op":"remove","path":"/data/zzz"}]')
    same(kubectl, direct, "create", "-f", "-", stdin=config_map("Bad_Name"))

    assert "deleted" in kubectl("delete", "configmap", "made", "applied")
    assert "web" not in kubectl("delete", "--all", "configmaps", "--dry-run=client")


def test_edit(kubectl: Kubectl, direct: Kubectl) -> None:
    direct("create", "-f", "-", stdin=config_map("settings", colour="blue"))
    editor = kubectl.with_env({"KUBE_EDITOR": "sed -i s/blue/green/"})
    assert "edited" in editor("edit", "configmap", "settings")
    assert direct("get", "configmap", "settings", "-o", "jsonpath={.data.colour}") == "green"


@pytest.mark.parametrize("propagation", ["foreground", "background", "orphan"])
def test_delete_with_propagation(kubectl: Kubectl, direct: Kubectl, propagation: str) -> None:
    direct("apply", "-f", "-", stdin=DEPLOYMENT)
    wait.until("the replica set is there", lambda: direct("get", "replicasets", "-o", "name"))
    kubectl("delete", "deployment", "web", f"--cascade={propagation}")
    if propagation == "foreground":
        assert direct("get", "replicasets", "-o", "name") == ""
    elif propagation == "background":
        wait.until("the replica set is collected", lambda: direct("get", "replicasets", "-o", "name") == "")
    else:
        owners = direct("get", "replicasets", "-o", "jsonpath={.items[*].metadata.ownerReferences}")
        assert owners == "" and direct("get", "replicasets", "-o", "name") != ""


@contextmanager
def watching(kubectl: Kubectl) -> Iterator[list[str]]:
    """The lines of kubectl get -w of ConfigMaps so far."""
    process = kubectl.popen("get", "configmaps", "-w", "--output-watch-events", "-o",
                            "jsonpath={.type} {.object.metadata.name} {.object.data.n}{'\\n'}",
                            stdout=-1, text=True, bufsize=1)
    seen: list[str] = []
    threading.Thread(target=lambda: seen.extend(line.strip() for line in process.stdout), daemon=True).start()
    try:
        wait.until("the first list is shown", lambda: any("kube-root-ca.crt" in s for s in seen))
        yield seen
        assert process.poll() is None, "the watch has ended"
    finally:
        process.kill()
        process.wait()


def test_watch_shows_changes_as_they_happen(kubectl: Kubectl, direct: Kubectl) -> None:
    with watching(kubectl) as seen:
        direct("create", "-f", "-", stdin=config_map("w", n="0"))
        for n in range(1, 6):
            direct("patch", "configmap", "w", "--type=merge", "-p", json.dumps({"data": {"n": str(n)}}))
        direct("delete", "configmap", "w")
        wait.until("the deletion is shown", lambda: any(s.startswith("DELETED w") for s in seen))
        wanted = ["ADDED w 0", *(f"MODIFIED w {n}" for n in range(1, 6)), "DELETED w 5"]
        assert [s for s in seen if " w " in s] == wanted


@pytest.mark.soak
def test_watch_for_minutes(kubectl: Kubectl, direct: Kubectl) -> None:
    """Five minutes, of which two are so quiet that every time limit on the way has its chance."""
    with watching(kubectl) as seen:
        direct("create", "-f", "-", stdin=config_map("w", n="0"))
        n, began = 0, time.monotonic()
        while (now := time.monotonic() - began) < 300:
            if 90 < now < 210:
                time.sleep(1)
                continue
            n += 1
            direct("patch", "configmap", "w", "--type=merge", "-p", json.dumps({"data": {"n": str(n)}}))
            wait.until(f"change {n} is shown", lambda n=n: seen[-1] == f"MODIFIED w {n}", timeout=2)
            time.sleep(0.5)
        assert [s for s in seen if " w " in s] == ["ADDED w 0", *(f"MODIFIED w {k}" for k in range(1, n + 1))]
        assert n > 100


def fill(site: Site, namespace: str, count: int) -> None:
    """Creates ConfigMaps directly at the API server, over a few kept connections."""
    straight = site.straight()

    def some(numbers: range) -> None:
        connection = straight.connect()
        for n in numbers:
            connection.request("POST", f"/api/v1/namespaces/{namespace}/configmaps",
                               config_map(f"n-{n:05}", n=str(n)), {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            assert response.status == 201
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(some, [range(k, count, 8) for k in range(8)]))


def check_chunked_list(kubectl: Kubectl, direct: Kubectl, member: Client, site: Site, count: int, chunk: int) -> None:
    assert kubectl.namespace
    fill(site, kubectl.namespace, count)
    path = f"/api/v1/namespaces/{kubectl.namespace}/configmaps"
    ours = kubectl("get", "configmaps", f"--chunk-size={chunk}", "-o", "name", timeout=300).splitlines()
    assert len(ours) == count + 1 and len(set(ours)) == count + 1
    names, token, pages = [], "", 0
    while True:
        page = member.get(f"{path}?limit={chunk}&continue={token}")
        names += [item["metadata"]["name"] for item in page["items"]]
        pages += 1
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert pages == -(-(count + 1) // chunk) and len(names) == count + 1
    whole = member.get(path)  # in one piece of many megabytes
    assert len(whole["items"]) == count + 1
    table = kubectl("get", "configmaps", f"--chunk-size={chunk}", timeout=300)
    assert aged(table) == aged(direct("get", "configmaps", f"--chunk-size={chunk}", timeout=300))


def test_chunked_list(kubectl: Kubectl, direct: Kubectl, member: Client, ack: Site) -> None:
    check_chunked_list(kubectl, direct, member, ack, 2_000, 100)


@pytest.mark.soak
def test_chunked_list_of_20000(kubectl: Kubectl, direct: Kubectl, member: Client, ack: Site) -> None:
    check_chunked_list(kubectl, direct, member, ack, 20_000, 500)


def test_impersonation_by_the_user_is_refused_with_a_reason(kubectl: Kubectl) -> None:
    for flags in (("--as=somebody",), ("--as=system:admin", "--as-group=system:masters"), ("--as=x", "--as-uid=1")):
        refused = kubectl.try_run("get", "pods", *flags)
        assert refused.code == 1
        assert "mpersonat" in refused.err and "Forbidden" in refused.err or "BadRequest" in refused.err, refused.err
        assert "panic" not in refused.err and len(refused.err.splitlines()) == 1, refused.err


def test_whoami_is_the_persons_name_in_the_member(kubectl: Kubectl, admin: Client, admin_login: Login) -> None:
    uid = admin.object("users", admin_login.name)["metadata"]["uid"]
    review = json.loads(kubectl("auth", "whoami", "-o", "json"))["status"]["userInfo"]
    assert review["username"] == f"rs:{admin_login.name}:{uid[:8]}"
    assert review["groups"] == ["system:authenticated"]
    assert list(review["extra"]) == ["roadstead.io/request-id"]


@pytest.mark.parametrize("accept", [
    "application/vnd.kubernetes.protobuf", "application/cbor", "application/cbor;q=0.5,application/json;q=0.1",
    "application/json;as=Table;v=v1;g=meta.k8s.io", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
])
def test_media_types_pass_untouched(member: Client, ack: Site, accept: str, namespace: str) -> None:
    path = "/apis" if "discovery" in accept else f"/api/v1/namespaces/{namespace}/configmaps"
    if path != "/apis":  # long enough for the API server to compress it
        member.call("POST", path, config_map("long", text="long " * 50_000), {"Content-Type": "application/json"})
        wait.until("the namespace has its CA", lambda: len(member.get(path)["items"]) == 2)
    def through(path: str, headers: dict[str, str]) -> Answer:
        return member.raw("GET", path, headers=headers)

    def straight(path: str, headers: dict[str, str]) -> Answer:
        return ack.straight().raw("GET", path, headers)

    for encoding in ("identity", "gzip"):
        headers = {"Accept": accept, "Accept-Encoding": encoding}
        # A list says how new it is, which changes with every object of the cluster.
        theirs, ours, _ = wait.until(
            "nothing changes while it is asked for three times",
            lambda: tuple(ask(path, headers) for ask in (straight, through, straight)), done=lambda three: three[0].body == three[2].body)
        assert (ours.status, ours.body) == (theirs.status, theirs.body)
        for name in ("Content-Type", "Content-Encoding", "Vary", "ETag"):
            assert ours.headers.get(name) == theirs.headers.get(name), name
        if "protobuf" in accept:
            assert ours.headers["Content-Type"] == accept and ours.headers.get("Content-Encoding", "identity") == encoding


def test_a_write_in_protobuf(member: Client, namespace: str) -> None:
    kind = "application/vnd.kubernetes.protobuf"
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    member.call("POST", path, config_map("made", n="before"), {"Content-Type": "application/json"})
    packed = member.raw("GET", f"{path}/made", headers={"Accept": kind}).body
    assert packed.startswith(b"k8s\0") and packed.count(b"before") >= 1
    answer = member.raw("PUT", f"{path}/made", packed.replace(b"before", b"behind"), {"Content-Type": kind, "Accept": kind})
    assert answer.status == 200 and answer.body.startswith(b"k8s\0"), answer.text
    assert member.get(f"{path}/made")["data"] == {"n": "behind"}
