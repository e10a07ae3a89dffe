# SPDX-License-Identifier: Apache-2.0
"""Checks rules of the tree that no compiler knows: sizes, words that have one home, licence lines, READMEs, the root."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

WARN_LINES = 500
FAIL_LINES = 800
README_LINES = 60

SOURCES = (".h", ".cc", ".py", ".go", ".ts", ".tsx", ".js", ".css", ".sh", ".cmake")
LICENSED = (*SOURCES, ".toml")
LICENCE = "SPDX-License-Identifier: Apache-2.0"

ROOT_ENTRIES = {
    # documents
    "README.md", "README.zh.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "NOTICE", "CHANGELOG.md",
    # build
    "dev", "CMakeLists.txt", "CMakePresets.json", "cmake", ".ci", ".clang-format", ".clang-tidy", ".gitignore",
    ".gitattributes", ".editorconfig",
    # parts
    "api", "src", "console", "deploy", "tests", "bench", "fuzz", "docs", "tools", "third_party",
}


@dataclass(frozen=True)
class Banned:
    """A word that may appear only under `homes` (paths or folders); looked for in files under `where`."""

    word: re.Pattern[str]
    why: str
    homes: tuple[str, ...] = ()
    where: tuple[str, ...] = ("src/",)
    suffixes: tuple[str, ...] = (".h", ".cc")
    in_tests: bool = True  # whether *_test.cc must follow it too


BANNED = (
    Banned(re.compile(r"asio::detached"), "spawn through io::TaskGroup, so that somebody owns the task"),
    Banned(re.compile(r"\bSSL_VERIFY_NONE\b"), "no connection of ours skips verification", where=("src/", "tests/", "fuzz/", "bench/")),
    Banned(re.compile(r"\b(system|steady|high_resolution)_clock::now\b"), "time comes from a Clock that is passed in",
           homes=("src/base/", "src/io/")),
    Banned(re.compile(r"std::j?thread\b|std::async\b|\bpthread_create\b"), "threads are started in io/ only",
           homes=("src/io/",), in_tests=False),
    Banned(re.compile(r"\bgetenv\b"), "the environment is read in apps/ and cli/ only", homes=("src/apps/", "src/cli/")),
    Banned(re.compile(r"this_thread::sleep_(for|until)|\b(u|nano)sleep\("), "wait for a condition with a deadline, never for time",
           where=("src/", "tests/support/")),
    Banned(re.compile(r"\b(TODO|FIXME|XXX)\b(?!\(#\d+\))"), "write TODO(#issue): reason, or do it",
           where=("src/", "fuzz/", "bench/", "tests/"), suffixes=(".h", ".cc", ".py", ".go")),
)


@dataclass
class Report:
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def tree_files(root: Path) -> list[str]:
    """What git tracks or would add; without git, every file."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        names = sorted(set(done.stdout.split("\0")) - {""})
        return [name for name in names if (root / name).is_file()]
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def is_third_party(name: str) -> bool:
    return name.startswith("third_party/") and not name.endswith((".toml", ".rs", ".cmake"))


def check_size(report: Report, name: str, lines: list[str]) -> None:
    if len(lines) > FAIL_LINES:
        report.problems.append(f"{name}: {len(lines)} lines; above {FAIL_LINES} it is at least two ideas, split it")
    elif len(lines) > WARN_LINES:
        report.warnings.append(f"{name}: {len(lines)} lines; aim at {WARN_LINES}")


def check_words(report: Report, name: str, lines: list[str]) -> None:
    for rule in BANNED:
        at_home = any(name.startswith(home) for home in rule.homes)
        if at_home or not name.startswith(rule.where) or not name.endswith(rule.suffixes):
            continue
        if name.endswith("_test.cc") and not rule.in_tests:
            continue
        for number, line in enumerate(lines, 1):
            if match := rule.word.search(line):
                report.problems.append(f"{name}:{number}: '{match[0]}': {rule.why}")


def check_licence(report: Report, name: str, lines: list[str]) -> None:
    wanted = name.endswith(LICENSED) or Path(name).name == "CMakeLists.txt" or name in ("dev", ".ci/run")
    if wanted and not any(LICENCE in line for line in lines[:3]) and any(line.strip() for line in lines):
        report.problems.append(f"{name}: the first lines lack '{LICENCE}'")


def source_folders(root: Path) -> Iterator[Path]:
    """Folders directly under src/ that are part of the build."""
    for folder in sorted((root / "src").iterdir()) if (root / "src").is_dir() else ():
        if folder.is_dir() and (folder / "CMakeLists.txt").exists():
            yield folder


def check_readmes(report: Report, root: Path) -> None:
    for folder in source_folders(root):
        readme, shown = folder / "README.md", f"src/{folder.name}/README.md"
        if not readme.exists():
            report.problems.append(f"{shown} is missing: purpose, key types, rules")
        elif (lines := len(readme.read_text().splitlines())) > README_LINES:
            report.problems.append(f"{shown}: {lines} lines; at most {README_LINES}")


def check_root(report: Report, names: list[str]) -> None:
    for entry in sorted({name.split("/")[0] for name in names} - ROOT_ENTRIES):
        report.problems.append(f"{entry}: not an entry of the root (tools/check_tree.py lists them)")


def check(root: Path) -> Report:
    report = Report()
    names = tree_files(root)
    check_root(report, names)
    check_readmes(report, root)
    for name in names:
        if is_third_party(name) or not (name.endswith(LICENSED) or Path(name).name in ("CMakeLists.txt", "dev", "run")):
            continue
        lines = (root / name).read_text(errors="replace").splitlines()
        if name.endswith(SOURCES):
            check_size(report, name, lines)
        check_words(report, name, lines)
        check_licence(report, name, lines)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    report = check(parser.parse_args().root)
    for warning in report.warnings:
        print(f"warning: {warning}")
    for problem in report.problems:
        print(problem)
    print(f"tree: {len(report.problems)} problems" if report.problems else "tree: ok")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
