# SPDX-License-Identifier: Apache-2.0
"""Checks that includes under src/ follow tools/layers.toml, and that CMake's DEPS do so too."""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
DEPS = re.compile(r"roadstead_(?:library|program)\((.*?)\)", re.DOTALL)
KEYWORDS = {"DEPS", "LINK", "TEST_DEPS", "TEST_LINK", "HEADER_ONLY", "STATIC"}


@dataclass
class Layers:
    level: dict[str, int]  # folder -> 0 for the lowest layer
    inside: dict[str, list[str]]
    never: dict[str, list[str]]
    owned: dict[str, list[str]]
    owned_by_tests: list[str]

    @staticmethod
    def read(path: Path) -> Layers:
        data = tomllib.loads(path.read_text())
        level = {folder: n for n, layer in enumerate(reversed(data["layers"])) for folder in layer}
        layers = Layers(level, data.get("inside", {}), data.get("never", {}), data.get("owned", {}),
                        data.get("owned_by_tests", {}).get("headers", []))
        layers.validate()
        return layers

    def validate(self) -> None:
        for table, direction in ((self.inside, "inside"), (self.never, "never")):
            for source, targets in table.items():
                for name in (source, *targets):
                    if name not in self.level:
                        raise ValueError(f"[{direction}] names '{name}', which is in no layer")
        for source, targets in self.inside.items():
            for target in targets:
                if self.level[source] != self.level[target]:
                    raise ValueError(f"[inside] {source} -> {target}: these are in different layers")
                if source in self.inside.get(target, []):
                    raise ValueError(f"[inside] {source} and {target} include each other")

    def folder_of(self, path: str) -> str | None:
        """The entry that a path under src/ belongs to: its longest prefix that has one."""
        parts = path.split("/")
        for length in range(len(parts), 0, -1):
            name = "/".join(parts[:length])
            if name in self.level:
                return name
        return None

    def allows(self, source: str, target: str) -> bool:
        if source == target:
            return True
        if target in self.never.get(source, []):
            return False
        if self.level[target] == self.level[source]:
            return target in self.inside.get(source, [])
        return self.level[target] < self.level[source]


def is_test(path: Path) -> bool:
    return path.stem.endswith(("_test", "_test_support")) or "testing" in path.parts


def check_file(layers: Layers, src: Path, path: Path) -> list[str]:
    relative = path.relative_to(src)
    folder = layers.folder_of(str(relative.parent))
    if folder is None:
        return [f"src/{relative}: folder '{relative.parts[0]}' is in no layer of tools/layers.toml"]
    problems = []
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            problem = judge(layers, folder, path, match[1] == '"', match[2])
            if problem:
                problems.append(f"src/{relative}:{number}: {problem}")
    return problems


def judge(layers: Layers, folder: str, path: Path, quoted: bool, header: str) -> str | None:
    if any(header.startswith(pattern) for pattern in layers.owned_by_tests):
        return None if is_test(path) else f"<{header}> belongs to tests only"
    for pattern, owners in layers.owned.items():
        if header.startswith(pattern) and folder not in owners:
            return f"<{header}> may be included only in {', '.join(owners)}"
    if not quoted:
        return None
    if "/" not in header:
        return f'"{header}": write the path from src/'
    if header.split("/")[0] == "support" and is_test(path):
        return None
    target = layers.folder_of(str(Path(header).parent))
    if target is None:
        return f'"{header}" is in no folder of tools/layers.toml'
    if layers.allows(folder, target):
        return None
    # A test may put a real store under the object API.
    if is_test(path) and target.startswith("storage/") and layers.level[target] <= layers.level[folder]:
        return None
    return f"{folder} may not include {target} ({header})"


def check_cmake(layers: Layers, src: Path, path: Path) -> list[str]:
    relative = path.relative_to(src)
    folder = layers.folder_of(str(relative.parent))
    problems = []
    for call in DEPS.findall(re.sub(r"#.*", "", path.read_text())):
        section = ""
        for word in call.split()[1:]:
            if word in KEYWORDS:
                section = word
            elif section == "DEPS" and folder is not None:
                target = layers.folder_of(word)
                if target is None or not layers.allows(folder, target):
                    problems.append(f"src/{relative}: {folder} may not depend on {word}")
    return problems


def check(root: Path) -> list[str]:
    layers = Layers.read(root / "tools" / "layers.toml")
    src = root / "src"
    problems = []
    for path in sorted(src.rglob("*")):
        if path.suffix in (".h", ".cc"):
            problems += check_file(layers, src, path)
        elif path.name == "CMakeLists.txt" and path.parent != src:
            problems += check_cmake(layers, src, path)
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    problems = check(parser.parse_args().root)
    for problem in problems:
        print(problem)
    print(f"layers: {len(problems)} problems" if problems else "layers: ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
