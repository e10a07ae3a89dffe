# SPDX-License-Identifier: Apache-2.0
"""Simulated nodes: kwok answers for their kubelets, so that thousands of nodes and pods cost almost nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import build, kube
from .controlplane import Layout

_ANNOTATION = "kwok.x-k8s.io/node"
# Real pods, for example the Agent's, must not land on a node that runs nothing.
TAINT = {"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}


def argv(layout: Layout) -> list[str]:
    return [
        str(build.binary("kwok")),
        f"--kubeconfig={layout.internal_kubeconfig('kwok')}",
        f"--config={Path(__file__).with_name('kwok-stages.yaml')}",
        "--manage-all-nodes=false",
        f"--manage-nodes-with-annotation-selector={_ANNOTATION}=fake",
        "--cidr=10.245.0.0/16",
        "--node-lease-duration-seconds=40",
        "--node-ip=10.245.255.254",
        "--server-address=127.0.0.1:10247",
    ]


def node_name(number: int) -> str:
    return f"kwok-{number:05d}"


def create_nodes(client: kube.Client, first: int, count: int) -> None:
    """Makes the Node objects; kwok makes them Ready."""

    def create(number: int) -> None:
        name = node_name(number)
        try:
            client.request("POST", "/api/v1/nodes", _node(name))
        except kube.ApiError as error:
            if error.status != 409:
                raise

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(create, range(first, first + count)))


def _node(name: str) -> dict[str, object]:
    resources = {"cpu": "32", "memory": "256Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {_ANNOTATION: "fake", "node.alpha.kubernetes.io/ttl": "0"},
            "labels": {
                "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": name,
                "type": "kwok", "node-role.kubernetes.io/simulated": "",
            },
        },
        "spec": {"taints": [TAINT]},
        "status": {"allocatable": resources, "capacity": resources, "phase": "Running",
                   "nodeInfo": {"architecture": "amd64", "kubeletVersion": "fake", "operatingSystem": "linux"}},
    }
