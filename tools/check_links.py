# SPDX-License-Identifier: Apache-2.0
"""Checks the Markdown files of the tree: relative links lead to files that exist, and anchors to headings."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

FENCE = re.compile(r"^ {0,3}(```|~~~)")
INLINE_CODE = re.compile(r"(`+)(?:(?!\1).)+?\1")
LINK = re.compile(r"\]\(\s*<?([^\s)>]+)>?(?:\s+\"[^\"]*\")?\s*\)")  # of links and pictures alike
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?")
HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
EXTERNAL = re.compile(r"^[a-zA-Z][a-zA-Z0-9+.-]*:")


def markdown_files(root: Path) -> list[Path]:
    """What git tracks or would add; without git, every file."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        names = sorted(set(done.stdout.split("\0")) - {""})
        return [root / name for name in names if (root / name).is_file()]
    return sorted(root.rglob("*.md"))


def prose(text: str) -> Iterator[tuple[int, str]]:
    """The numbered lines outside of code fences."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := FENCE.match(line):
            if not fence:
                fence = match[1]
            elif match[1] == fence:
                fence = ""
        elif not fence:
            yield number, line


def slug(heading: str) -> str:
    """The anchor of a heading: lower case, spaces as hyphens, other punctuation left out."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"[`*]", "", text).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(text: str) -> set[str]:
    found: set[str] = set()
    counts: dict[str, int] = {}
    for _, line in prose(text):
        if match := HEADING.match(line):
            name = slug(match[2])
            seen = counts.get(name, 0)
            counts[name] = seen + 1
            found.add(name if seen == 0 else f"{name}-{seen}")
    return found


def links(text: str) -> Iterator[tuple[int, str]]:
    for number, line in prose(text):
        plain = INLINE_CODE.sub(lambda m: "x" * len(m[0]), line)
        for match in LINK.finditer(plain):
            yield number, match[1]
        if match := REFERENCE.match(plain):
            yield number, match[1]


def check_file(root: Path, path: Path) -> list[str]:
    text = path.read_text(errors="replace")
    problems = []
    for number, link in links(text):
        if EXTERNAL.match(link) or link.startswith("//"):
            continue
        where, _, anchor = link.partition("#")
        target = (root / where.lstrip("/") if where.startswith("/") else path.parent / unquote(where)) if where else path
        place = f"{path.relative_to(root)}:{number}"
        if not target.resolve().is_relative_to(root.resolve()):
            problems.append(f"{place}: {link} leads out of the tree")
        elif not target.exists():
            problems.append(f"{place}: {link}: there is no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text(errors="replace")):
            problems.append(f"{place}: {link}: there is no such heading")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    root = parser.parse_args().root.resolve()
    files = markdown_files(root)
    problems = [problem for path in files for problem in check_file(root, path)]
    for problem in problems:
        print(problem)
    print(f"links: {len(problems)} problems" if problems else f"links: ok ({len(files)} files)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
