# SPDX-License-Identifier: Apache-2.0
"""./dev docs: writes the reference pages and TypeScript types of the kinds, or checks that they are current."""

from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reference import kinds, markdown, typescript  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
PAGES = Path("docs/reference/kinds")
TYPES = Path("api/types")


def outputs() -> dict[Path, str]:
    """Every generated file, relative to the root, with its text."""
    all_kinds = kinds.read(ROOT / "api")
    texts = {PAGES / f"{kind.name.lower()}.md": markdown.page(kind) for kind in all_kinds}
    texts[PAGES / "README.md"] = markdown.index(all_kinds)
    texts[TYPES / "meta.v1.ts"] = typescript.metadata()
    for (group, version), members in groupby(all_kinds, key=lambda kind: (kind.group, kind.version)):
        texts[TYPES / f"{group or 'core'}.{version}.ts"] = typescript.module(list(members))
    return texts


def stale(texts: dict[Path, str]) -> list[str]:
    """What differs from what the kinds say, a line each."""
    wrong = [f"{path} is not current" for path, text in texts.items()
             if not (ROOT / path).is_file() or (ROOT / path).read_text() != text]
    there = {path.relative_to(ROOT) for folder in (PAGES, TYPES) for path in (ROOT / folder).glob("*.*")}
    return wrong + [f"{path} belongs to no kind" for path in sorted(there - texts.keys())]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a file is not current")
    args = parser.parse_args()
    texts = outputs()
    if args.check:
        wrong = stale(texts)
        print("\n".join([*wrong, "run ./dev docs"] if wrong else ["current"]))
        return 1 if wrong else 0
    for line in stale(texts):
        if line.endswith("belongs to no kind"):
            (ROOT / line.split(" ")[0]).unlink()
    for path, text in texts.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
