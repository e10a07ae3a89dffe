# SPDX-License-Identifier: Apache-2.0
"""./dev fmt: clang-format over C++ and gofmt over Go."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

from dev import setup, shell, sources
from dev.paths import ROOT

CLANG_FORMAT = "clang-format-19"


def check() -> bool:
    """Says which files are not formatted."""
    wrong = []
    for path in cxx_files():
        formatted = subprocess.run([CLANG_FORMAT, path], capture_output=True, check=True).stdout
        if formatted != path.read_bytes():
            wrong.append(path)
    wrong += unformatted_go()
    for path in wrong:
        shell.say(f"  not formatted: {path.relative_to(ROOT)}")
    if wrong:
        shell.say("  ./dev fmt formats them")
    return not wrong


def cxx_files() -> list[Path]:
    return sources.files(".h", ".cc")


def unformatted_go() -> list[Path]:
    files, gofmt = sources.files(".go"), go_formatter()
    if not files or gofmt is None:
        return []
    return [Path(line) for line in shell.output([gofmt, "-l", *files]).splitlines()]


def go_formatter() -> Path | None:
    go = setup.find_go()
    if go is None:
        return None
    root = Path(shell.output([go, "env", "GOROOT"]).strip())
    return next((p for p in (root / "bin" / "gofmt", go.parent / "gofmt") if p.exists()), None)


def command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev fmt", description="Formats the C++ and Go sources in place.")
    parser.add_argument("--check", action="store_true", help="only say what is not formatted")
    parser.add_argument("path", nargs="*", type=Path, help="only these files and folders")
    args = parser.parse_args(arguments)
    setup.ensure()
    if args.check:
        return 0 if check() else 1
    chosen = [p.resolve() for p in args.path]
    files = [f for f in cxx_files() if not chosen or any(f == c or c in f.parents for c in chosen)]
    if files:
        shell.say(f"+ {CLANG_FORMAT} -i ({len(files)} files)")
        shell.run([CLANG_FORMAT, "-i", *files], quiet=True)
    go_files, gofmt = sources.files(".go"), go_formatter()
    if go_files and gofmt and not chosen:
        shell.run([gofmt, "-w", *go_files])
    return 0
