# SPDX-License-Identifier: Apache-2.0
"""The same requests to a real kube-apiserver with our CRDs and to the hub: the same answers.

Masked: uids, times, resourceVersions, continue tokens, managedFields (not tracked by the hub yet). Known differences
with their reasons are listed in `DIFFERENT`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from object_api import BASE, Answer, Api
from object_server import ObjectServer

JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
CLUSTERS = BASE + "/clusters"

# Parts of a message that differ, and why.
DIFFERENT = [
    (r", application/vnd\.kubernetes\.protobuf", ""),  # protobuf is not offered by the hub
    (r", application/apply-patch\+yaml", ""),  # server-side apply is not served yet
    (r"(json parse error|error decoding patch): .*", r"\1"),  # Go's JSON parser words it its own way
    (r"current: \d+", "current: N"),
    (r"too old resource version: 1 \(\d+\)", "too old"),
    (r"record \([0-9a-f-]{36}\)", "record (UID)"),
    (r"object meta: [0-9a-f-]{36}", "object meta: UID"),
    (r"'\{.*\}' \(\{.*\}\)", "BODY"),  # white space of the body
]


def cluster(name: str = "a", spec: Any = None, **more: Any) -> dict[str, Any]:
    metadata = {**({"name": name} if name else {}), **more.pop("metadata", {})}
    return {"apiVersion": "roadstead.io/v1alpha1", "kind": "Cluster", "metadata": metadata,
            "spec": {} if spec is None else spec, **more}


@dataclass
class Case:
    name: str
    method: str
    path: str
    body: Any = None
    content: str = "application/json"
    accept: str = ""
    fill: dict[str, str] = field(default_factory=dict)


def mask(value: Any) -> Any:
    if isinstance(value, dict):
        out = {}
        for key, item in value.items():
            if key == "managedFields":
                continue
            if key in ("uid", "creationTimestamp", "deletionTimestamp", "resourceVersion", "continue"):
                item = f"<{key}>" if item else item
            out[key] = mask(item)
        return in_order(out)
    if isinstance(value, list):
        return [mask(item) for item in value]
    if isinstance(value, str):
        for pattern, replacement in DIFFERENT:
            value = re.sub(pattern, replacement, value)
        return value
    return value


def in_order(status: dict[str, Any]) -> dict[str, Any]:
    """An `Invalid` with its causes, and a list of resources, sorted: the API server's order varies."""
    if status.get("kind") == "APIResourceList":
        status["resources"].sort(key=lambda resource: resource["name"])
    causes = status.get("details", {}).get("causes") if status.get("reason") == "Invalid" else None
    if causes and len(causes) > 1:
        texts = sorted(f"{cause['field']}: {cause['message']}" for cause in causes)
        status["details"]["causes"] = texts
        status["message"] = status["message"].split(" is invalid: ")[0]
    return status


def read(answer: Answer) -> Any:
    kind = answer.headers.get("content-type", "").split(";")[0]
    body: Any = answer.body
    if kind == "application/json":
        try:
            body = json.loads(answer.body)
        except json.JSONDecodeError:
            body = answer.lines()
    return {"status": answer.status, "type": kind, "warning": answer.headers.get("warning", ""),
            "retry": answer.headers.get("retry-after", ""), "body": mask(body)}


CASES = [
    Case("unknown resource", "GET", BASE + "/nosuch"),
    Case("unknown group", "GET", "/apis/no.such.io/v1/things"),
    Case("unknown path", "GET", "/nosuch"),
    Case("group", "GET", "/apis/roadstead.io"),
    Case("resources", "GET", BASE),
    Case("empty list", "GET", CLUSTERS),
    Case("empty table", "GET", CLUSTERS, accept=TABLE),
    Case("create", "POST", CLUSTERS, cluster()),
    Case("create again", "POST", CLUSTERS, cluster()),
    Case("wrong kind", "POST", CLUSTERS, {**cluster("k"), "kind": "Foo"}),
    Case("wrong version", "POST", CLUSTERS, {**cluster("k"), "apiVersion": "x/v1"}),
    Case("no kind", "POST", CLUSTERS, {"metadata": {"name": "b"}}),
    Case("broken JSON", "POST", CLUSTERS, "{bad"),
    Case("unknown media type", "POST", CLUSTERS, "{}", content="text/plain"),
    Case("strict", "POST", CLUSTERS + "?fieldValidation=Strict",
         {**cluster("s", {"zzz": 1, "agent": {"q": 2}}, metadata={"foo": 1}), "top": 3}),
    Case("warn", "POST", CLUSTERS + "?dryRun=All", cluster("s", {"zzz": 1, "agent": {"q": 2}})),
    Case("ignore", "POST", CLUSTERS + "?dryRun=All&fieldValidation=Ignore", cluster("s", {"zzz": 1})),
    Case("unknown validation", "POST", CLUSTERS + "?fieldValidation=Odd", cluster("s")),
    Case("bad fields", "POST", CLUSTERS, cluster("Bad_Name", {
        "paused": "x", "agent": {"replicas": 9, "imageRepository": "-x"}, "displayName": "x" * 200})),
    Case("wrong types", "POST", CLUSTERS, cluster("t", {"agent": [], "displayName": 3, "paused": None})),
    Case("number for an integer", "POST", CLUSTERS + "?dryRun=All", cluster("t", {"agent": {"replicas": 3.0}})),
    Case("fraction for an integer", "POST", CLUSTERS, cluster("t", {"agent": {"replicas": 3.5}})),
    Case("spec is text", "POST", CLUSTERS, cluster("t", "x")),
    Case("no spec", "POST", CLUSTERS + "?dryRun=All", {k: v for k, v in cluster("n").items() if k != "spec"}),
    Case("label of a wrong type", "POST", CLUSTERS, cluster("l", metadata={"labels": {"a": 1}})),
    Case("bad label", "POST", CLUSTERS, cluster("l", metadata={"labels": {"a/b/c": "x y"}})),
    Case("bad annotation", "POST", CLUSTERS, cluster("l", metadata={"annotations": {"a b": "x"}})),
    Case("bad finalizer", "POST", CLUSTERS, cluster("l", metadata={"finalizers": ["a b"]})),
    Case("version on create", "POST", CLUSTERS, cluster("v", metadata={"resourceVersion": "4"})),
    Case("no name", "POST", CLUSTERS, cluster("")),
    Case("user with a group twice", "POST", BASE + "/users",
         {"apiVersion": "roadstead.io/v1alpha1", "kind": "User", "metadata": {"name": "ann"},
          "spec": {"groups": ["a", "b", "a"]}}),
    Case("user", "POST", BASE + "/users", {"apiVersion": "roadstead.io/v1alpha1", "kind": "User",
                                           "metadata": {"name": "ann"}, "spec": {"groups": ["a", "b"]}}),
    Case("user table", "GET", BASE + "/users", accept=TABLE),
    Case("credential without fields", "POST", BASE + "/credentials",
         {"apiVersion": "roadstead.io/v1alpha1", "kind": "Credential", "metadata": {"name": "c"}, "spec": {}}),
    Case("credential with bad bytes", "POST", BASE + "/credentials",
         {"apiVersion": "roadstead.io/v1alpha1", "kind": "Credential", "metadata": {"name": "c"},
          "spec": {"username": "ann", "request": "***", "usage": "Robot", "expirationSeconds": 1}}),
    Case("status is dropped on create", "POST", CLUSTERS + "?dryRun=All", cluster("st", status={"phase": "Running"})),
    Case("put without a version", "PUT", CLUSTERS + "/a", cluster()),
    Case("put a stale version", "PUT", CLUSTERS + "/a", cluster(metadata={"resourceVersion": "9"})),
    Case("put another name", "PUT", CLUSTERS + "/a", cluster("z", metadata={"resourceVersion": "1"})),
    Case("put another uid", "PUT", CLUSTERS + "/a", cluster(metadata={"uid": "x"})),
    Case("put what is not there", "PUT", CLUSTERS + "/nope", cluster("nope")),
    Case("put without a name", "PUT", CLUSTERS, cluster()),
    Case("failed test", "PATCH", CLUSTERS + "/a", '[{"op":"test","path":"/spec/x","value":1}]', content=JSON_PATCH),
    Case("JSON patch that is none", "PATCH", CLUSTERS + "/a", '{"op":1}', content=JSON_PATCH),
    Case("broken merge patch", "PATCH", CLUSTERS + "/a", "{bad", content=MERGE_PATCH),
    Case("merge patch that is none", "PATCH", CLUSTERS + "/a", "[]", content=MERGE_PATCH),
    Case("strategic patch", "PATCH", CLUSTERS + "/a", "{}", content="application/strategic-merge-patch+json"),
    Case("merge patch", "PATCH", CLUSTERS + "/a", '{"spec":{"provider":"x","zzz":1}}', content=MERGE_PATCH),
    Case("merge patch that changes nothing", "PATCH", CLUSTERS + "/a", '{"spec":{"provider":"x"}}', content=MERGE_PATCH),
    Case("merge patch to something invalid", "PATCH", CLUSTERS + "/a", '{"spec":{"agent":{"replicas":0}}}',
         content=MERGE_PATCH),
    Case("patch of a fixed field", "PATCH", CLUSTERS + "/a", '{"metadata":{"creationTimestamp":null,"generation":7}}',
         content=MERGE_PATCH),
    Case("patch of the name", "PATCH", CLUSTERS + "/a", '{"metadata":{"name":"b"}}', content=MERGE_PATCH),
    Case("patch with a stale version", "PATCH", CLUSTERS + "/a", '{"metadata":{"resourceVersion":"1"}}',
         content=MERGE_PATCH),
    Case("patch of what is not there", "PATCH", CLUSTERS + "/nope", "{}", content=MERGE_PATCH),
    Case("JSON patch", "PATCH", CLUSTERS + "/a",
         '[{"op":"add","path":"/metadata/labels","value":{"env":"prod"}},{"op":"remove","path":"/spec/provider"}]',
         content=JSON_PATCH),
    Case("status through the main door", "PATCH", CLUSTERS + "/a", '{"status":{"phase":"Running"}}', content=MERGE_PATCH),
    Case("status", "PATCH", CLUSTERS + "/a/status", '{"status":{"phase":"Running"},"spec":{"provider":"no"}}',
         content=MERGE_PATCH),
    Case("bad status", "PATCH", CLUSTERS + "/a/status",
         '{"status":{"phase":"Odd","conditions":[{"type":"A"},{"type":"A"}]}}', content=MERGE_PATCH),
    Case("get status", "GET", CLUSTERS + "/a/status"),
    Case("unknown subresource", "GET", CLUSTERS + "/a/nosub"),
    Case("get", "GET", CLUSTERS + "/a"),
    Case("get as YAML", "GET", "/apis/roadstead.io", accept="application/yaml"),
    Case("get partial", "GET", CLUSTERS + "/a", accept=PARTIAL),
    Case("list partial", "GET", CLUSTERS, accept=PARTIAL_LIST),
    Case("get what is not there", "GET", CLUSTERS + "/nope"),
    Case("only unknown types", "GET", CLUSTERS, accept="application/cbor"),
    Case("second", "POST", CLUSTERS, cluster("b")),
    Case("first page", "GET", CLUSTERS + "?limit=1"),
    Case("by label", "GET", CLUSTERS + "?labelSelector=env%3Dprod"),
    Case("by missing label", "GET", CLUSTERS + "?labelSelector=!env"),
    Case("by set", "GET", CLUSTERS + "?labelSelector=env%20notin%20(prod,test)"),
    Case("by field", "GET", CLUSTERS + "?fieldSelector=metadata.name%3Db"),
    Case("by broken label selector", "GET", CLUSTERS + "?labelSelector=a%3D%3D%3D"),
    Case("by unknown field", "GET", CLUSTERS + "?fieldSelector=spec.x%3D1"),
    Case("limit that is no number", "GET", CLUSTERS + "?limit=abc"),
    Case("version that is no number", "GET", CLUSTERS + "?resourceVersion=abc"),
    Case("version of the future", "GET", CLUSTERS + "?resourceVersion=99999999"),
    Case("match without a version", "GET", CLUSTERS + "?resourceVersionMatch=Exact"),
    Case("watch what is there", "GET", CLUSTERS + "?watch=1&timeoutSeconds=1"),
    Case("watch with bookmarks", "GET", CLUSTERS + "?watch=1&timeoutSeconds=1&allowWatchBookmarks=true"),
    Case("watch list", "GET", CLUSTERS + "?watch=1&timeoutSeconds=1&sendInitialEvents=true&"
         "resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"),
    Case("watch list without match", "GET", CLUSTERS + "?watch=1&sendInitialEvents=true"),
    Case("watch one", "GET", CLUSTERS + "?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Db"),
    Case("delete another uid", "DELETE", CLUSTERS + "/a", {"kind": "DeleteOptions", "apiVersion": "v1",
                                                           "preconditions": {"uid": "x"}}),
    Case("delete dry", "DELETE", CLUSTERS + "/a?dryRun=All"),
    Case("delete half dry", "DELETE", CLUSTERS + "/a?dryRun=Some"),
    Case("add a finalizer", "PATCH", CLUSTERS + "/a", '{"metadata":{"finalizers":["x.io/y"]}}', content=MERGE_PATCH),
    Case("delete with a finalizer", "DELETE", CLUSTERS + "/a"),
    Case("another finalizer while deleting", "PATCH", CLUSTERS + "/a", '{"metadata":{"finalizers":["x.io/y","x.io/z"]}}',
         content=MERGE_PATCH),
    Case("take the finalizer away", "PATCH", CLUSTERS + "/a", '{"metadata":{"finalizers":null}}', content=MERGE_PATCH),
    Case("it is gone", "GET", CLUSTERS + "/a"),
    Case("delete", "DELETE", CLUSTERS + "/b"),
    Case("delete again", "DELETE", CLUSTERS + "/b"),
    Case("delete the collection", "DELETE", BASE + "/users"),
    Case("options", "OPTIONS", CLUSTERS),
]


def test_the_same_requests_have_the_same_answers(judge: Api, server: ObjectServer) -> None:
    different = []
    for case in CASES:
        expected, actual = (
            read(api.request(case.method, case.path, case.body, content=case.content, accept=case.accept))
            for api in (judge, server.api))
        if expected != actual:
            different.append(f"{case.name}: {case.method} {case.path}\n  API server {expected}\n  hub        {actual}")
    assert not different, f"{len(different)} of {len(CASES)}:\n" + "\n".join(different)


@pytest.mark.parametrize("version", [0, -1])
def test_a_watch_goes_on_where_it_stopped(judge: Api, server: ObjectServer, version: int) -> None:
    """Every change after a version, in order, once; `version` is that of the first or of the last object."""
    streams = []
    for api in (judge, server.api):
        made = [api.request("POST", CLUSTERS, cluster(f"w{number}")).json() for number in range(3)]
        start = made[version]["metadata"]["resourceVersion"]
        api.request("PATCH", CLUSTERS + "/w1", '{"spec":{"provider":"x"}}', content=MERGE_PATCH)
        for number in range(3):
            api.request("DELETE", f"{CLUSTERS}/w{number}")
        answer = api.request("GET", f"{CLUSTERS}?watch=1&timeoutSeconds=1&resourceVersion={start}")
        streams.append(mask(answer.lines()))
    assert streams[0] == streams[1]
    assert [event["type"] for event in streams[1]][-3:] == ["DELETED"] * 3
