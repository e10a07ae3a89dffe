# SPDX-License-Identifier: Apache-2.0
"""client-go, controller-runtime, Helm and offline validation on the objects of a real hub, none of them changed for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from e2e.stores.postgres import PostgresServer
from e2e.support import tools, wait
from e2e.support.client import GROUP, Client
from e2e.support.process import die_with_parent


@pytest.fixture
def kubeconfig(hub_admin: Client) -> Path:
    return hub_admin.login.kubeconfig("")


@contextmanager
def running(command: str, kubeconfig: Path) -> Iterator[list[dict[str, str]]]:
    """What the program says, line by line, while it runs."""
    process = subprocess.Popen(
        [str(tools.binary("objects")), command, str(kubeconfig)], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    said: list[dict[str, str]] = []

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(json.loads(line))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield said
    finally:
        process.kill()
        process.wait()
        reader.join()


def of(said: list[dict[str, str]], **fields: str) -> list[dict[str, str]]:
    return [line for line in said if all(line.get(k) == v for k, v in fields.items())]


def until_said(said: list[dict[str, str]], count: int = 1, **fields: str) -> None:
    wait.until(f"{count} of {fields}", lambda: len(of(said, **fields)) >= count, dump=lambda: json.dumps(said[-10:]))


def make(admin: Client, name: str, **metadata: Any) -> None:
    admin.call("POST", f"{GROUP}/clusters", {
        "apiVersion": "roadstead.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name, **metadata}, "spec": {}})


def test_informers_of_client_go(hub_admin: Client, kubeconfig: Path) -> None:
    make(hub_admin, "inf-there", labels={"env": "prod"})
    with running("informers", kubeconfig) as said:
        for source in ("all", "labelled", "metadata"):
            until_said(said, event="synced", source=source)
            assert of(said, event="added", source=source, name="inf-there")
        make(hub_admin, "inf-new")
        until_said(said, event="added", source="all", name="inf-new")
        until_said(said, event="added", source="metadata", name="inf-new")
        # Entering and leaving a selection looks like being created and deleted.
        hub_admin.patch("clusters", "inf-new", {"metadata": {"labels": {"env": "prod"}}})
        until_said(said, event="added", source="labelled", name="inf-new")
        hub_admin.patch("clusters", "inf-new", {"metadata": {"labels": {"env": "test"}}})
        until_said(said, event="deleted", source="labelled", name="inf-new")
        for name in ("inf-new", "inf-there"):
            hub_admin.delete("clusters", name)
            for source in ("all", "metadata"):
                until_said(said, event="deleted", source=source, name=name)
        assert not of(said, event="error")
        # Each source saw each version once, in order.
        for source in ("all", "metadata"):
            versions = [int(line["version"]) for line in of(said, source=source, name="inf-new")]
            assert versions == sorted(set(versions))


def test_a_reconciler_of_controller_runtime(hub_admin: Client, kubeconfig: Path) -> None:
    note = {"example.com/wanted-tier": "gold"}
    make(hub_admin, "rec-before", annotations=note)
    with running("controller", kubeconfig) as said:
        until_said(said, event="synced")
        until_said(said, event="reconciled", name="rec-before", value="gold")
        make(hub_admin, "rec-after", annotations=note)
        until_said(said, event="reconciled", name="rec-after", value="gold")
        metadata = hub_admin.object("clusters", "rec-after")["metadata"]
        assert metadata["labels"] == {"tier": "gold"} and metadata["finalizers"] == ["example.com/inventory"]
        assert {m["operation"] for m in metadata["managedFields"] if m["manager"] == "inventory"} == {"Apply"}
        hub_admin.patch("clusters", "rec-after", {"metadata": {"annotations": {"example.com/wanted-tier": "silver"}}})
        until_said(said, event="reconciled", name="rec-after", value="silver")
        assert hub_admin.object("clusters", "rec-after")["metadata"]["labels"] == {"tier": "silver"}
        for name in ("rec-before", "rec-after"):
            hub_admin.delete("clusters", name)
            until_said(said, event="cleaned", name=name)
            wait.until(f"{name} is gone", lambda name=name: hub_admin.raw("GET", f"{GROUP}/clusters/{name}").status == 404)


# Helm keeps its releases in Secrets or ConfigMaps of a namespace, and a hub has neither. Its third place is a database;
# HELM_DRIVER=memory is for Helm's own tests and sends nothing.

TEMPLATE = """
apiVersion: roadstead.io/v1alpha1
kind: UserGroup
metadata:
  name: {{ .Release.Name }}
  labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}}
spec: {displayName: {{ .Values.shown }}}
---
apiVersion: roadstead.io/v1alpha1
kind: Cluster
metadata: {name: {{ .Release.Name }}, labels: {app.kubernetes.io/managed-by: {{ .Release.Service }}}}
spec: {displayName: {{ .Values.shown }}}
"""


@pytest.fixture
def releases() -> Iterator[str]:
    """A database for Helm's releases."""
    server = PostgresServer()
    try:
        server.start()
        yield f"host={server.folder} user=roadstead dbname=postgres sslmode=disable"
    finally:
        server.remove()


def test_helm_installs_a_chart_of_hub_objects(hub_admin: Client, kubeconfig: Path, tmp_path: Path, releases: str) -> None:
    chart = tmp_path / "fleet"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: fleet\nversion: 1.0.0\n")
    (chart / "values.yaml").write_text("shown: First\n")
    (chart / "templates" / "all.yaml").write_text(TEMPLATE)
    database = {"HELM_DRIVER": "sql", "HELM_DRIVER_SQL_CONNECTION_STRING": releases}

    def run(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(tools.binary("helm")), f"--kubeconfig={kubeconfig}", *args], capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, check=False, env={**os.environ, "HOME": str(tmp_path), **environment})

    def helm(*args: str) -> str:
        done = run(database, *args)
        assert done.returncode == 0, f"helm {args}: {done.stderr}"
        return done.stdout

    def shown() -> list[str]:
        return [hub_admin.object(plural, "north")["spec"]["displayName"] for plural in ("usergroups", "clusters")]

    refused = run({}, "install", "north", str(chart))
    assert refused.returncode != 0 and "the server could not find the requested resource" in refused.stderr
    assert "STATUS: deployed" in helm("install", "north", str(chart), "--wait")
    assert shown() == ["First", "First"]
    uid = hub_admin.object("clusters", "north")["metadata"]["uid"]
    assert "REVISION: 2" in helm("upgrade", "north", str(chart), "--set", "shown=Second")
    assert shown() == ["Second", "Second"]
    helm("rollback", "north", "1")
    assert shown() == ["First", "First"]
    assert hub_admin.object("clusters", "north")["metadata"]["uid"] == uid, "changed in place"
    assert [r["revision"] for r in json.loads(helm("history", "north", "-o", "json"))] == [1, 2, 3]
    helm("uninstall", "north", "--wait")
    for plural in ("usergroups", "clusters"):
        assert hub_admin.raw("GET", f"{GROUP}/{plural}/north").status == 404


# Offline validation


def examples() -> dict[str, str]:
    """The example of each kind's reference page."""
    pages = Path(__file__).resolve().parents[3] / "docs" / "reference" / "kinds"
    found = {}
    for page in sorted(pages.glob("*.md")):
        _, marker, rest = page.read_text().partition("```yaml\n")
        if marker:
            # The validator generates no names.
            found[page.stem] = rest.partition("```")[0]
            found[page.stem] = re.sub(r"generateName: (.*)-$", r"name: \1-1", found[page.stem], flags=re.M)
    return found


BAD = {
    "unknown-field": ("Cluster", {"spec": {"dispalyName": "x"}}, "dispalyName"),
    "wrong-type": ("Cluster", {"spec": {"paused": "yes"}}, "spec.paused"),
    "too-many": ("Cluster", {"spec": {"agent": {"replicas": 99}}}, "spec.agent.replicas"),
    "too-long": ("UserGroup", {"spec": {"displayName": "x" * 500}}, "spec.displayName"),
}


def test_offline_validation_with_the_published_schemas(hub_admin: Client, tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    for path in hub_admin.get("/openapi/v3")["paths"]:
        if path.startswith("api"):
            file = schemas / f"{path}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(hub_admin.raw("GET", f"/openapi/v3/{path}").body)

    def validate(name: str, text: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / f"{name}.yaml"
        file.write_text(text)
        return subprocess.run(
            [str(tools.binary("validate")), str(file), "--local-schemas", str(schemas)], capture_output=True, text=True,
            timeout=60, check=False, env={"HOME": str(tmp_path), "KUBECONFIG": "/nonexistent", "PATH": "/usr/bin"})

    good = examples()
    assert {"cluster", "user", "credential"} <= set(good)
    for name, text in good.items():
        done = validate(name, text)
        assert done.returncode == 0, done.stdout + done.stderr
    for name, (kind, body, told) in BAD.items():
        done = validate(name, json.dumps(
            {"apiVersion": "roadstead.io/v1alpha1", "kind": kind, "metadata": {"name": "bad"}, **body}))
        assert done.returncode != 0 and told in done.stdout + done.stderr, (name, done.stdout, done.stderr)
