# SPDX-License-Identifier: Apache-2.0
"""Other clients than kubectl: Helm, client-go informers, the Python and the Node client."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from e2e.support import node, pods, tools, wait
from e2e.support.agents import Site
from e2e.support.client import Login
from e2e.support.informer import JSON, PROTOBUF, Command, framework, informing
from e2e.support.kubectl import Kubectl


@pytest.fixture
def kubeconfig(admin_login: Login, ack: Site) -> Path:
    return admin_login.kubeconfig("ack")


# Helm


def chart(folder: Path) -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 1.0.0\n")
    (folder / "values.yaml").write_text("colour: blue\n")
    (folder / "templates" / "all.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {colour: {{ .Values.colour }}}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: {{ .Release.Name }}}\nspec:\n  selector: {matchLabels: {app: shop}}\n"
        "  template:\n    metadata: {labels: {app: shop}}\n    spec:\n      terminationGracePeriodSeconds: 0\n"
        "      containers: [{name: c, image: 'roadstead.test/busybox:1', imagePullPolicy: IfNotPresent, command: [sleep, '100000']}]\n")
    return folder


def test_helm(kubeconfig: Path, direct: Kubectl, tmp_path: Path) -> None:
    def helm(*args: str) -> str:
        done = subprocess.run(
            [str(tools.binary("helm")), f"--kubeconfig={kubeconfig}", f"--namespace={direct.namespace}", *args],
            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, env={**os.environ, "HOME": str(tmp_path)})
        assert done.returncode == 0, f"helm {args}: {done.stderr}"
        return done.stdout

    source = str(chart(tmp_path / "shop"))
    assert "STATUS: deployed" in helm("install", "mine", source, "--wait", "--timeout=60s")
    assert direct("get", "deployment", "mine", "-o", "jsonpath={.status.availableReplicas}") == "1"
    helm("upgrade", "mine", source, "--set", "colour=green")
    assert direct("get", "configmap", "mine", "-o", "jsonpath={.data.colour}") == "green"
    helm("rollback", "mine", "1")
    assert direct("get", "configmap", "mine", "-o", "jsonpath={.data.colour}") == "blue"
    assert [r["revision"] for r in json.loads(helm("history", "mine", "-o", "json"))] == [1, 2, 3]
    helm("uninstall", "mine", "--wait")
    assert direct.try_run("get", "configmap", "mine").code == 1


# Informers: client-go's, and the hub's own


def informer_across_restarts(site: Site, command: list[str], direct: Kubectl, seconds: float) -> None:
    direct("create", "configmap", "counter")
    with informing(command) as seen:
        began, n, next_restart, victim = time.monotonic(), 0, 1.0, 0
        while (now := time.monotonic() - began) < seconds:
            n += 1
            direct("patch", "configmap", "counter", "--type=merge", "-p", json.dumps({"data": {"n": str(n)}}))
            if now > next_restart:
                agent = site.agents[victim % 2]
                agent.kill() if victim % 4 < 2 else agent.stop()
                agent.start()
                site.wait_whole()
                victim += 1
                next_restart = time.monotonic() - began + min(20.0, seconds / 5)
        values = lambda: [int(s["value"]) for s in seen if s.get("name") == "counter" and s.get("value", "").isdigit()]  # noqa: E731
        wait.until("the last change has come", lambda: values()[-1] == n)
        assert values() == sorted(set(values())), "changes came twice or out of order"
        assert victim >= 2
        errors = [s for s in seen if s["event"] == "error"]
        assert not errors, errors
        assert sum(s["event"] == "list" for s in seen) <= 1, "the informer had to list again"
        print(f"\n{n} changes, {victim} restarts, {sum(s['event'] == 'watch' for s in seen)} watches, {len(errors)} errors")


@pytest.mark.parametrize("command", [JSON, PROTOBUF, framework], ids=["json", "protobuf", "framework"])
def test_informer_across_agent_restarts(ack: Site, kubeconfig: Path, direct: Kubectl, command: Command) -> None:
    informer_across_restarts(ack, command(kubeconfig, direct.namespace), direct, 10)


@pytest.mark.soak
@pytest.mark.parametrize("command", [PROTOBUF, framework], ids=["protobuf", "framework"])
def test_informer_for_ten_minutes(ack: Site, kubeconfig: Path, direct: Kubectl, command: Command) -> None:
    informer_across_restarts(ack, command(kubeconfig, direct.namespace), direct, 600)


def test_the_framework_follows_a_restarted_api_server(ack: Site, kubeconfig: Path, direct: Kubectl) -> None:
    direct("create", "configmap", "kept")
    with informing(framework(kubeconfig, direct.namespace)) as seen:
        ack.cluster.stop_apiserver(signal.SIGKILL)
        ack.cluster.start_apiserver()
        direct("create", "configmap", "later")
        direct("delete", "configmap", "kept")
        def of_both() -> list[tuple[str, str]]:
            return [(s["event"], s["name"]) for s in seen if s.get("name") in ("kept", "later")]

        wait.until("what happened afterwards is seen", of_both, done=lambda names: len(names) >= 3, timeout=40, dump=lambda: str(seen))
        names = of_both()
        # A watch that had to list anew learns of both at once, in either order.
        assert names[0] == ("added", "kept") and sorted(names[1:]) == [("added", "later"), ("deleted", "kept")], "each change once"


# The Python client


def test_the_python_client_execs_and_watches(kubeconfig: Path, direct: Kubectl) -> None:
    import kubernetes
    from kubernetes.stream import stream

    pods.run(direct, pods.pod("shell", "sleep 100000"))
    api = kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config(str(kubeconfig)))
    said: Any = stream(api.connect_get_namespaced_pod_exec, "shell", direct.namespace, command=["echo", "hello"],
                       stdout=True, stderr=True, stdin=False, tty=False)
    assert said == "hello\n"
    # The client's stream() patches its ApiClient for good, so a watch has one of its own.
    watching = kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config(str(kubeconfig)))
    watch = kubernetes.watch.Watch()
    for n, event in enumerate(watch.stream(watching.list_namespaced_config_map, direct.namespace, timeout_seconds=20)):
        if n == 0:
            direct("create", "configmap", "seen")
        if event["object"].metadata.name == "seen":
            watch.stop()
            break
    else:
        pytest.fail("the watch did not show the new object")


# The Node client


def test_the_node_client_lists_watches_and_execs(kubeconfig: Path, direct: Kubectl) -> None:
    pods.run(direct, pods.pod("shell", "sleep 100000"))
    direct("create", "configmap", "first")
    done = subprocess.run([*node.client(), str(kubeconfig), direct.namespace, "shell"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    listed, missing, *changes, code, given = [json.loads(line) for line in done.stdout.splitlines()]
    assert listed == {"list": ["first", "kube-root-ca.crt"]}
    assert missing == {"missing": 404, "message": 'configmaps "missing" not found'}
    assert changes == [{"watch": "ADDED", "n": "1"}, {"watch": "MODIFIED", "n": "2"}, {"watch": "DELETED", "n": "2"}]
    assert code == {"exec": "code", "out": "out\n", "err": "err\n", "code": "7"}
    assert given["got"] == given["wanted"] and given["status"] == "Success", given
