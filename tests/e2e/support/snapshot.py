# SPDX-License-Identifier: Apache-2.0
"""All objects of a cluster, to compare before and after."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from testbed.cluster import Cluster

# What changes by itself in a cluster where nobody does anything. Nothing else is left out of the comparison.
MASKED_KINDS = {
    "events", "events.events.k8s.io",  # a log with a time to live
    "leases.coordination.k8s.io",  # heartbeats of nodes and components
    "componentstatuses",  # not stored
}
MASKED_FIELDS = {
    "metadata.resourceVersion",  # counts every write
    "metadata.managedFields",  # time stamps of heartbeats
}
MASKED_FIELDS_OF_KIND = {
    "nodes": {"status.conditions", "status.images"},  # heartbeats; images stay in the node's cache
}


def _without(value: dict[str, Any], path: str) -> None:
    *parents, last = path.split(".")
    for key in parents:
        value = value.get(key, {})
    value.pop(last, None)


def take(cluster: Cluster) -> dict[str, Any]:
    """Every object by "kind namespace/name", without what is masked."""
    kinds = sorted(set(cluster.kubectl("api-resources", "--verbs=list", "-o", "name").split()) - MASKED_KINDS)

    def one(kind: str) -> dict[str, Any]:
        objects = {}
        for item in json.loads(cluster.kubectl("get", kind, "-A", "-o", "json", "--show-managed-fields=false"))["items"]:
            for path in MASKED_FIELDS | MASKED_FIELDS_OF_KIND.get(kind, set()):
                _without(item, path)
            objects[f"{kind} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"] = item
        return objects

    found: dict[str, Any] = {}
    with ThreadPoolExecutor(6) as pool:
        for objects in pool.map(one, kinds):
            found.update(objects)
    return found


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    lines = [f"+ {name}" for name in sorted(after.keys() - before.keys())]
    lines += [f"- {name}" for name in sorted(before.keys() - after.keys())]
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            lines.append(f"~ {name}: {json.dumps(before[name])[:1500]} -> {json.dumps(after[name])[:1500]}")
    return lines
