# SPDX-License-Identifier: Apache-2.0
"""Which functions a path's instructions are in, for each unit: callgrind_annotate's figures, divided."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from guard.callgrind import CallgrindError, HotPath

SHOWN = 40
WIDTH = 150
# "1,234 ( 5.67%)  file:function [object]"; the share is missing in old versions.
LINE = re.compile(r"^\s*([\d,]+)\s+(?:\(\s*[\d.]+%\)\s+)?(\S.*?:.*)$")


@dataclass(frozen=True)
class Profile:
    path: HotPath
    own: list[tuple[float, str]]  # instructions for each unit, function
    inclusive: list[tuple[float, str]]

    @staticmethod
    def of(profile: Path, path: HotPath) -> Profile:
        return Profile(path, _functions(profile, path, False), _functions(profile, path, True))

    def lines(self) -> list[str]:
        def part(title: str, functions: list[tuple[float, str]]) -> list[str]:
            return ["", f"{self.path.name}: {title}, for each {self.path.unit}", *(
                f"{instructions:12,.0f}  {function[:WIDTH]}" for instructions, function in functions[:SHOWN])]

        return [*part("instructions of a function itself", self.own), *part("with those of what it calls", self.inclusive)]


def _functions(profile: Path, path: HotPath, inclusive: bool) -> list[tuple[float, str]]:
    done = subprocess.run(
        ["callgrind_annotate", "--auto=no", "--threshold=100", f"--inclusive={'yes' if inclusive else 'no'}", str(profile)],
        capture_output=True, text=True, errors="replace", check=False)
    found = functions_of(done.stdout, path.units)
    if done.returncode != 0 or not found:
        raise CallgrindError(f"callgrind_annotate says nothing of {profile}: {done.stderr.strip()}")
    return found


def functions_of(text: str, units: int) -> list[tuple[float, str]]:
    matches = (LINE.match(line) for line in text.splitlines())
    return [(int(m[1].replace(",", "")) / units, _short(m[2])) for m in matches if m and "file:function" not in m[2]]


def _short(function: str) -> str:
    """Without the file, the object, and what is the same in every name."""
    bare = re.sub(r" \[[^\[\]]*\]$", "", function).split(":", 1)[1]
    for long, short in (("std::__cxx11::", "std::"), ("(anonymous namespace)::", ""), ("roadstead::", ""), (" [clone .resume]", " (resumed)"),
                        ("basic_string<char, std::char_traits<char>, std::allocator<char> >", "string")):
        bare = bare.replace(long, short)
    return bare
