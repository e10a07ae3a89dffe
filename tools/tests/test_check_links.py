# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import check_links
import check_limits
import pytest


def problems(root: Path) -> list[str]:
    return [p for path in sorted(root.rglob("*.md")) for p in check_links.check_file(root, path)]


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_links_that_lead_somewhere_are_fine(tmp_path: Path) -> None:
    write(tmp_path, "README.md", "# A\n[b](docs/b.md) [h](docs/b.md#two-words) [here](#a) [root](/docs/b.md) [dir](docs/)\n"
                                 "[web](https://example.com/x) [mail](mailto:a@example.com)\n\n[ref]: docs/b.md\n")
    write(tmp_path, "docs/b.md", "# B\n\n## Two words\n[up](../README.md#a)\n")
    assert problems(tmp_path) == []


@pytest.mark.parametrize(("text", "complaint"), [
    ("[x](none.md)", "no such file"),
    ("[x](b.md#nowhere)", "no such heading"),
    ("[x](#nowhere)", "no such heading"),
    ("[x](../../outside.md)", "out of the tree"),
    ("[ref]: none.md", "no such file"),
    ("[a `b` c](none.md)", "no such file"),
    ("[![picture](none.png)](b.md)", "no such file"),
])
def test_links_that_lead_nowhere_are_named_with_their_line(tmp_path: Path, text: str, complaint: str) -> None:
    write(tmp_path, "docs/a.md", f"# A\n\n{text}\n")
    write(tmp_path, "docs/b.md", "# B\n")
    found = problems(tmp_path)
    assert len(found) == 1
    assert found[0].startswith("docs/a.md:3: ") and complaint in found[0]


def test_code_is_not_read(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "```\n[x](none.md)\n# no heading\n```\n`[y](none.md)` and ``[z](none.md)``\n")
    assert problems(tmp_path) == []
    assert check_links.anchors((tmp_path / "a.md").read_text()) == set()


def test_headings_become_anchors_as_readers_know_them() -> None:
    text = "# What works, today?\n## `kubectl` & us\n## Same\n## Same\n### [A link](b.md) here ###\n"
    assert check_links.anchors(text) == {"what-works-today", "kubectl--us", "same", "same-1", "a-link-here"}


def test_a_limit_that_changed_is_noticed(tmp_path: Path) -> None:
    row = "| replay | 64 KiB | no retry | `kReplay = {} * 1024; kMaxOther = 3` | `src/x.h` |\n"
    write(tmp_path, "src/x.h", "constexpr std::size_t kReplay =\n    64 * 1024;\nconstexpr int kMaxOther = 3;\n"
                               "constexpr int kMaxThird = 4;\n")
    write(tmp_path, check_limits.PAGE, "| what | limit | beyond | code | file |\n|---|---|---|---|---|\n" + row.format(64))
    assert check_limits.check(tmp_path) == []
    assert [line.split(": ")[1] for line in check_limits.unlisted(tmp_path)] == ["constexpr int kMaxThird = 4;"]
    write(tmp_path, check_limits.PAGE, row.format(32))
    assert "does not say" in check_limits.check(tmp_path)[0]
    write(tmp_path, check_limits.PAGE, row.format(64).replace("x.h", "gone.h"))
    assert "no such file" in check_limits.check(tmp_path)[0]
