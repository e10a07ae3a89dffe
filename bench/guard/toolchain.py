# SPDX-License-Identifier: Apache-2.0
"""What counts depend on besides our code: the CPU that valgrind shows, compiler and libraries."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("clang-19", "libc6", "libstdc++6", "libstdc++-12-dev", "libnghttp2-dev", "libboost1.81-dev", "libsqlite3-dev", "valgrind")

CPU = "cpu"  # where this differs the counts cannot be compared


def here() -> dict[str, str]:
    shown = subprocess.run(["dpkg-query", "-W", "-f=${Package} ${Version}\n", *PACKAGES], capture_output=True, text=True, check=False)
    versions = dict(line.split(" ", 1) for line in shown.stdout.splitlines())
    return {CPU: cpu(), **{name: versions.get(name, "none") for name in PACKAGES}, "aws-lc-sys": aws_lc()}


def cpu() -> str:
    """valgrind shows programs the same CPU on each machine that has AVX2, whatever else it has."""
    match = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    vectors = " with AVX2" if match and "avx2" in match[1].split() else ""
    return f"{platform.machine()}{vectors}"


def aws_lc() -> str:
    match = re.search(r'^aws-lc-sys = \{ version = "=([^"]+)"', (ROOT / "third_party/aws-lc/Cargo.toml").read_text(), re.MULTILINE)
    return match[1] if match else "none"
