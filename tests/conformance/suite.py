# SPDX-License-Identifier: Apache-2.0
"""Runs `e2e.test` on some specs and reads its output while it runs."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from e2e.support.process import die_with_parent
from testbed import build

_LISTED = re.compile(r"^\s+k8s\.io/kubernetes@\S+?\.go:\d+: (.*)$")
_END = re.compile(r"^(•|S|P) (?:\[([A-Z ]+)\] )?.*\[([\d.]+) seconds\]$")
_STATES = {"": "passed", "FAILED": "failed", "PANICKED": "failed", "TIMEDOUT": "failed", "INTERRUPTED": "failed",
           "ABORTED": "failed", "SKIPPED": "skipped", "SLOW TEST": "passed"}
# Between specs, and before the first one.
_IDLE_SECONDS = 300
# After an interrupt the suite tidies up and reports; then it is killed.
_GRACE_SECONDS = 60


@dataclass
class Result:
    text: str
    state: str  # passed, failed, skipped, timed out, did not run
    began: float = 0.0
    seconds: float = 0.0
    message: str = ""

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def texts() -> set[str]:
    """The text of every spec in the suite."""
    done = subprocess.run([str(build.binary("e2e.test")), "--list-tests"], capture_output=True, text=True, check=True)
    return {match[1] for line in done.stdout.splitlines() if (match := _LISTED.match(line))}


@dataclass(frozen=True)
class Suite:
    """How to reach one cluster. `hosts`: names that only these runs resolve, in a mount namespace of their own."""

    kubeconfig: Path
    folder: Path
    hosts: Mapping[str, str]

    def argv(self, wanted: Sequence[str]) -> list[str]:
        focus = "|".join(re.escape(text) for text in wanted)
        return [
            *self._with_hosts(), str(build.binary("e2e.test")), "--provider=skeleton", f"--kubeconfig={self.kubeconfig}",
            f"--kubectl-path={build.binary('kubectl')}", "--allowed-not-ready-nodes=1", "--minStartupPods=0",
            "--disable-log-dump", "--ginkgo.v", "--ginkgo.no-color", "--ginkgo.silence-skips", "--ginkgo.seed=1",
            "--ginkgo.timeout=6h", "--ginkgo.grace-period=30s", f"--ginkgo.focus=({focus})$",
        ]

    def _with_hosts(self) -> list[str]:
        if not self.hosts:
            return []
        file = self.folder / "hosts"
        file.write_text("127.0.0.1 localhost\n" + "".join(f"{a} {n}\n" for n, a in self.hosts.items()))
        script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(file)]

    def run(
        self, wanted: Sequence[str], limit: float, log: Path, on_result: Callable[[Result], None],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """Runs the specs one after the other; each gets `limit` seconds. One that hangs costs the others nothing."""
        left = list(wanted)
        while left and not stopped():
            batch = _Batch(self, left, limit, log, stopped)
            before = len(left)
            for result in batch.results():
                if stopped():
                    return  # what was interrupted says nothing
                if result.text in left:
                    left.remove(result.text)
                    on_result(result)
            if len(left) == before:
                break
        for text in left if not stopped() else []:
            on_result(Result(text, "did not run", message="the suite ended without it; see " + str(log)))


class _Batch:
    """One process."""

    def __init__(
        self, suite: Suite, wanted: Sequence[str], limit: float, log: Path, stopped: Callable[[], bool]
    ) -> None:
        self._suite, self._wanted, self._limit, self._log, self._stopped = suite, set(wanted), limit, log, stopped
        self._text = ""
        self._began = time.time()  # of the spec, or of the pause between two
        self._lines: list[str] = []

    def results(self) -> Iterator[Result]:
        """One for each spec that ended, as soon as it has."""
        home = self._suite.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "HOME": str(home), "KUBECACHEDIR": str(home / "cache")}
        environment.pop("KUBECONFIG", None)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as sink, subprocess.Popen(
            self._suite.argv(sorted(self._wanted)), cwd=self._suite.folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=_own_group,
        ) as process:
            try:
                yield from self._read(process, sink)
            finally:
                _kill_group(process)
        if self._text:  # it ended in the middle of a spec
            yield self._result("timed out" if self._overdue() else "failed")

    def _read(self, process: subprocess.Popen[bytes], sink: BinaryIO) -> Iterator[Result]:
        assert process.stdout is not None
        stream = process.stdout.fileno()
        rest = b""
        interrupted = 0.0
        while True:
            if not interrupted and (self._overdue() or self._stopped()):
                interrupted = time.time()
                process.send_signal(signal.SIGINT)
            if interrupted and time.time() - interrupted > _GRACE_SECONDS:
                return
            if not select.select([stream], [], [], 1)[0]:
                continue
            data = os.read(stream, 1 << 16)
            if not data:
                return
            sink.write(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if (result := self._line(line.decode(errors="replace"), bool(interrupted))) is not None:
                    yield result

    def _line(self, line: str, interrupted: bool) -> Result | None:
        if not self._text:
            self._text = self._header(line)
            if self._text:
                self._began, self._lines = time.time(), []
            return None
        if len(self._lines) < 20_000:
            self._lines.append(line)
        if (match := _END.match(line)) is None:
            return None
        state = _STATES.get(match[2] or "", "failed") if match[1] != "S" else "skipped"
        if state == "failed" and interrupted:
            state = "timed out"
        result = self._result(state)
        self._text, self._began = "", time.time()
        return result

    def _header(self, line: str) -> str:
        """A spec's text, followed by its labels in brackets."""
        if not line.startswith("["):
            return ""
        if line in self._wanted:
            return line
        bare = line.rsplit(" [", 1)[0]
        return bare if bare in self._wanted else ""

    def _overdue(self) -> bool:
        return time.time() - self._began > (self._limit if self._text else _IDLE_SECONDS)

    def _result(self, state: str) -> Result:
        message = "" if state == "passed" else _reason(self._lines)
        return Result(self._text, state, self._began, round(time.time() - self._began, 1), message)


def _reason(lines: list[str]) -> str:
    """What the suite says of the failure, in a line."""
    marks = ("[FAILED]", "[SKIPPED]", "[PANICKED]", "[INTERRUPTED]", "[TIMEDOUT]")
    for number, line in enumerate(lines):
        if line.strip().startswith(marks):
            return " ".join(" ".join(lines[number:number + 8]).split())[:600]
    return " ".join(" ".join(lines[-3:]).split())[:600]


def _own_group() -> None:
    os.setpgid(0, 0)
    die_with_parent()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """kubectl processes that a spec has left behind, too."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
