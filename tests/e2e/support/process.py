# SPDX-License-Identifier: Apache-2.0
"""A program under test: its output goes to a file, and it dies with the test process at the latest."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """For preexec_fn. Bound to the thread that starts the process, so start programs from the main thread."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def launch(
        self, argv: Sequence[str | Path], environment: Mapping[str, str] | None = None, keep: Sequence[int] = (),
    ) -> None:
        """`keep`: descriptors that the program inherits."""
        assert not self.running, f"{self.name} runs already"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                env=None if environment is None else dict(environment), preexec_fn=die_with_parent, pass_fds=keep,
            )

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None and self.running, f"{self.name} does not run:\n{self.tail()}"
        return self.process.pid

    def stop(self, number: int = signal.SIGTERM, timeout: float = 30) -> int | None:
        """Ends the program and returns its exit code. Safe to repeat."""
        if self.process is None:
            return None
        if self.running:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end within {timeout:.0f} s of signal {number}") from None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines: int = 20) -> str:
        return "\n".join(self.text().splitlines()[-lines:])

    # What the kernel says of it

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_bytes(self) -> int:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_ended(self, timeout: float = 10) -> int:
        assert self.process is not None
        deadline = time.monotonic() + timeout
        while self.running:
            assert time.monotonic() < deadline, f"{self.name} still runs after {timeout:.0f} s:\n{self.tail()}"
            time.sleep(0.02)
        return self.process.returncode
