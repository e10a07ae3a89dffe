# SPDX-License-Identifier: Apache-2.0
"""Reads api/kinds and api/core, the one declaration of each kind, and its example in api/examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]


@dataclass(frozen=True)
class Column:
    name: str
    description: str
    path: str
    wide: bool


@dataclass(frozen=True)
class Kind:
    name: str
    plural: str
    group: str
    version: str
    namespaced: bool
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    subresources: tuple[str, ...]
    columns: tuple[Column, ...]
    schema: Schema
    example: str = ""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version


def read(api: Path) -> list[Kind]:
    kinds = [one(version, crd["spec"], api / "examples") for folder in ("kinds", "core")
             for path in sorted((api / folder).glob("*.yaml"))
             for crd in yaml.safe_load_all(path.read_text()) for version in crd["spec"]["versions"]]
    return sorted(kinds, key=lambda kind: (kind.group, kind.version, kind.name))


def one(version: Schema, spec: Schema, examples: Path) -> Kind:
    names = spec["names"]
    example = examples / f"{names['kind'].lower()}.yaml"
    return Kind(
        name=names["kind"], plural=names["plural"], group=spec["group"], version=version["name"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames", ())), categories=tuple(names.get("categories", ())),
        subresources=tuple(version.get("subresources", {})) + (() if spec["group"] else ("finalize",)),
        columns=tuple(Column(c["name"], c.get("description", ""), c["jsonPath"], c.get("priority", 0) > 0)
                      for c in version.get("additionalPrinterColumns", ())),
        schema=version["schema"]["openAPIV3Schema"],
        example="".join(line for line in example.read_text().splitlines(keepends=True) if "SPDX" not in line)
        if example.is_file() else "",
    )


@dataclass(frozen=True)
class Field:
    path: str
    schema: Schema
    required: bool


def fields(schema: Schema, prefix: str = "") -> Iterator[Field]:
    """All fields below an object, parents first; `a[].b` is b of each item of a, `a{}.b` of each value."""
    required = set(schema.get("required", ()))
    for name, child in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        yield Field(path, child, name in required)
        yield from below(child, path)


def below(schema: Schema, path: str) -> Iterator[Field]:
    if schema.get("type") == "array":
        yield from below(schema["items"], path + "[]")
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from below(schema["additionalProperties"], path + "{}")
    else:
        yield from fields(schema, path + ".")
