# SPDX-License-Identifier: Apache-2.0
"""A seeded random story: writes, reads and watches on a few objects, wrong ones among them."""

from __future__ import annotations

import random
from typing import Any

from .story import CONTENT, Case

NAMES = ("a", "b", "c", "d")
MANAGERS = ("one", "two", "three")
APPLY, MERGE, JSON_PATCH = CONTENT["apply"], CONTENT["merge"], CONTENT["json-patch"]


class Steps:
    """Makes one case after another; all of the chance comes from the seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._number = 0

    def next(self) -> Case:
        self._number += 1
        make = self._random.choices(
            [self._create, self._put, self._merge, self._json_patch, self._apply, self._status,
             self._delete, self._get, self._list, self._release],
            [10, 12, 16, 10, 24, 6, 8, 6, 8, 3])[0]
        case = make()
        case.name = f"step {self._number}"
        return case

    def _name(self) -> str:
        return self._random.choice(NAMES)

    def _pick(self, *values: Any) -> Any:
        return self._random.choice(values)

    def _options(self, first: str = "?") -> str:
        out = [f"fieldManager={self._pick(*MANAGERS)}"]
        if self._random.random() < 0.1:
            out.append("dryRun=All")
        if self._random.random() < 0.1:
            out.append(f"fieldValidation={self._pick('Strict', 'Warn', 'Ignore')}")
        return first + "&".join(out)

    # Parts of objects; few values, so that writes meet each other.

    def _metadata(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        if self._random.random() < 0.3:
            out["labels"] = {key: self._pick("x", "y") for key in self._some("l", "m", "n")}
        if self._random.random() < 0.15:
            out["annotations"] = {key: self._pick("x", "y") for key in self._some("q", "r")}
        if self._random.random() < 0.1:
            out["finalizers"] = [f"x.io/{key}" for key in self._some("f", "g")]
        if self._random.random() < 0.08:
            out["ownerReferences"] = [{"apiVersion": "v1", "kind": "X", "name": key, "uid": key}
                                      for key in self._some("o", "p")]
        return out

    def _some(self, *values: str) -> list[str]:
        return self._random.sample(values, self._random.randint(1, len(values)))

    def _port(self) -> dict[str, Any]:
        out: dict[str, Any] = {"name": self._pick("p", "q", "r")}
        if self._random.random() < 0.4:
            out["protocol"] = self._pick("TCP", "UDP")
        if self._random.random() < 0.6:
            out["number"] = self._pick(1, 2, 3)
        if self._random.random() < 0.3:
            out["hosts"] = self._some("h1", "h2", "h3")
        return out

    def _value(self, field: str) -> Any:
        match field:
            case "size":
                return self._pick(1, 2, 3, 0)
            case "mode":
                return self._pick("Fast", "Slow")
            case "flag":
                return self._pick(True, False)
            case "replicas":
                return self._pick(0, 1, 2)
            case "text":
                return self._pick("hello", "world")
            case "tags":
                return self._some("a", "b", "c", "d")
            case "numbers":
                return self._random.sample([1, 2, 3], 2)
            case "ports":
                return [self._port() for _ in range(self._random.randint(1, 3))]
            case "steps":
                return [{"run": self._pick("x", "y")}]
            case "plainList":
                return self._some("a", "b")
            case "template":
                return {key: self._pick("x", "y") for key in self._some("a", "b")}
            case "nested":
                return self._pick({"x": "y"}, {"deep": {"z": 1}}, {"deep": {"z": 2}, "x": "z"}, {})
            case "labels":
                return {key: self._pick("x", "y") for key in self._some("k", "l", "m")}
            case "limits":
                return {key: {"max": self._pick(1, 2)} for key in self._some("cpu", "mem")}
            case "extra":
                return self._pick({"a": {"b": 1}}, {"a": {"c": [1, 2]}}, {"a": 1}, {"known": "x", "d": {"e": {}}})
            case "source":
                return self._pick({"git": "x"}, {"http": "y"}, {"git": "x", "http": "y"})
            case _:
                return self._pick(1, "x")

    FIELDS = ("size", "mode", "flag", "replicas", "text", "tags", "numbers", "ports", "steps", "plainList", "template",
              "nested", "labels", "limits", "extra", "source")

    def _spec(self, most: int = 4) -> dict[str, Any]:
        fields = self._random.sample(self.FIELDS, self._random.randint(0, most))
        out = {field: self._value(field) for field in fields}
        if self._random.random() < 0.03:
            out["odd"] = self._value("odd")
        return out

    def _object(self, name: str) -> dict[str, Any]:
        return {"name": name, "metadata": self._metadata(), "spec": self._spec()}

    # Requests.

    def _create(self) -> Case:
        return Case("", f"POST widgets{self._options()}", object=self._object(self._name()))

    def _put(self) -> Case:
        name = self._name()
        body = self._object(name)
        known = self._random.random() < 0.85
        body["metadata"]["resourceVersion"] = f"${{{name}.metadata.resourceVersion}}" if known else "1"
        return Case("", f"PUT widgets/{name}{self._options()}", object=body)

    def _merge(self) -> Case:
        body: dict[str, Any] = {"spec": self._spec(3), "metadata": self._metadata()}
        for field in self._random.sample(self.FIELDS, self._random.randint(0, 1)):
            body["spec"][field] = None
        return Case("", f"PATCH widgets/{self._name()}{self._options()}", body=body, content=MERGE)

    def _json_patch(self) -> Case:
        operations = []
        for _ in range(self._random.randint(1, 2)):
            field = self._pick(*self.FIELDS)
            operation = self._pick("add", "replace", "remove", "test")
            one = {"op": operation, "path": f"/spec/{field}"}
            if operation != "remove":
                one["value"] = self._value(field)
            operations.append(one)
        return Case("", f"PATCH widgets/{self._name()}{self._options()}", body=operations, content=JSON_PATCH)

    def _apply(self) -> Case:
        name = self._name()
        force = "&force=true" if self._random.random() < 0.4 else ""
        return Case("", f"PATCH widgets/{name}{self._options()}{force}", object=self._object(name), content=APPLY)

    def _status(self) -> Case:
        name = self._name()
        status = {"phase": self._pick("Up", "Down"),
                  "conditions": [{"type": kind, "status": self._pick("True", "False")} for kind in self._some("A", "B")]}
        if self._random.random() < 0.5:
            force = "&force=true" if self._random.random() < 0.4 else ""
            return Case("", f"PATCH widgets/{name}/status{self._options()}{force}",
                        object={"name": name, "status": status}, content=APPLY)
        return Case("", f"PATCH widgets/{name}/status{self._options()}", body={"status": status}, content=MERGE)

    def _delete(self) -> Case:
        policy = self._pick("", "", "", "?propagationPolicy=Background", "?propagationPolicy=Foreground",
                            "?propagationPolicy=Orphan", "?dryRun=All")
        return Case("", f"DELETE widgets/{self._name()}{policy}")

    def _get(self) -> Case:
        name = self._name()
        return Case("", f"GET widgets/{name}", save=name)

    def _list(self) -> Case:
        query = self._pick("", "?labelSelector=l", "?labelSelector=l%3Dx", "?labelSelector=m%20in%20(x)", "?limit=2",
                           "?fieldSelector=spec.mode%3DFast", "?fieldSelector=metadata.name%3Da")
        accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" if self._random.random() < 0.2 else ""
        return Case("", f"GET widgets{query}", accept=accept)

    def _release(self) -> Case:
        return Case("", f"PATCH widgets/{self._name()}", body={"metadata": {"finalizers": None}}, content=MERGE)
