# SPDX-License-Identifier: Apache-2.0
"""./dev demo --check: get, apply, logs, exec and port-forward through the hub."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request

from demo.stage import Failed, Stage
from e2e.support import wait
from e2e.support.kubectl import Kubectl
from testbed.cluster import Cluster

WEB = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "web", "image": "roadstead.test/busybox:1", "imagePullPolicy": "IfNotPresent",
                    "command": ["sh", "-c", "mkdir /tmp/w; hostname > /tmp/w/index.html; echo serves; exec httpd -f -p 8080 -h /tmp/w"],
                }],
            },
        },
    },
}


def expect(what: str, holds: bool, seen: str) -> None:
    if not holds:
        raise Failed(f"{what}: {seen!r}")
    print(f"  {what}: as expected", flush=True)


def tour(stage: Stage, cluster: Cluster) -> None:
    print(f"A walk through {cluster.name}:", flush=True)
    kubectl = Kubectl(stage.kubeconfig(cluster), env=stage.environment)
    nodes = kubectl("get", "nodes", "--no-headers")
    expect("get", cluster.node_name in nodes and "Ready" in nodes, nodes)
    kubectl("apply", "-f", "-", stdin=json.dumps(WEB))
    kubectl("rollout", "status", "deployment/web", "--timeout=60s", timeout=70)
    pod = kubectl("get", "pods", "-l", "app=web", "-o", "name").strip().removeprefix("pod/")
    expect("apply", pod.startswith("web-"), pod)
    wait.until("the pod has written its line", lambda: kubectl("logs", pod) == "serves\n")
    expect("logs", kubectl("logs", pod) == "serves\n", pod)
    said = kubectl("exec", pod, "--", "cat", "/tmp/w/index.html")
    expect("exec", said.strip() == pod, said)
    forward = kubectl.popen("port-forward", f"pod/{pod}", ":8080", stdout=subprocess.PIPE, text=True)
    try:
        assert forward.stdout is not None
        line = forward.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        if not found:
            raise Failed(f"port-forward said {line!r}")
        with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=10) as answer:
            page = answer.read().decode()
        expect("port-forward", page.strip() == pod, page)
    finally:
        forward.kill()
        forward.wait()
    kubectl("delete", "deployment", "web")
