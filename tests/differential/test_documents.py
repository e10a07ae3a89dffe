# SPDX-License-Identifier: Apache-2.0
"""OpenAPI and aggregated discovery of the groups that both serve: the same, but for texts and for what the hub leaves out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .difference import differences
from .side import Side

GROUPS = ("apis/roadstead.io/v1alpha1", "apis/differential.roadstead.io/v1")
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# Parameters and properties that the hub does not have: see docs/reference/object-api.md.
ABSENT = {"shardSelector", "shardInfo", "ignoreStoreReadErrorWithClusterBreakingPotential"}


APPLY = "application/apply-patch+yaml"


def without_applied_scales(paths: dict[str, Any]) -> dict[str, Any]:
    """The API server's paths, without what the hub does not take."""
    for path, item in paths.items():
        if path.endswith("/scale"):
            patch = item["patch"]
            patch["parameters"] = [one for one in patch["parameters"] if one["name"] != "force"]
            patch.get("requestBody", {}).get("content", {}).pop(APPLY, None)
            patch["consumes"] = [kind for kind in patch.get("consumes", []) if kind != APPLY]
    return paths


def fetch(side: Side, path: str, accept: str = "application/json") -> Any:
    answer = side.request("GET", path, None, {"Accept": accept})
    assert answer.status == 200, answer.body[:500]
    return json.loads(answer.body)


def plain(value: Any, shared: dict[str, Any]) -> Any:
    """Without descriptions, with the parameters that v2 shares in place, lists of parameters by name."""
    if isinstance(value, list):
        out = [plain(item, shared) for item in value if not (isinstance(item, dict) and item.get("name") in ABSENT)]
        named = [item for item in out if isinstance(item, dict) and "name" in item and "in" in item]
        out = [item for item in out if not (isinstance(item, dict) and item.get("name") in ABSENT and "in" in item)]
        return sorted(out, key=lambda item: (item["in"], item["name"])) if named else out
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref", "")
    if isinstance(reference, str) and reference.startswith("#/parameters/"):
        return plain(shared[reference.removeprefix("#/parameters/")], shared)
    return {key: plain(item, shared) for key, item in value.items()
            if key not in ABSENT and not (key == "description" and isinstance(item, str))}


def schemas(value: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
    out = {}
    for name, schema in value.items():
        if name in wanted:
            kept = dict(schema)
            if name.endswith(".DeleteOptions"):  # the API server names all of its groups
                kept.pop("x-kubernetes-group-version-kind")
            out[name] = kept
    return out


def paths(value: dict[str, Any]) -> dict[str, Any]:
    return {path: item for path, item in value.items()
            if any(path.startswith(f"/{group}/") for group in GROUPS) and not re.search(r"/v1(alpha1)?/$", path)}


@pytest.mark.parametrize("group", GROUPS)
def test_openapi_v3_is_the_same(judge: Side, hub: Side, group: str) -> None:
    real, ours = (plain(fetch(side, f"/openapi/v3/{group}"), {}) for side in (judge, hub))
    for document in (real, ours):
        document.pop("info")
        without_applied_scales(document["paths"])
    wanted = set(real["components"]["schemas"]) - {f"io.k8s.apimachinery.pkg.apis.meta.v1.{name}" for name in ("ShardInfo",)}
    assert set(ours["components"]["schemas"]) == wanted
    for document in (real, ours):
        document["components"]["schemas"] = schemas(document["components"]["schemas"], wanted)
    found = differences(real, ours)
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:60])


def test_openapi_v2_is_the_same(judge: Side, hub: Side) -> None:
    documents = []
    for side in (judge, hub):
        whole = fetch(side, "/openapi/v2")
        document = plain(whole, whole.get("parameters", {}))
        documents.append({"swagger": document["swagger"], "paths": without_applied_scales(paths(document["paths"])),
                          "definitions": document["definitions"]})
    real, ours = documents
    wanted = {name for name in ours["definitions"] if "api.core" not in name}
    for document in documents:
        document["definitions"] = schemas(document["definitions"], wanted)
    found = differences(real, ours)
    assert not found, f"{len(found)} differ\n" + "\n".join(found[:60])


def test_aggregated_discovery_is_the_same(judge: Side, hub: Side) -> None:
    groups = {group.split("/")[1] for group in GROUPS}
    real, ours = ({item["metadata"]["name"]: item for item in fetch(side, "/apis", AGGREGATED)["items"]
                   if item["metadata"]["name"] in groups} for side in (judge, hub))
    for documents in (real, ours):
        for item in documents.values():
            for version in item["versions"]:
                version["resources"].sort(key=lambda resource: resource["resource"])
    assert not differences(real, ours), "\n".join(differences(real, ours))


def test_core_discovery_names_the_namespaces_alike(judge: Side, hub: Side) -> None:
    real, ours = ([resource for item in fetch(side, "/api", AGGREGATED)["items"] for version in item["versions"]
                   for resource in version["resources"] if resource["resource"] == "namespaces"] for side in (judge, hub))
    assert not differences(real, ours), "\n".join(differences(real, ours))
