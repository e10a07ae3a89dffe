# SPDX-License-Identifier: Apache-2.0
"""Makes the answers of two servers comparable: what is different by nature becomes a name of its place in the story.

A uid becomes `uid-of-NAME-1` for the first one seen with that name, and an object's resourceVersion `version-2` for the second one seen of
that object. So it is still seen when a uid changes that must not, or when a write that changes nothing makes a new
version. Versions of lists depend on what else a server does and become `<version>`; times become `<time>`.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from .side import Answer, lines_of

HEADERS = ("content-type", "warning", "retry-after", "cache-control", "x-content-type-options", "vary", "allow", "location")

# Parts of texts that differ, and why.
TEXTS: list[tuple[str, str]] = [
    (r"(, )?application/vnd\.kubernetes\.protobuf(;stream=watch)?", ""),  # not offered: nobody needs it for these kinds
    (r"(, )?application/cbor", ""),
    (r"(, )?application/apply-patch\+cbor", ""),
    (r"(json parse error|error decoding patch|couldn't get version/kind; json parse error): .*", r"\1"),  # Go's words
    (r"current: \d+", "current: N"),
    (r"in record \(\d+\)", "in record (N)"),
    (r"in object meta: \d+", "in object meta: N"),
    (r'patch: Invalid value: "\{.*\}": (strict|json|Object|unexpected)', r'patch: Invalid value: OBJECT: \1'),
    (r'^Invalid value: "\{.*\}": (strict|json|Object|unexpected)', r'Invalid value: OBJECT: \1'),
    (r"Object 'Kind' is missing in '.*'$", "Object 'Kind' is missing"),
    (r"error decoding YAML: .*", "error decoding YAML"),
    # What is told of a body that is no Scale: an error of the API server's own.
    # A field of a namespace that has the wrong type.
    (r"(cannot unmarshal \w+ into Go struct field Namespace\w*\.[a-zA-Z.]+) of type .*", r"\1"),
    (r'no kind is registered for the type v1\.Scale .*|the body is not a Scale .*', "<not a Scale>"),
    (r"\b(Gen_)[bcdfghjklmnpqrstvwxz2456789]{5}\b", r"\1<generated>"),
    (r"too old resource version: \d+ \(\d+\)", "too old resource version: N (M)"),
]
UID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
TIME = re.compile(r"\b2\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TIMES = ("creationTimestamp", "deletionTimestamp", "time")


class Masker:
    """The memory of one side."""

    def __init__(self) -> None:
        self._uids: dict[str, str] = {}
        self._versions: dict[str, dict[str, str]] = {}
        self._names: dict[str, str] = {}

    def uid(self, uid: str, owner: str = "?") -> str:
        if uid not in self._uids:
            number = sum(1 for shown in self._uids.values() if shown.startswith(f"uid-of-{owner}-"))
            self._uids[uid] = f"uid-of-{owner}-{number + 1}"
        return self._uids[uid]

    def version(self, uid: str, version: str) -> str:
        known = self._versions.setdefault(uid, {})
        return known.setdefault(version, f"version-{len(known) + 1}")

    def generated(self, name: str, prefix: str) -> str:
        return self._names.setdefault(name, f"{prefix}<generated-{len(self._names) + 1}>")

    def text(self, text: str) -> str:
        for name, shown in self._names.items():
            text = text.replace(name, shown)
        text = UID.sub(lambda found: self.uid(found.group()), text)
        for pattern, replacement in TEXTS:
            text = re.sub(pattern, replacement, text)
        return text

    def value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        out = {key: self._metadata(item) if key == "metadata" and isinstance(item, dict) else self.value(item)
               for key, item in value.items()}
        if out.get("kind") == "Table" and isinstance(value.get("rows"), list):
            out["rows"] = [self._row(row) for row in value["rows"]]
        return in_order(out)

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = self.value(row)
        out["cells"] = ["<age>" if isinstance(cell, str) and re.fullmatch(r"\d+s", cell) else cell
                        for cell in out.get("cells") or []]
        return out

    def _metadata(self, metadata: dict[str, Any]) -> dict[str, Any]:
        out = dict(metadata)
        uid = str(metadata.get("uid", ""))
        prefix, name = metadata.get("generateName"), metadata.get("name")
        if isinstance(prefix, str) and isinstance(name, str) and name.startswith(prefix) and len(name) > len(prefix):
            self.generated(name, prefix)
        if UID.fullmatch(uid):
            self.uid(uid, self.text(f"{metadata.get('namespace', '')}/{name}"))
        version = metadata.get("resourceVersion")
        if isinstance(version, str) and version:
            out["resourceVersion"] = self.version(uid, version) if uid else "<version>"
        if out.get("continue"):
            out["continue"] = "<continue>"
        for key in TIMES:
            if isinstance(out.get(key), str):
                out[key] = TIME.sub("<time>", out[key])
        for entry in out.get("managedFields") or []:
            if isinstance(entry, dict) and isinstance(entry.get("time"), str):
                entry["time"] = TIME.sub("<time>", entry["time"])
        masked = {key: self.value(item) for key, item in out.items()}
        if isinstance(masked.get("managedFields"), list):  # by time in the answer, which may differ by a second
            masked["managedFields"].sort(key=lambda entry: json.dumps(entry, sort_keys=True))
        return masked


def in_order(value: dict[str, Any]) -> dict[str, Any]:
    """Causes of an `Invalid` and resources of a group in an order of ours: the API server's varies."""
    if value.get("kind") == "APIResourceList":
        if value.get("groupVersion") == "v1":  # of Kubernetes' own kinds the hub has one
            value["resources"] = [item for item in value["resources"] if item["name"].split("/")[0] == "namespaces"]
        value["resources"].sort(key=lambda resource: resource["name"])
    if value.get("kind") == "Status" and value.get("reason") in ("Invalid", "Conflict"):
        causes = (value.get("details") or {}).get("causes")
        if causes and len(causes) > 1:
            causes.sort(key=lambda cause: json.dumps(cause, sort_keys=True))
            head, found, rest = value["message"].partition(" is invalid: ")
            if found:
                parts = rest.removeprefix("[").removesuffix("]").split(", ")
                value["message"] = f"{head} is invalid: {sorted(parts)}"
    return value


def read(answer: Answer, masker: Masker) -> dict[str, Any]:
    """What is compared of an answer."""
    kind = answer.headers.get("content-type", "").split(";")[0]
    body: Any = answer.body
    if kind == "application/json":
        try:
            body = json.loads(answer.body)
        except json.JSONDecodeError:
            body = lines_of(answer.body)
    elif kind == "application/yaml":
        body = {"yaml": yaml.safe_load(answer.body)}
    shown = {name: masker.text(answer.headers[name]) for name in HEADERS if name in answer.headers}
    return {"status": answer.status, "headers": shown, "body": masker.value(body)}
