# SPDX-License-Identifier: Apache-2.0
"""Shows where two masked answers differ, one line for each place."""

from __future__ import annotations

import json
from typing import Any

_MISSING = object()


def differences(expected: Any, actual: Any, at: str = "") -> list[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        out = []
        for key in sorted(expected.keys() | actual.keys()):
            out += differences(expected.get(key, _MISSING), actual.get(key, _MISSING), f"{at}.{key}" if at else key)
        return out
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [line(at, expected, actual)]
        return [found for number, (one, other) in enumerate(zip(expected, actual, strict=True))
                for found in differences(one, other, f"{at}[{number}]")]
    # Go writes 3.0 as 3; JSON has one kind of number.
    return [] if type(expected) is type(actual) and expected == actual else [line(at, expected, actual)]


def line(at: str, expected: Any, actual: Any) -> str:
    return f"    {at}\n      API server: {show(expected)}\n      hub:        {show(actual)}"


def show(value: Any, most: int = 1500) -> str:
    text = "nothing" if value is _MISSING else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else text[:most] + "…"
