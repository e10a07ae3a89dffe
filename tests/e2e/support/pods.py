# SPDX-License-Identifier: Apache-2.0
"""Pods of the tests, made directly so that what is tested is only what goes through the hub."""

from __future__ import annotations

import json
from typing import Any

from testbed.images import BUSYBOX_IMAGE

from . import wait
from .kubectl import Kubectl


def pod(name: str, script: str, **container: Any) -> dict[str, Any]:
    """A pod of one container that runs a shell script."""
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 0, "restartPolicy": "Never",
            "containers": [{
                "name": "c", "image": BUSYBOX_IMAGE, "imagePullPolicy": "IfNotPresent",
                "command": ["sh", "-c", script], **container,
            }],
        },
    }


def run(direct: Kubectl, *pods: dict[str, Any], phase: str = "Running") -> None:
    """Creates pods and waits until all have reached the phase."""
    wait.until("the namespace has its service account", lambda: direct("get", "serviceaccount", "default", "-o", "name"))
    for one in pods:
        direct("create", "-f", "-", stdin=json.dumps(one))
    for one in pods:
        name = one["metadata"]["name"]
        wait.until(f"pod {name} is {phase}",
                   lambda name=name: direct("get", "pod", name, "-o", "jsonpath={.status.phase}"),
                   done=lambda seen: seen == phase, timeout=40, every=0.2)
