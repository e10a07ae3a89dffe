# SPDX-License-Identifier: Apache-2.0
"""TypeScript types of all kinds of one group and version."""

from __future__ import annotations

import json

from reference.kinds import Kind, Schema

HEAD = "// SPDX-License-Identifier: Apache-2.0\n// Generated from api by ./dev docs; do not edit.\n"
META = """
/** Metadata that all objects have; see Kubernetes' API conventions. */
export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager?: string;
  operation?: "Apply" | "Update";
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: Record<string, unknown>;
  subresource?: string;
}

export interface ListMeta {
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
}
"""


IMPORT = '\nimport type { ListMeta, ObjectMeta } from "./meta.v1";\n'


def metadata() -> str:
    """The module of what all kinds share."""
    return HEAD + META


def module(kinds: list[Kind]) -> str:
    return HEAD + IMPORT + "".join(declare(kind) for kind in kinds)


def declare(kind: Kind) -> str:
    version = kind.api_version
    properties = kind.schema["properties"]
    required = set(kind.schema.get("required", ()))
    lines = [f'  apiVersion: "{version}";', f'  kind: "{kind.name}";', "  metadata: ObjectMeta;"]
    named = []
    for name, schema in properties.items():
        if name in ("apiVersion", "kind", "metadata"):
            continue
        if schema.get("properties"):
            type_name = kind.name + name[0].upper() + name[1:]
            named.append(interface(type_name, schema))
        else:
            type_name = expression(schema, 1)
        lines.append(f"  {name}{'' if name in required else '?'}: {type_name};")
    whole = comment(kind.schema.get("description", ""), 0)
    whole += f"export interface {kind.name} {{\n" + "\n".join(lines) + "\n}\n"
    listed = (f"export interface {kind.name}List {{\n  apiVersion: \"{version}\";\n  kind: \"{kind.name}List\";\n"
              f"  metadata: ListMeta;\n  items: {kind.name}[];\n}}\n")
    return "\n" + "\n".join([whole, listed, *named])


def interface(name: str, schema: Schema) -> str:
    return comment(schema.get("description", ""), 0) + f"export interface {name} {body(schema, 0)}\n"


def body(schema: Schema, depth: int) -> str:
    required = set(schema.get("required", ()))
    indent = "  " * (depth + 1)
    lines = []
    for name, child in schema["properties"].items():
        key = name if name.isidentifier() else json.dumps(name)
        lines.append(comment(child.get("description", ""), depth + 1)
                     + f"{indent}{key}{'' if name in required else '?'}: {expression(child, depth + 1)};\n")
    return "{\n" + "".join(lines) + "  " * depth + "}"


def expression(schema: Schema, depth: int) -> str:
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return "number | string"
    kind = schema.get("type")
    if kind == "array":
        item = expression(schema["items"], depth)
        return f"({item})[]" if " | " in item and not item.startswith("{") else f"{item}[]"
    if kind == "object":
        if schema.get("properties"):
            return body(schema, depth)
        values = schema.get("additionalProperties")
        return f"Record<string, {expression(values, depth) if isinstance(values, dict) else 'unknown'}>"
    return {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}.get(str(kind), "unknown")


def comment(text: str, depth: int) -> str:
    words, indent, width = text.split(), "  " * depth, 100
    if not words:
        return ""
    lines, line = [], ""
    for word in words:
        if line and len(indent) + 3 + len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines.append(line)
    if len(lines) == 1 and len(indent) + len(line) + 7 <= width:
        return f"{indent}/** {line} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {part}\n" for part in lines) + f"{indent} */\n"
