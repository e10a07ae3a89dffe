# SPDX-License-Identifier: Apache-2.0
"""clang-tidy with a memory: a source that passed is not looked at again until it, a header of ours, or the rules change."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dev import shell, sources
from dev.paths import CACHE, ROOT, build_dir

CLANG_TIDY = "clang-tidy-19"
PRESET = "debug"


def run(chosen: Iterable[Path]) -> bool:
    """Expects a finished debug build: it knows which headers each source includes."""
    headers = included_headers()
    pending = {path: key for path in sorted(chosen) if not stamp(key := content_key(path, headers)).exists()}
    shell.say(f"clang-tidy over {len(pending)} files that are not known to be clean")
    with ThreadPoolExecutor(2) as pool:
        return all(list(pool.map(lambda item: tidy_one(*item), pending.items())))


def all_sources() -> set[Path]:
    return {path for path in sources.files(".cc") if ROOT / "src" in path.parents}


def changed_sources() -> set[Path]:
    """Changed sources, and those that include a changed header."""
    changed = set(sources.changed(".cc", ".h"))
    headers = included_headers()
    return {path for path in all_sources() if path in changed or changed & headers.get(path, set())}


def included_headers() -> dict[Path, set[Path]]:
    """From ninja's log: source -> the files of this tree that it reads."""
    found: dict[Path, set[Path]] = {}
    names: list[Path] = []
    for line in shell.output(["ninja", "-C", build_dir(PRESET), "-t", "deps"]).splitlines() + [""]:
        if line.startswith("    "):
            path = Path(line.strip())
            if path.is_relative_to(ROOT):
                names.append(path)
        elif names:
            source = next((p for p in names if p.suffix == ".cc"), None)
            if source:
                found[source] = set(names)
            names = []
    return found


def content_key(path: Path, headers: dict[Path, set[Path]]) -> str:
    parts = [ROOT / ".clang-tidy", path, *sorted(headers.get(path, set()))]
    text = "\n".join(f"{p.relative_to(ROOT)} {hashlib.sha256(p.read_bytes()).hexdigest()}" for p in parts if p.exists())
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def stamp(key: str) -> Path:
    return CACHE / "tidy" / key


def tidy_one(path: Path, key: str) -> bool:
    command = [CLANG_TIDY, "-p", str(build_dir(PRESET)), "--quiet", "--use-color=false", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shell.say(f"  FAILED clang-tidy {path.relative_to(ROOT)}\n{done.stdout}")
        return False
    stamp(key).parent.mkdir(parents=True, exist_ok=True)
    stamp(key).touch()
    return True
