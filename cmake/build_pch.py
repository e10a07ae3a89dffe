# SPDX-License-Identifier: Apache-2.0
"""Precompiles one header and prints where the result is.

Run by cmake/Pch.cmake while configuring. The result's folder is named by a hash of the compiler, its flags and every
file that the header reads, so it never goes stale, and all checkouts on a machine share it: a path of one checkout in
a precompiled header would make everything compiled with it useless to the others.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Presets times kinds (libraries, tests), a few generations of each.
KEPT = 24


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with code {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def read_files(compiler: str, flags: list[str], header: Path) -> list[Path]:
    rule = run([compiler, *flags, "-M", "-MT", "x", "-x", "c++-header", str(header)])
    return [Path(name) for name in rule.replace("\\\n", " ").split()[1:]]


def key(compiler: str, flags: list[str], header: Path) -> str:
    digest = hashlib.sha256(run([compiler, "--version"]).encode())
    digest.update("\0".join(flags).encode())
    for path in sorted(read_files(compiler, flags, header)):
        digest.update(str(path if path != header else header.name).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def forget_old(folder: Path) -> None:
    entries = sorted((p for p in folder.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime, reverse=True)
    for entry in entries[KEPT:]:
        shutil.rmtree(entry, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--header", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("flags", nargs="*")
    args = parser.parse_args()

    args.cache.mkdir(parents=True, exist_ok=True)
    with open(args.cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = args.cache / key(args.compiler, args.flags, args.header)
        folder.mkdir(exist_ok=True)
        result = folder / "precompiled.pch"
        if not result.exists():
            copy = folder / "precompiled.h"
            shutil.copyfile(args.header, copy)
            partial = folder / "partial"
            # Without times in it, the same input gives the same bytes, which is what ccache compares.
            run([args.compiler, *args.flags, "-Xclang", "-fno-pch-timestamp", "-fpch-instantiate-templates",
                 "-x", "c++-header", str(copy), "-o", str(partial)])
            partial.rename(result)
        os.utime(folder)
        forget_old(args.cache)
    print(result)


if __name__ == "__main__":
    main()
