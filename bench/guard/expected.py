# SPDX-License-Identifier: Apache-2.0
"""The kept counts (expected.txt): what they were taken with, and for each path its instructions and tolerance."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

HEAD = """\
# Instructions of the hot paths, written by `./dev bench guard --update`; docs/dev/hot-paths.md says when to.
# What they were taken with:   NAME = VERSION
# Then each path:              NAME  INSTRUCTIONS  TOLERANCE in %  UNIT (the instructions are for one)
"""
TOLERANCE = 2.0  # of a path that is new in the file; elsewhere edit the file


class ExpectedError(Exception):
    """The file cannot be understood."""


@dataclass(frozen=True)
class Kept:
    instructions: float
    tolerance: float  # per cent, both ways
    unit: str


@dataclass(frozen=True)
class Expected:
    tools: dict[str, str] = field(default_factory=dict)
    paths: dict[str, Kept] = field(default_factory=dict)

    @staticmethod
    def read(file: Path) -> Expected:
        return Expected.parse(file.read_text()) if file.exists() else Expected()

    @staticmethod
    def parse(text: str) -> Expected:
        made = Expected()
        for number, line in enumerate(text.splitlines(), 1):
            bare = line.split("#")[0].strip()
            if not bare:
                continue
            name, equals, version = bare.partition(" = ")
            if equals:
                made.tools[name.strip()] = version.strip()
                continue
            try:
                name, instructions, tolerance, unit = bare.split(None, 3)
                kept = Kept(float(instructions), float(tolerance), unit)
            except ValueError as error:
                raise ExpectedError(f"line {number} of the expected counts is not understood: {line!r}") from error
            if name in made.paths or not kept.instructions > 0 or not 0 < kept.tolerance < 100:
                raise ExpectedError(f"line {number} of the expected counts cannot be: {line!r}")
            made.paths[name] = kept
        return made

    def text(self) -> str:
        tools = "".join(f"{name} = {version}\n" for name, version in self.tools.items())
        paths = "".join(
            f"{name:18} {kept.instructions:>12.0f} {kept.tolerance:>5g}  {kept.unit}\n" for name, kept in self.paths.items())
        return f"{HEAD}\n{tools}\n{paths}"
