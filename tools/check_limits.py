# SPDX-License-Identifier: Apache-2.0
"""Checks docs/reference/limits.md against the code: every row's `code` must stand in its file, word for word.

With --unlisted it prints constants that look like limits and are in no row, for whoever keeps the page.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = "docs/reference/limits.md"
LOOKS_LIKE_A_LIMIT = re.compile(
    r"constexpr\s+[\w:<> ]+?\s(k\w*(?:Max|Most|Limit|Timeout|Window|Lifetime|Grace|Idle|Every|Bytes|Queue|Budget)\w*)\s*="
)


@dataclass(frozen=True)
class Row:
    line: int
    code: str
    file: str


def rows(text: str) -> Iterator[Row]:
    """Rows of tables whose last two cells are `code` and `file`; several codes stand between semicolons."""
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= 3 and all(re.fullmatch(r"`[^`]+`", c) for c in cells[-2:]):
            for code in cells[-2].strip("`").split(";"):
                yield Row(number, code.strip(), cells[-1].strip("`"))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def check(root: Path) -> list[str]:
    problems = []
    page = (root / PAGE).read_text()
    for row in rows(page):
        path = root / row.file
        if not path.is_file():
            problems.append(f"{PAGE}:{row.line}: {row.file}: there is no such file")
        elif squeezed(row.code) not in squeezed(path.read_text()):
            problems.append(f"{PAGE}:{row.line}: {row.file} does not say '{row.code}' any more")
    return problems


def unlisted(root: Path) -> Iterator[str]:
    page = (root / PAGE).read_text()
    known = {(Path(row.file), name) for row in rows(page) for name in re.findall(r"\bk\w+", row.code)}
    for path in sorted([*(root / "src").rglob("*.h"), *(root / "src").rglob("*.cc")]):
        if "test" in path.stem:
            continue
        relative = path.relative_to(root)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if (match := LOOKS_LIKE_A_LIMIT.search(line)) and (relative, match[1]) not in known:
                yield f"{relative}:{number}: {line.strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--unlisted", action="store_true", help="print constants that are in no row")
    arguments = parser.parse_args()
    if arguments.unlisted:
        print("\n".join(unlisted(arguments.root)))
        return 0
    problems = check(arguments.root)
    for problem in problems:
        print(problem)
    print(f"limits: {len(problems)} problems" if problems else "limits: ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
