# SPDX-License-Identifier: Apache-2.0
"""On what, and of what, a result was taken."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def commit() -> str:
    """Short name of the commit, with "-dirty" when tracked files under src/ or bench/ differ from it."""
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    name = git("rev-parse", "--short=10", "HEAD") or "unknown"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "src", "bench/load", "third_party", "cmake")
    return f"{name}-dirty" if changed else name


@dataclass(frozen=True)
class Machine:
    commit: str
    when: str
    cpu: str
    cores: int
    kernel: str
    load: float  # of the minute before the run; above about 0.3 somebody else was using the machine

    @staticmethod
    def here() -> Machine:
        now = datetime.datetime.now(datetime.timezone.utc)
        return Machine(
            commit(), now.strftime("%Y-%m-%d %H:%M UTC"), _cpu_model(), os.cpu_count() or 0, platform.release(),
            os.getloadavg()[0])

    def lines(self) -> list[str]:
        return [
            f"commit  {self.commit}", f"date    {self.when}", f"cpu     {self.cpu}, {self.cores} cores",
            f"kernel  {self.kernel}", f"load    {self.load:.2f} before the run",
        ]
