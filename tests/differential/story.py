# SPDX-License-Identifier: Apache-2.0
"""A story is one file of cases: requests that go one after another to both servers, each answer compared.

A case is a mapping with
  name     what is shown when it differs
  do       "METHOD PATH"; a PATH without a leading slash begins with a plural: `widgets/a/status?dryRun=All`.
           `widgets` are those of namespace default, `other:widgets` those of another, `all:widgets` those of all
  object   an object of that plural; apiVersion and kind are added, and `name` becomes metadata.name
  body     anything else: a mapping or list is sent as JSON, text as it is
  as       the body's type: json (default), yaml, merge, json-patch, apply, strategic, or a media type
  accept   table, partial, partial-list, yaml, or a media type
  agent    User-Agent
  save     keeps the answer under that name: `${NAME.metadata.resourceVersion}` is filled in later, on each side its own
  open     instead of `do`: opens a watch on that PATH and keeps it under the name given by `watch`
  events   with `watch`: reads so many events from that watch and compares them
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .masking import Masker, read
from .side import LiveWatch, Side, lines_of

HUB = "/apis/roadstead.io/v1alpha1"
CORE = "/api/v1"
TEST = "/apis/differential.roadstead.io/v1"
PLURALS: dict[str, tuple[str, str, bool]] = {  # plural -> (base, kind, namespaced)
    "namespaces": (CORE, "Namespace", False),
    "accessgrants": (HUB, "AccessGrant", False),
    "clusters": (HUB, "Cluster", False),
    "operations": (HUB, "Operation", False),
    "policies": (HUB, "Policy", False),
    "policyattachments": (HUB, "PolicyAttachment", False),
    "serviceidentities": (HUB, "ServiceIdentity", False),
    "usergroups": (HUB, "UserGroup", False),
    "users": (HUB, "User", False),
    "credentials": (HUB, "Credential", False),
    "widgets": (TEST, "Widget", True),
    "gadgets": (TEST, "Gadget", False),
}
EVERY = PLURALS | {"ratchets": (TEST, "Ratchet", True)}  # those that one test brings along too
CONTENT = {
    "json": "application/json", "yaml": "application/yaml", "merge": "application/merge-patch+json",
    "json-patch": "application/json-patch+json", "apply": "application/apply-patch+yaml",
    "strategic": "application/strategic-merge-patch+json",
}
ACCEPT = {
    "table": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    "partial": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "partial-list": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "yaml": "application/yaml",
}
KEYS = {"name", "do", "object", "body", "as", "accept", "agent", "save", "open", "watch", "events"}


@dataclass
class Case:
    name: str
    do: str = ""
    object: dict[str, Any] | None = None
    body: Any = None
    content: str = "application/json"
    accept: str = ""
    agent: str = "differential/1"
    save: str = ""
    open: str = ""
    watch: str = ""
    events: int = 0


@dataclass
class Memory:
    """What one side has said so far in a story."""

    side: Side
    masker: Masker = field(default_factory=Masker)
    saved: dict[str, Any] = field(default_factory=dict)
    watches: dict[str, LiveWatch] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        return re.sub(r"\$\{([^}]+)\}", lambda found: str(self._find(found.group(1))), text)

    def _find(self, path: str) -> Any:
        at: Any = self.saved
        for part in path.split("."):
            at = at[int(part)] if isinstance(at, list) else at.get(part, "") if isinstance(at, dict) else ""
        return at


def load(path: Path) -> list[Case]:
    cases = []
    for raw in yaml.load(path.read_text(), Loader=yaml.CSafeLoader):
        unknown = set(raw) - KEYS
        if unknown:
            raise ValueError(f"{path.name}: {raw.get('name')}: unknown keys {sorted(unknown)}")
        content = str(raw.pop("as", "json"))
        accept = str(raw.pop("accept", ""))
        raw.setdefault("name", raw.get("do", ""))
        cases.append(Case(content=CONTENT.get(content, content), accept=ACCEPT.get(accept, accept), **raw))
    return cases


def plural_of(path: str) -> str:
    return re.split(r"[/?]", path.split(":")[-1] if ":" in path.split("?")[0] else path)[0]


def full_path(path: str) -> str:
    if path.startswith("/"):
        return path
    namespace = "default"
    if ":" in path.split("?")[0]:
        namespace, path = path.split(":", 1)
    base, _, namespaced = EVERY[plural_of(path)]
    if namespaced and namespace != "all":
        base += f"/namespaces/{namespace}"
    return f"{base}/{path}"


def whole(plural: str, partial: dict[str, Any]) -> dict[str, Any]:
    base, kind, _ = EVERY[plural]
    out = {"apiVersion": base.removeprefix("/apis/").removeprefix("/api/"), "kind": kind, **partial}
    name = out.pop("name", None)
    if name is not None:
        out["metadata"] = {"name": name, **out.get("metadata", {})}
    return out


def body_of(case: Case, path: str) -> str | None:
    if case.object is not None:
        body = whole(plural_of(path), case.object)
        return yaml.safe_dump(body, sort_keys=False) if case.content == CONTENT["yaml"] else json.dumps(body, separators=(",", ":"))
    if case.body is None or isinstance(case.body, str):
        return case.body
    return json.dumps(case.body, separators=(",", ":"))


def tell(case: Case, memory: Memory) -> dict[str, Any]:
    """Does one case on one side and returns what is compared."""
    headers = {"User-Agent": case.agent}
    if case.accept:
        headers["Accept"] = case.accept
    if case.open:
        watch = LiveWatch(memory.side, full_path(memory.fill(case.open)), headers)
        memory.watches[case.watch] = watch
        return {"status": watch.status}
    if case.watch:
        text = memory.watches[case.watch].take(case.events)
        return {"events": [memory.masker.value(event) for event in lines_of(text)]}
    method, _, path = memory.fill(case.do).partition(" ")
    body = body_of(case, path)
    if body is not None:
        body = memory.fill(body)
        headers["Content-Type"] = case.content
    answer = memory.side.request(method, full_path(path), body, headers)
    if case.save:
        memory.saved[case.save] = json.loads(answer.body) if answer.body.startswith("{") else {}
    return read(answer, memory.masker)


LASTING = ("default", "other", "kube-system", "kube-public", "kube-node-lease")


def clear_namespaces(side: Side, agent: dict[str, str]) -> None:
    """Only those that every story may count on are left; no controller is there to finish them."""
    for item in json.loads(side.request("GET", f"{CORE}/namespaces", None, agent).body)["items"]:
        name = item["metadata"]["name"]
        if name in LASTING:
            continue
        path = f"{CORE}/namespaces/{name}"
        side.request("DELETE", path, None, agent)
        side.request("PATCH", path, '{"metadata":{"finalizers":null}}', {**agent, "Content-Type": CONTENT["merge"]})
        side.request("PUT", f"{path}/finalize", json.dumps({"metadata": {"name": name}}),
                     {**agent, "Content-Type": CONTENT["json"]})


def clear(side: Side) -> None:
    """No object of any kind is left."""
    agent = {"User-Agent": "differential/1"}
    for base, plural in ((base, plural) for plural, (base, _, _) in PLURALS.items() if base != CORE):
        found = json.loads(side.request("GET", f"{base}/{plural}", None, agent).body)
        for item in found.get("items") or []:
            metadata = item["metadata"]
            namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
            path = f"{base}{namespace}/{plural}/{metadata['name']}"
            side.request("DELETE", path, None, agent)
            if metadata.get("finalizers"):
                side.request("PATCH", path, '{"metadata":{"finalizers":null}}',
                             {**agent, "Content-Type": CONTENT["merge"]})
    clear_namespaces(side, agent)
