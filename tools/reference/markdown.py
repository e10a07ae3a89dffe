# SPDX-License-Identifier: Apache-2.0
"""One reference page for each kind, and their index."""

from __future__ import annotations

from reference.kinds import Field, Kind, Schema, fields

HEAD = "<!-- Generated from api by ./dev docs; do not edit. -->\n"
BOUNDS = {
    "minLength": "length at least {}", "maxLength": "length at most {}",
    "minItems": "items at least {}", "maxItems": "items at most {}",
    "minProperties": "entries at least {}", "maxProperties": "entries at most {}",
    "minimum": "at least {}", "maximum": "at most {}", "pattern": "matches `{}`",
    "default": "default `{}`", "example": "for example `{}`",
}
# Every object has these; Kubernetes' own reference describes them.
COMMON = {"apiVersion", "kind", "metadata"}


def page(kind: Kind) -> str:
    parts = [HEAD, f"# {kind.name}\n", flat(kind.schema.get("description", "")) + "\n", facts(kind), example(kind), columns(kind)]
    for section in ("spec", "status"):
        schema = kind.schema["properties"].get(section)
        if schema:
            parts += [f"## {section}\n", flat(schema.get("description", "")) + "\n", table(schema)]
    others = {name: schema for name, schema in kind.schema["properties"].items()
              if name not in COMMON | {"spec", "status"}}
    if others:
        parts += ["## Other fields\n", table({"properties": others, "required": kind.schema.get("required", [])})]
    return "\n".join(part for part in parts if part)


def index(kinds: list[Kind]) -> str:
    rows = [f"| [{k.name}]({k.name.lower()}.md) | `{k.api_version}` | `{k.plural}` | {first_sentence(k)} |"
            for k in kinds]
    return "\n".join([HEAD, "# Kinds of the hub's API\n", "| kind | API version | resource | what it is |",
                      "|---|---|---|---|", *rows, ""])


def example(kind: Kind) -> str:
    return f"## Example\n\n```yaml\n{kind.example}```\n" if kind.example else ""


def facts(kind: Kind) -> str:
    base = f"/{'apis' if kind.group else 'api'}/{kind.api_version}"
    path = f"{base}/namespaces/NAMESPACE/{kind.plural}" if kind.namespaced else f"{base}/{kind.plural}"
    rows = [("API version", f"`{kind.api_version}`"), ("path", f"`{path}`"),
            ("scope", "namespaced" if kind.namespaced else "cluster"),
            ("short names", code(kind.short_names)), ("categories", code(kind.categories)),
            ("subresources", code(kind.subresources))]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows if value), ""])


def columns(kind: Kind) -> str:
    if not kind.columns:
        return ""
    rows = [f"| {c.name}{' (wide)' if c.wide else ''} | `{c.path.replace('|', chr(92) + '|')}` | {flat(c.description)} |"
            for c in kind.columns]
    return "\n".join(["## Columns of `kubectl get`\n", "| column | from | what it shows |", "|---|---|---|", *rows, ""])


def table(schema: Schema) -> str:
    rows = [row(field) for field in fields(schema)]
    return "\n".join(["| field | type | what it is |", "|---|---|---|", *rows, ""])


def row(field: Field) -> str:
    words = [flat(field.schema.get("description", ""))]
    enum = field.schema.get("enum")
    if enum:
        words.append("One of " + ", ".join(f"`{value}`" for value in enum) + ".")
    bounds = ", ".join(text.format(field.schema[name]) for name, text in BOUNDS.items()
                       if field.schema.get(name) not in (None, {}, ""))
    if bounds:
        words.append(f"{bounds[0].upper()}{bounds[1:]}.")
    text = " ".join(word for word in words if word).replace("|", "\\|")
    return f"| `{field.path}`{' (required)' if field.required else ''} | {type_name(field.schema)} | {text} |"


def type_name(schema: Schema) -> str:
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {type_name(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"map of {type_name(schema['additionalProperties'])}"
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def flat(text: str) -> str:
    return " ".join(text.split())


def first_sentence(kind: Kind) -> str:
    text = flat(kind.schema.get("description", ""))
    return text.split(". ")[0].rstrip(".") + "."
