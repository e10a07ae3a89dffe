# SPDX-License-Identifier: Apache-2.0
"""kubectl 1.36 on the objects of a real hub, with a client certificate: what people and scripts do with any API server."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e.support import wait
from e2e.support.client import Client
from e2e.support.kubectl import Kubectl
from e2e.support.process import die_with_parent

POLICY = """
apiVersion: roadstead.io/v1alpha1
kind: UserGroup
metadata: {name: %s, labels: {env: prod}}
spec: {displayName: %s}
"""


@pytest.fixture
def kubectl(hub_admin: Client) -> Kubectl:
    return Kubectl(hub_admin.login.kubeconfig(""))


@pytest.fixture
def group(kubectl: Kubectl, request: pytest.FixtureRequest) -> str:
    """A UserGroup of this test: a kind that nothing in the hub changes."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60].strip("-")
    kubectl("apply", "-f", "-", stdin=POLICY % (name, "Before"))
    return name


def test_every_output(kubectl: Kubectl, group: str, tmp_path: Path) -> None:
    def get(*args: str) -> str:
        return kubectl("get", "usergroup", group, *args)

    assert json.loads(get("-o", "json"))["spec"]["displayName"] == "Before"
    assert yaml.safe_load(get("-o", "yaml"))["kind"] == "UserGroup"
    assert get("-o", "name") == f"usergroup.roadstead.io/{group}\n"
    assert get("-o", "jsonpath={.metadata.labels.env}") == "prod"
    assert json.loads(get("-o", "jsonpath-as-json={.spec}")) == [json.loads(get("-o", "json"))["spec"]]
    assert get("-o", "go-template={{.spec.displayName}}/{{len .metadata.labels}}") == "Before/1"
    assert get("-o", "custom-columns=N:.metadata.name,E:.metadata.labels.env").split() == ["N", "E", group, "prod"]
    columns, template = tmp_path / "columns", tmp_path / "template"
    columns.write_text("WHO\n.spec.displayName\n")
    template.write_text("{.spec.displayName}")
    assert get("-o", f"custom-columns-file={columns}").split() == ["WHO", "Before"]
    assert get("-o", f"jsonpath-file={template}") == "Before"
    header, row = get("-o", "wide").splitlines()
    narrow = get().splitlines()[0]
    assert header.startswith("NAME") and row.startswith(group) and len(header) >= len(narrow)
    assert get("--show-labels").splitlines()[1].endswith("env=prod")
    assert get("-L", "env", "--no-headers").split()[-1] == "prod"
    assert get("-o", "json", "--show-managed-fields").count("managedFields") == 1
    assert "managedFields" not in get("-o", "json")


def test_lists_are_sorted_selected_and_chunked(kubectl: Kubectl) -> None:
    names = [f"list-{n}" for n in range(7)]
    kubectl("apply", "-f", "-", stdin="---".join(POLICY % (name, f"L{9 - n}") for n, name in enumerate(names)))
    kubectl("label", "usergroup", "list-3", "env=test", "--overwrite")

    def get(*args: str) -> list[str]:
        return [n for n in kubectl("get", "usergroups", "-o", "name", *args).replace("usergroup.roadstead.io/", "").split()
                if n.startswith("list-")]

    assert get() == names
    assert get("--sort-by=.spec.displayName") == names[::-1]
    assert get("-l", "env=test") == ["list-3"] and get("-l", "env notin (prod)") == ["list-3"]
    assert get("--field-selector=metadata.name=list-5") == ["list-5"]
    assert get("--chunk-size=2") == names
    kubectl("delete", "usergroups", *names)
    assert get() == []


def test_categories_short_names_and_resources(kubectl: Kubectl, group: str) -> None:
    resources = kubectl("api-resources", "--api-group=roadstead.io", "-o", "wide", "--no-headers")
    found = {line.split()[0]: line for line in resources.splitlines()}
    assert {"clusters", "credentials", "usergroups", "users"} <= set(found)
    for line in found.values():
        verbs, categories = line.split()[-2:]
        assert categories == "roadstead"
        assert set(verbs.split(",")) == {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}
    for line in found.values():
        plural, short = line.split()[:2]
        assert kubectl("get", short, "-o", "name") == kubectl("get", plural, "-o", "name")
    everything = kubectl("get", "roadstead", "-o", "name").split()
    assert f"usergroup.roadstead.io/{group}" in everything and "user.roadstead.io/admin" in everything
    assert kubectl("api-versions").split() == ["roadstead.io/v1alpha1", "v1"]
    assert "Server Version" in kubectl("version")


def test_explain_and_describe(kubectl: Kubectl, group: str) -> None:
    for line in kubectl("api-resources", "--api-group=roadstead.io", "--no-headers").splitlines():
        text = kubectl("explain", line.split()[0])
        assert "DESCRIPTION:" in text and "FIELDS:" in text and "<empty>" not in text.split("FIELDS:")[0], text
    assert "<string>" in kubectl("explain", "usergroup.spec.displayName")
    assert "displayName\t<string>" in kubectl("explain", "usergroup", "--recursive")
    described = kubectl("describe", "usergroup", group)
    assert re.search(rf"^Name:\s+{group}$", described, re.M) and re.search(r"Display Name:\s+Before", described)
    assert re.search(r"^Events:\s+<none>$", described, re.M), "describe asks for Events"
    wrong = kubectl.try_run("explain", "usergroup.spec.nothing")
    assert wrong.code == 1 and 'field "nothing" does not exist' in wrong.err


def test_client_side_apply_and_diff(kubectl: Kubectl, group: str) -> None:
    manifest, changed = POLICY % (group, "Before"), POLICY % (group, "After")
    assert "unchanged" in kubectl("apply", "-f", "-", stdin=manifest)
    assert kubectl.try_run("diff", "-f", "-", stdin=manifest).code == 0
    different = kubectl.try_run("diff", "-f", "-", stdin=changed)
    assert different.code == 1 and "+  displayName: After" in different.out and "-  displayName: Before" in different.out
    assert "configured" in kubectl("apply", "-f", "-", stdin=changed)
    without = yaml.safe_load(changed)
    del without["metadata"]["labels"]
    kubectl("apply", "-f", "-", stdin=json.dumps(without))
    assert "labels" not in json.loads(kubectl("get", "usergroup", group, "-o", "json"))["metadata"]
    assert "displayName: After" in kubectl("apply", "view-last-applied", "usergroup", group)


def test_server_side_apply(kubectl: Kubectl, group: str) -> None:
    changed = POLICY % (group, "After")
    # kubectl takes over what it had applied itself.
    assert "serverside-applied" in kubectl("apply", "--server-side", "-f", "-", stdin=changed)
    other = kubectl.try_run("apply", "--server-side", "--field-manager=other", "-f", "-", stdin=POLICY % (group, "Other"))
    assert other.code == 1 and 'conflict with "kubectl": .spec.displayName' in other.err
    assert "conflict" in kubectl.try_run(
        "diff", "--server-side", "--field-manager=other", "-f", "-", stdin=POLICY % (group, "Other")).err
    kubectl("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", "-", stdin=POLICY % (group, "Other"))
    managers = {m["manager"] for m in json.loads(
        kubectl("get", "usergroup", group, "-o", "json", "--show-managed-fields"))["metadata"]["managedFields"]}
    assert "other" in managers
    assert "serverside-applied" in kubectl(
        "apply", "--server-side", "--dry-run=server", "-f", "-", "--field-manager=other", stdin=POLICY % (group, "Dry"))
    assert kubectl("get", "usergroup", group, "-o", "jsonpath={.spec.displayName}") == "Other"


def test_edit(kubectl: Kubectl, group: str, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i s/Before/After/ \"$1\"\n")
    editor.chmod(0o755)
    assert "edited" in kubectl.with_env({"KUBE_EDITOR": str(editor)})("edit", "usergroup", group)
    assert kubectl("get", "usergroup", group, "-o", "jsonpath={.spec.displayName}") == "After"
    assert "Edit cancelled, no changes made" in kubectl.with_env({"KUBE_EDITOR": "true"}).try_run("edit", "usergroup", group).err
    # A mistake comes back into the editor with the server's words; giving up then changes nothing.
    editor.write_text("#!/bin/sh\ngrep -q 'unknown field' \"$1\" && exit 0\nsed -i s/displayName/dispalyName/ \"$1\"\n")
    wrong = kubectl.with_env({"KUBE_EDITOR": str(editor)}).try_run("edit", "usergroup", group, "--validate=strict")
    assert wrong.code == 1 and "is invalid" in wrong.err and "no valid changes were saved" in wrong.err
    assert kubectl("get", "usergroup", group, "-o", "jsonpath={.spec.displayName}") == "After"


def test_patch_label_annotate_and_replace(kubectl: Kubectl, group: str) -> None:
    def spec() -> Any:
        return json.loads(kubectl("get", "usergroup", group, "-o", "json"))

    kubectl("patch", "usergroup", group, "--type=merge", "-p", '{"spec":{"displayName":"Merged"}}')
    assert spec()["spec"]["displayName"] == "Merged"
    kubectl("patch", "usergroup", group, "--type=json", "-p",
            '[{"op":"test","path":"/spec/displayName","value":"Merged"},{"op":"replace","path":"/spec/displayName","value":"Json"}]')
    assert spec()["spec"]["displayName"] == "Json"
    failed = kubectl.try_run("patch", "usergroup", group, "--type=json", "-p",
                             '[{"op":"test","path":"/spec/displayName","value":"Merged"}]')
    assert failed.code == 1 and "The request is invalid" in failed.err
    strategic = kubectl.try_run("patch", "usergroup", group, "--type=strategic", "-p", '{"spec":{"displayName":"S"}}')
    assert strategic.code == 1 and "strategic-merge-patch+json is not supported" in strategic.err
    kubectl("label", "usergroup", group, "tier=gold", "env-")
    kubectl("annotate", "usergroup", group, "note=hi")
    metadata = spec()["metadata"]
    assert metadata["labels"] == {"tier": "gold"} and metadata["annotations"]["note"] == "hi"
    refused = kubectl.try_run("label", "usergroup", group, "tier=silver")
    assert refused.code == 1 and "already has a value (gold)" in refused.err
    whole = spec()
    whole["spec"]["displayName"] = "Replaced"
    kubectl("replace", "-f", "-", stdin=json.dumps(whole))
    stale = kubectl.try_run("replace", "-f", "-", stdin=json.dumps(whole))
    assert stale.code == 1 and "the object has been modified" in stale.err
    kubectl("replace", "--force", "-f", "-", stdin=json.dumps(
        {**whole, "metadata": {"name": group}}))
    assert spec()["metadata"]["uid"] != metadata["uid"]


def test_wait_and_delete(kubectl: Kubectl, group: str) -> None:
    kubectl("wait", "--for=jsonpath={.spec.displayName}=Before", f"usergroup/{group}", "--timeout=10s")
    kubectl("wait", "--for=create", f"usergroup/{group}", "--timeout=10s")
    late = kubectl.try_run("wait", "--for=jsonpath={.spec.displayName}=Never", f"usergroup/{group}", "--timeout=1s")
    assert late.code == 1 and "timed out waiting" in late.err
    kubectl("patch", "usergroup", group, "--type=merge", "-p", '{"metadata":{"finalizers":["example.com/hold"]}}')
    waiting = subprocess.Popen(
        kubectl.argv("delete", "usergroup", group, "--timeout=30s"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=kubectl.environment(), preexec_fn=die_with_parent)
    wait.until("it is being deleted", lambda: kubectl(
        "get", "usergroup", group, "-o", "jsonpath={.metadata.deletionTimestamp}"))
    assert waiting.poll() is None, "delete waits for the finalizer"
    kubectl("patch", "usergroup", group, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert "deleted" in waiting.communicate(timeout=30)[0]
    kubectl("wait", "--for=delete", f"usergroup/{group}", "--timeout=10s")
    gone = kubectl.try_run("delete", "usergroup", group)
    assert gone.code == 1 and "(NotFound)" in gone.err
    kubectl("delete", "usergroup", group, "--ignore-not-found")


def test_a_condition_is_waited_for(kubectl: Kubectl, hub_admin: Client) -> None:
    hub_admin.create("clusters", "waited")
    kubectl("wait", "--for=condition=Ready=False", "cluster/waited", "--timeout=15s")
    described = kubectl("describe", "cluster", "waited")
    assert "TokenIssued" in described and "Fix:" in described
    row = kubectl("get", "cluster", "waited", "--no-headers").split()
    assert row[:2] == ["waited", "Pending"]
    kubectl("delete", "cluster", "waited")


def test_get_watch_follows(kubectl: Kubectl, group: str, tmp_path: Path) -> None:
    seen = tmp_path / "watch"
    with seen.open("w") as out:
        watch = subprocess.Popen(
            kubectl.argv("get", "usergroups", "--watch", "--output-watch-events", f"--field-selector=metadata.name={group}"),
            stdout=out, env=kubectl.environment(), preexec_fn=die_with_parent)
        try:
            for word, change in (
                ("ADDED", ("version",)),
                ("MODIFIED", ("annotate", "usergroup", group, "a=b")),
                ("DELETED", ("delete", "usergroup", group, "--wait=false")),
            ):
                kubectl(*change)
                wait.until(f"{word} comes", lambda word=word: word in seen.read_text())
        finally:
            watch.kill()
            watch.wait()
    assert [line.split()[0] for line in seen.read_text().splitlines()] == ["EVENT", "ADDED", "MODIFIED", "DELETED"]


def test_dry_runs_and_mistakes(kubectl: Kubectl) -> None:
    good = POLICY % ("dry", "Dry")
    assert "created (server dry run)" in kubectl("create", "--dry-run=server", "-f", "-", stdin=good)
    assert "created (dry run)" in kubectl("create", "--dry-run=client", "-f", "-", stdin=good)
    assert kubectl.try_run("get", "usergroup", "dry").code == 1
    elsewhere = kubectl.try_run("apply", "-f", "-", stdin="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n")
    assert elsewhere.code == 1 and 'no matches for kind "ConfigMap" in version "v1"' in elsewhere.err
    wrong = kubectl.try_run("create", "-f", "-", stdin=good.replace("displayName", "dispalyName"))
    assert wrong.code == 1 and 'unknown field "spec.dispalyName"' in wrong.err
    warned = kubectl.try_run("create", "--validate=warn", "--dry-run=server", "-f", "-",
                             stdin=good.replace("displayName", "dispalyName"))
    assert warned.code == 0 and 'Warning: unknown field "spec.dispalyName"' in warned.err
    long = kubectl.try_run("create", "-f", "-", stdin=POLICY % ("dry", "x" * 500))
    assert long.code == 1 and "spec.displayName: Too long" in long.err
    name = kubectl.try_run("create", "-f", "-", stdin=POLICY % ("Upper", "Dry"))
    assert name.code == 1 and "metadata.name: Invalid value" in name.err


def test_namespaces(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "berth")
    assert kubectl("get", "ns", "berth", "--no-headers").split()[:2] == ["berth", "Active"]
    kubectl("patch", "ns", "berth", "-p", '{"metadata":{"labels":{"a":"b"}}}')  # strategic, kubectl's default
    assert kubectl("get", "ns", "-l", "a=b", "-o", "name") == "namespace/berth\n"
    assert "Status:" in kubectl("describe", "ns", "berth")
    kubectl("delete", "ns", "berth", "--timeout=20s")
    assert kubectl.try_run("get", "ns", "berth").code == 1


def test_kustomize_and_folders(kubectl: Kubectl, tmp_path: Path) -> None:
    for name in ("k-one", "k-two"):
        (tmp_path / f"{name}.yaml").write_text(POLICY % (name, name))
    (tmp_path / "kustomization.yaml").write_text(
        "resources: [k-one.yaml, k-two.yaml]\nlabels: [{pairs: {set: kustomized}}]\n")
    kubectl("apply", "-k", str(tmp_path))
    assert len(kubectl("get", "usergroups", "-l", "set=kustomized", "-o", "name").split()) == 2
    kubectl("delete", "-k", str(tmp_path))
    os.unlink(tmp_path / "kustomization.yaml")
    kubectl("create", "-f", str(tmp_path))
    kubectl("delete", "usergroups", "-l", "env=prod", "--field-selector=metadata.name=k-one")
    assert kubectl("get", "-f", str(tmp_path / "k-two.yaml"), "-o", "name") == "usergroup.roadstead.io/k-two\n"
    kubectl("delete", "-f", str(tmp_path), "--ignore-not-found")
