# SPDX-License-Identifier: Apache-2.0
"""A long path: a second network namespace behind bench/wire. To be used in a network namespace of one's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.support.process import die_with_parent

from . import golang

NEAR, FAR = "10.213.0.1", "10.213.0.2"
# Windows of both ends' kernels: room for more than a path of 1 Gbit/s and 100 ms holds.
SOCKET_BYTES = 64 << 20
QUEUE_PACKETS = 20_000


class NoWire(Exception):
    """The path cannot be made here; the text says why."""


@dataclass(frozen=True)
class LongPath:
    """`delay_ms` is the round trip."""

    delay_ms: float
    bits: float
    loss: float

    def __str__(self) -> str:
        loss = f"{self.loss:.1%} loss each way" if self.loss else "no loss"
        return f"{self.delay_ms:g} ms, {self.bits / 1e9:g} Gbit/s, {loss}"


def inside_own_namespace() -> None:
    """Runs this program again in a network namespace of its own; returns there."""
    if os.environ.get("ROADSTEAD_BENCH_NAMESPACE") == "own":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    if os.geteuid() != 0:
        raise NoWire("network namespaces need root")
    sys.stdout.flush()
    os.environ["ROADSTEAD_BENCH_NAMESPACE"] = "own"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


class Wire:
    """`with Wire(path) as wire`: programs started with `wire.at_far` have the address FAR, everything else has NEAR."""

    def __init__(self, path: LongPath) -> None:
        self.path = path
        self._programs: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Wire:
        try:
            holder = self._start("unshare", "--net", "sh", "-c", "echo ready; read forever")
            self.at_far: Sequence[str] = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
            program = golang.build("wire") / "wire"
            self._start(
                str(program), "--far-pid", str(holder.pid), "--near-device", "near", "--far-device", "far", "--delay",
                f"{self.path.delay_ms / 2}ms", "--rate", str(self.path.bits / 8), "--loss", str(self.path.loss))
            self._set_up((), "near", NEAR, FAR)
            self._set_up(self.at_far, "far", FAR, NEAR)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for program in reversed(self._programs):
            program.kill()
            program.communicate()

    def counts(self) -> dict[str, list[int]]:
        """Packets that passed, were lost by chance, and were dropped by a full link, there and back. Ends the wire."""
        answer, _ = self._programs.pop().communicate(timeout=10)
        counts: dict[str, list[int]] = json.loads(answer)
        return counts

    def _start(self, *argv: str) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self._programs.append(program)
        assert program.stdout is not None and program.stderr is not None
        if program.stdout.readline().strip() != "ready":
            raise NoWire(f"{Path(argv[0]).name}: {program.stderr.read().strip()}")
        return program

    def _set_up(self, prefix: Sequence[str], device: str, own: str, other: str) -> None:
        for words in (
            ("ip", "link", "set", "lo", "up"),
            ("ip", "addr", "add", own, "peer", other, "dev", device),
            ("ip", "link", "set", device, "mtu", "1500", "txqueuelen", str(QUEUE_PACKETS), "up"),
            ("sh", "-c", f"echo '4096 131072 {SOCKET_BYTES}' | tee /proc/sys/net/ipv4/tcp_rmem > /proc/sys/net/ipv4/tcp_wmem"),
        ):
            done = subprocess.run([*prefix, *words], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise NoWire(f"{' '.join(words)}: {done.stderr.strip()}")
