# SPDX-License-Identifier: Apache-2.0
"""kubectl 1.36 on hub objects."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from object_server import ObjectServer
from testbed import build

KINDS = Path(__file__).resolve().parents[3] / "api" / "kinds"
MANIFEST = """
apiVersion: roadstead.io/v1alpha1
kind: Cluster
metadata: {name: ack, labels: {env: prod}}
spec: {displayName: Payments, provider: before}
"""
READY = {"status": {"phase": "Running", "kubernetesVersion": "v1.36.3", "conditions": [
    {"type": "Ready", "status": "True", "reason": "Reached", "message": "fine",
     "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}


def ok(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def ack(server: ObjectServer) -> ObjectServer:
    ok(server.kubectl("apply", "-f", "-", stdin=MANIFEST))
    return server


def test_resources_are_discovered(server: ObjectServer) -> None:
    lines = ok(server.kubectl("api-resources", "--api-group=roadstead.io", "--no-headers")).splitlines()
    declared = [yaml.safe_load(path.read_text())["spec"]["names"] for path in sorted(KINDS.glob("*.yaml"))]
    assert ["clusters", "rcl"] in [line.split()[:2] for line in lines]
    assert sorted(line.split()[:2] for line in lines) == sorted([names["plural"], *names["shortNames"]] for names in declared)


def test_explain_reads_the_descriptions(server: ObjectServer) -> None:
    text = ok(server.kubectl("explain", "cluster.spec.agent.replicas"))
    assert "FIELD: replicas <integer>" in text and "How many Agents run" in text
    assert "FIELDS:" in ok(server.kubectl("explain", "rcl.status", "--recursive"))


def test_apply_twice_changes_nothing(ack: ObjectServer) -> None:
    assert "unchanged" in ok(ack.kubectl("apply", "-f", "-", stdin=MANIFEST))
    changed = MANIFEST.replace("Payments", "Pay")
    assert "displayName: Pay" in ack.kubectl("diff", "-f", "-", stdin=changed).stdout
    assert "configured" in ok(ack.kubectl("apply", "-f", "-", stdin=changed))
    assert ok(ack.kubectl("get", "rcl", "ack", "-o", "jsonpath={.spec.displayName}")) == "Pay"


def test_server_side_apply(server: ObjectServer) -> None:
    apply = ("apply", "--server-side", "-f", "-")
    assert "serverside-applied" in ok(server.kubectl(*apply, "--field-manager=one", stdin=MANIFEST))
    assert ok(server.kubectl("diff", "--server-side", "--field-manager=one", "-f", "-", stdin=MANIFEST)) == ""
    changed = MANIFEST.replace("Payments", "Pay")
    different = server.kubectl("diff", "--server-side", "--field-manager=one", "-f", "-", stdin=changed)
    assert different.returncode == 1 and "displayName: Pay" in different.stdout
    conflict = server.kubectl(*apply, "--field-manager=two", stdin=changed)
    assert conflict.returncode != 0 and 'conflict with "one": .spec.displayName' in conflict.stderr
    ok(server.kubectl(*apply, "--field-manager=two", "--force-conflicts", stdin=changed))
    assert ok(server.kubectl("get", "rcl", "ack", "-o", "jsonpath={.spec.displayName}")) == "Pay"
    owners = json.loads(ok(server.kubectl("get", "rcl", "ack", "-o", "json", "--show-managed-fields")))
    assert [entry["manager"] for entry in owners["metadata"]["managedFields"]] == ["one", "two"]


def test_client_side_applied_fields_are_taken_over(ack: ObjectServer) -> None:
    changed = MANIFEST.replace("Payments", "Pay")
    ok(ack.kubectl("apply", "--server-side", "-f", "-", stdin=changed))
    assert ok(ack.kubectl("get", "rcl", "ack", "-o", "jsonpath={.spec.displayName}")) == "Pay"


def test_status_shows_in_tables(ack: ObjectServer) -> None:
    ok(ack.kubectl("patch", "cluster", "ack", "--subresource=status", "--type=merge", "-p", json.dumps(READY)))
    header, row = ok(ack.kubectl("get", "clusters", "-o", "wide")).splitlines()
    assert header.split() == ["NAME", "PHASE", "VERSION", "READY", "PROVIDER", "PLATFORM", "REASON", "LAST", "SEEN", "AGE"]
    assert row.split()[:6] == ["ack", "Running", "v1.36.3", "True", "before", "Reached"]
    assert ok(ack.kubectl("get", "roadstead", "-o", "name")).split() == ["cluster.roadstead.io/ack"]
    ok(ack.kubectl("wait", "--for=condition=Ready", "cluster/ack", "--timeout=10s"))
    assert "Kubernetes Version:" in ok(ack.kubectl("describe", "cluster", "ack"))


def test_edit_label_annotate_and_patch(ack: ObjectServer) -> None:
    ok(ack.kubectl("edit", "cluster", "ack"))
    ok(ack.kubectl("label", "cluster", "ack", "tier=gold"))
    ok(ack.kubectl("annotate", "cluster", "ack", "note=hi"))
    ok(ack.kubectl("patch", "cluster", "ack", "--type=json", "-p",
                   '[{"op":"add","path":"/spec/description","value":"d"}]'))
    got = json.loads(ok(ack.kubectl("get", "cluster", "ack", "-o", "json")))
    assert got["spec"]["provider"] == "after" and got["spec"]["description"] == "d"
    assert got["metadata"]["labels"] == {"env": "prod", "tier": "gold"}
    assert got["metadata"]["annotations"]["note"] == "hi"
    assert got["metadata"]["generation"] == 3
    strategic = ack.kubectl("patch", "cluster", "ack", "--type=strategic", "-p", "{}")
    assert "application/strategic-merge-patch+json is not supported" in strategic.stderr


def test_selectors(ack: ObjectServer) -> None:
    ok(ack.kubectl("apply", "-f", "-", stdin=MANIFEST.replace("ack", "idc").replace("prod", "test")))
    assert ok(ack.kubectl("get", "rcl", "-l", "env in (prod)", "-o", "name")) == "cluster.roadstead.io/ack\n"
    assert ok(ack.kubectl("get", "rcl", "--field-selector", "metadata.name!=ack", "-o", "name")) == (
        "cluster.roadstead.io/idc\n")


def test_bad_input_names_the_field(server: ObjectServer) -> None:
    unknown = server.kubectl("create", "-f", "-", stdin=MANIFEST.replace("provider", "provdier"))
    assert 'unknown field "spec.provdier"' in unknown.stderr
    wrong = server.kubectl("create", "-f", "-", stdin=MANIFEST.replace("provider: before", "agent: {replicas: 9}"))
    assert "spec.agent.replicas: Invalid value: 9" in wrong.stderr
    assert server.kubectl("get", "cluster", "ack").returncode == 1


def test_dry_run_keeps_nothing(server: ObjectServer) -> None:
    assert "created (server dry run)" in ok(server.kubectl("create", "--dry-run=server", "-f", "-", stdin=MANIFEST))
    assert "NotFound" in server.kubectl("get", "cluster", "ack").stderr


def test_delete(ack: ObjectServer) -> None:
    assert "deleted" in ok(ack.kubectl("delete", "cluster", "ack", "--timeout=10s"))
    assert "NotFound" in ack.kubectl("delete", "cluster", "ack").stderr
    ok(ack.kubectl("delete", "rcl", "--all"))


def test_get_watch_follows(ack: ObjectServer, tmp_path: Path) -> None:
    seen = tmp_path / "watch"
    with seen.open("w") as out:
        watch = subprocess.Popen([str(build.binary("kubectl")), f"--kubeconfig={ack.kubeconfig}", "get", "clusters", "-w",
                                  "--output-watch-events"], stdout=out, text=True)
        try:
            wait_for(seen, "ADDED")
            ok(ack.kubectl("patch", "cluster", "ack", "--type=merge", "-p", '{"spec":{"provider":"x"}}'))
            wait_for(seen, "MODIFIED")
            ok(ack.kubectl("delete", "cluster", "ack"))
            wait_for(seen, "DELETED")
        finally:
            watch.kill()
            watch.wait()


def wait_for(file: Path, text: str) -> None:
    deadline = time.monotonic() + 15
    while text not in file.read_text():
        assert time.monotonic() < deadline, f"{text} did not come: {file.read_text()}"
        time.sleep(0.05)


def test_objects_survive_a_list_in_pieces(server: ObjectServer) -> None:
    for number in range(30):
        answer = server.api.request("POST", "/apis/roadstead.io/v1alpha1/clusters", {
            "apiVersion": "roadstead.io/v1alpha1", "kind": "Cluster", "metadata": {"name": f"c{number:02}"}, "spec": {}})
        assert answer.status == 201
    assert len(ok(server.kubectl("get", "rcl", "--chunk-size=7", "-o", "name")).split()) == 30
