# SPDX-License-Identifier: Apache-2.0
"""Which files belong to the tree: what git tracks, and new files that it does not ignore."""

from __future__ import annotations

from pathlib import Path

from dev import shell
from dev.paths import ROOT


def files(*suffixes: str) -> list[Path]:
    listed = shell.output(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]).split("\0")
    paths = (ROOT / name for name in sorted(set(listed)) if name.endswith(suffixes or ("",)) and name)
    return [path for path in paths if path.is_file()]


def changed(*suffixes: str, base: str | None = None) -> list[Path]:
    """What differs from `base` (by default the branch that is pushed to, else the last commit)."""
    base = base or upstream()
    listed = shell.output(["git", "diff", "--name-only", "-z", "--diff-filter=d", base]).split("\0")
    listed += shell.output(["git", "ls-files", "-z", "--others", "--exclude-standard"]).split("\0")
    return [ROOT / name for name in sorted(set(listed)) if name and name.endswith(suffixes or ("",))]


def upstream() -> str:
    try:
        return shell.output(["git", "merge-base", "HEAD", "@{upstream}"]).strip()
    except Exception:  # no upstream, or no git history at all
        return "HEAD"
