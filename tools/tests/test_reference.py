# SPDX-License-Identifier: Apache-2.0
"""The generated reference: that it is current, and that it says what a schema means."""

from __future__ import annotations

from reference import kinds, markdown, typescript
from reference.__main__ import outputs, stale

SCHEMA = {
    "type": "object", "description": "Boat is a thing. It floats.", "required": ["spec"],
    "properties": {
        "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"},
        "spec": {
            "type": "object", "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": 8, "pattern": "^[A-Z|]+$", "description": "Its name."},
                "colour": {"type": "string", "enum": ["red", "blue"]},
                "masts": {"type": "array", "items": {"type": "object", "properties": {"height": {"type": "integer"}}}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "flags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
                "port": {"x-kubernetes-int-or-string": True},
            },
        },
    },
}
BOAT = kinds.Kind("Boat", "boats", "example.org", "v1", True, ("bt",), (), ("status",), (), SCHEMA)


def test_what_is_in_the_tree_is_current() -> None:
    assert stale(outputs()) == [], "run ./dev docs"


def test_a_page_names_each_field_with_its_bounds() -> None:
    page = markdown.page(BOAT)
    assert "| `name` (required) | string | Its name. Length at most 8, matches `^[A-Z\\|]+$`. |" in page
    assert "| `masts[].height` | integer |" in page
    assert "One of `red`, `blue`." in page
    assert "/apis/example.org/v1/namespaces/NAMESPACE/boats" in page


def test_an_index_takes_the_first_sentence() -> None:
    assert "| Boat is a thing. |" in markdown.index([BOAT])


def test_types_follow_the_schema() -> None:
    text = typescript.module([BOAT])
    for line in ('apiVersion: "example.org/v1";', "  spec: BoatSpec;", "  name: string;", '  colour?: "red" | "blue";',
                 '  flags?: ("a" | "b")[];', "  labels?: Record<string, string>;", "  port?: number | string;",
                 "    height?: number;\n  }[];", "  items: Boat[];"):
        assert line in text, text

