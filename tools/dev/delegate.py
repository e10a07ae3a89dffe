# SPDX-License-Identifier: Apache-2.0
"""Commands whose work lives elsewhere in the tree: this finds the part, prepares for it, and hands over."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dev import build, guard, setup, shell
from dev.paths import BUILD, CACHE, ROOT, TOOLS, VENV


@dataclass(frozen=True)
class Part:
    """`entry` must exist; `run` is what Python gets; `programs` are built first (release), or what `instead` names for a first
    argument."""

    entry: Path
    run: Sequence[str]
    programs: bool = False
    instead: Mapping[str, Sequence[str]] = field(default_factory=dict)


PARTS = {
    "testbed": Part(ROOT / "tests/testbed/testbed/__main__.py", ("-m", "testbed")),
    "demo": Part(ROOT / "tests/demo/__main__.py", ("-m", "demo"), programs=True),
    "bench": Part(ROOT / "bench/run.py", (str(ROOT / "bench/run.py"),), programs=True, instead={"guard": guard.TARGETS}),
    "conformance": Part(ROOT / "tests/conformance/run.py", (str(ROOT / "tests/conformance/run.py"),), programs=True),
    "docs": Part(TOOLS / "reference/__main__.py", (str(TOOLS / "reference"),)),
    "image": Part(ROOT / "deploy/image/build.py", (str(ROOT / "deploy/image/build.py"),), programs=True),
    "package": Part(ROOT / "deploy/package/build.py", (str(ROOT / "deploy/package/build.py"),), programs=True),
}
PRESET = "release"


def to(name: str) -> Callable[[list[str]], int]:
    def command(arguments: list[str]) -> int:
        part = PARTS[name]
        if not part.entry.exists():
            raise shell.Failure(f"'{name}' is not there yet ({part.entry.relative_to(ROOT)} is missing)", 2)
        setup.ensure(tests=True)
        if part.programs and not {"-h", "--help"} & set(arguments):
            build.build(PRESET, part.instead.get(arguments[0] if arguments else "", ["programs"]))
        return shell.status(
            [VENV / "bin" / "python", *part.run, *arguments], env=setup.test_environment(PRESET))

    return command


def clean(arguments: list[str]) -> int:
    """Removes build/; with --cache also what ./dev keeps outside the tree."""
    folders = [BUILD] + ([CACHE] if "--cache" in arguments else [])
    for folder in folders:
        shell.say(f"removes {folder}")
        shutil.rmtree(folder, ignore_errors=True)
    return 0
