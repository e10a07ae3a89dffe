# SPDX-License-Identifier: Apache-2.0
"""./dev lint: the layer check, the tree check, and clang-tidy on request."""

from __future__ import annotations

import argparse
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dev import build, setup, shell, sources
from dev.outcome import Outcome
from dev.paths import ROOT, TOOLS, build_dir

CHECKERS = ("check_layers.py", "check_tree.py")
CLANG_TIDY = "clang-tidy-19"


def run() -> Outcome:
    outcome = Outcome()
    for checker in CHECKERS:
        ok = shell.status([sys.executable, TOOLS / checker]) == 0
        outcome += Outcome.of(f"lint {checker}", ok)
    return outcome


def tidy(everything: bool) -> bool:
    """clang-tidy over the changed sources; a changed header is looked at through the sources beside it."""
    build.build("debug", ["generated_sources"] if has_generated_sources() else [])
    known = {path for path in sources.files(".cc") if ROOT / "src" in path.parents}
    if everything:
        chosen = known
    else:
        changed = sources.changed(".cc", ".h")
        folders = {path.parent for path in changed if path.suffix == ".h"}
        chosen = {p for p in known if p in changed or (p.parent in folders and p.with_suffix(".h") in changed)}
    if not chosen:
        shell.say("clang-tidy: no changed source")
        return True
    shell.say(f"clang-tidy over {len(chosen)} files")
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(tidy_one, sorted(chosen)))
    return all(results)


def has_generated_sources() -> bool:
    ninja_file = build_dir("debug") / "build.ninja"
    return ninja_file.exists() and "build generated_sources:" in ninja_file.read_text()


def tidy_one(path: Path) -> bool:
    return shell.status([CLANG_TIDY, "-p", build_dir("debug"), "--quiet", "--use-color=false", path]) == 0


def command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev lint", description="Checks layers and the tree's rules.")
    parser.add_argument("--tidy", action="store_true", help="also clang-tidy over changed sources (slow)")
    parser.add_argument("--all", action="store_true", help="with --tidy: over all sources")
    args = parser.parse_args(arguments)
    outcome = run()
    if args.tidy:
        setup.ensure()
        if shutil.which(CLANG_TIDY) is None:
            raise shell.Failure(f"{CLANG_TIDY} is missing. Run ./dev setup.", 2)
        outcome += Outcome.of("clang-tidy", tidy(args.all))
    for name in outcome.failures:
        shell.say(f"FAILED: {name}")
    return 1 if outcome.failed else 0
