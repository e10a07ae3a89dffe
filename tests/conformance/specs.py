# SPDX-License-Identifier: Apache-2.0
"""The pinned list of specs.

`specs.txt`: lines `family: NAME`, each followed by the exact texts of its specs. `left-out.txt`: lines `left out: REASON`, each
followed by the texts of the specs that it explains.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LIST = HERE / "specs.txt"
LEFT_OUT = HERE / "left-out.txt"


class BadList(ValueError):
    pass


@dataclass(frozen=True)
class Spec:
    family: str
    text: str


def sections(path: Path, key: str) -> dict[str, list[str]]:
    """Texts by the heading above them."""
    found: dict[str, list[str]] = {}
    seen: dict[str, int] = {}
    current: list[str] | None = None
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith(f"{key}:"):
            current = found.setdefault(line.removeprefix(f"{key}:").strip(), [])
        elif current is None:
            raise BadList(f"{path.name}:{number}: a spec before the first line «{key}: …»")
        elif line in seen:
            raise BadList(f"{path.name}:{number}: the spec is in line {seen[line]} already")
        else:
            seen[line] = number
            current.append(line)
    return found


def pinned(families: list[str], *, quick: int = 0) -> list[Spec]:
    """The specs of these families (of all when empty); `quick`: only the first so many of each."""
    every = sections(LIST, "family")
    unknown = [name for name in families if name not in every]
    if unknown:
        raise BadList(f"no family {', '.join(unknown)}; there are: {', '.join(every)}")
    chosen = families or list(every)
    return [Spec(name, text) for name in chosen for text in (every[name][:quick] if quick else every[name])]


def missing(available: set[str]) -> list[str]:
    """Texts of either list that the suite does not have."""
    texts = [*sections(LIST, "family").values(), *sections(LEFT_OUT, "left out").values()]
    return [text for group in texts for text in group if text not in available]
