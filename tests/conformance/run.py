# SPDX-License-Identifier: Apache-2.0
"""./dev conformance: unmodified Kubernetes specs, directly and through the hub."""

from __future__ import annotations

import argparse
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [path for path in (str(_TESTS), str(_TESTS / "testbed")) if path not in sys.path]

from conformance import evidence, report, specs, suite  # noqa: E402
from conformance.report import Outcome, Record  # noqa: E402
from conformance.specs import Spec  # noqa: E402
from conformance.stage import SIDES, Lane, stage  # noqa: E402
from testbed import build  # noqa: E402

_ROOT = _TESTS.parent
_BEGAN = time.monotonic()


# Starting the suite costs seconds, so a process gets this many specs; and both lanes shall have work.
_CHUNK = 40


def chunks(chosen: list[Spec]) -> list[list[Spec]]:
    return [chosen[first:first + _CHUNK] for first in range(0, len(chosen), _CHUNK)]


def say(text: str) -> None:
    print(f"[{time.monotonic() - _BEGAN:7.1f} s] {text}", flush=True)


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev conformance", description=__doc__)
    parser.add_argument("--family", action="append", default=[], metavar="NAME", help="only this family; may be repeated")
    parser.add_argument("--quick", action="store_true", help="only the first two specs of each family")
    parser.add_argument("--side", choices=SIDES, help="only one side; the other's results come from an earlier run")
    parser.add_argument("--resume", action="store_true", help="keep what the last run found to pass, run the rest")
    parser.add_argument("--lanes", type=int, default=2, help="clusters, each with its own specs (default 2)")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="for one spec (default 300)")
    parser.add_argument("--attempts", type=int, default=2, help="how often a failing spec may run on each side (default 2)")
    parser.add_argument("--list", action="store_true", help="print the families and their specs, and run nothing")
    parser.add_argument("--output", type=Path, default=_ROOT / "build" / "conformance", metavar="FOLDER")
    return parser.parse_args(argv)


class Run:
    def __init__(self, options: argparse.Namespace, chosen: list[Spec], folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.sides = [options.side] if options.side else list(SIDES)
        self.record = Record(folder.parent / "results.jsonl", keep=options.resume or options.side is not None)
        self.work: queue.SimpleQueue[tuple[int, list[Spec]]] = queue.SimpleQueue()
        self.total = len(chosen) * len(self.sides)
        self.done = 0
        self.stopping = threading.Event()
        self.errors: list[str] = []
        for number, chunk in enumerate(chunks(chosen), 1):
            self.work.put((number, chunk))

    def all(self) -> None:
        with stage(self.folder, self.options.lanes, self.sides) as lanes:
            hub = lanes[0].hub
            requests = evidence.HubRequests(hub.log) if hub else None
            threads = [threading.Thread(target=self._lane, args=(lane, requests), daemon=True) for lane in lanes]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    while thread.is_alive():
                        thread.join(0.5)
            finally:
                self.stopping.set()
                for thread in threads:
                    thread.join(90)

    def _lane(self, lane: Lane, requests: evidence.HubRequests | None) -> None:
        around = evidence.AroundTheHub(lane.name, lane.cluster.layout.audit_log)
        while not self.stopping.is_set():
            try:
                number, chunk = self.work.get_nowait()
            except queue.Empty:
                return
            try:
                for side in self.sides:
                    self._chunk(lane, side, number, chunk, requests, around)
            except Exception as error:  # noqa: BLE001 - the other lane goes on, and the run fails at its end
                self.errors.append(f"{lane.name}, part {number}: {error!r}")
                say(self.errors[-1])

    def _chunk(
        self, lane: Lane, side: str, number: int, chunk: list[Spec], requests: evidence.HubRequests | None,
        around: evidence.AroundTheHub,
    ) -> None:
        """Some specs on one side."""
        families = {spec.text: spec.family for spec in chunk}

        def keep(result: suite.Result, attempt: int) -> None:
            end = time.time()
            outcome = Outcome(side, families[result.text], result.text, result.state, result.seconds, attempt,
                              message=result.message)
            if side == "hub" and requests is not None and result.began:
                outcome.requests = requests.some(lane.name, result.began, end)
                outcome.around = around.count(lane.name, result.began, end)
            self.record.add(outcome)
            self.done += attempt == 1
            note = f", {outcome.requests} requests at the hub" if side == "hub" else ""
            say(f"{self.done}/{self.total} {lane.name} {side:6} {result.state:9} {result.seconds:6.1f} s{note}  {result.text}")
            if result.state != "passed":
                say(f"    {result.message}")

        for attempt in range(1, self.options.attempts + 1):
            left = [spec.text for spec in chunk if not self._settled(side, spec, attempt)]
            if not left or self.stopping.is_set():
                return
            log = self.folder / "logs" / f"{number}-{side}-{attempt}.log"
            lane.suites[side].run(left, self.options.timeout, log, lambda r, a=attempt: keep(r, a), self.stopping.is_set)

    def _settled(self, side: str, spec: Spec, attempt: int) -> bool:
        """Nothing more to run: it passed, the suite itself skips it, or it fails directly."""
        if side == "hub" and (direct := self.record.get("direct", spec)) is not None and direct.state != "passed":
            return True  # nothing to compare with
        known = self.record.get(side, spec)
        if known is None or (attempt == 1 and not self.options.resume):
            return False
        if known.state == "passed":
            return side == "direct" or known.requests > 0 or attempt > 1
        return attempt > 1 and known.state == "skipped"


def main(argv: Sequence[str]) -> int:
    options = arguments(argv)
    try:
        chosen = specs.pinned(options.family, quick=2 if options.quick else 0)
    except specs.BadList as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    if options.list:
        for spec in chosen:
            print(f"{spec.family}: {spec.text}")
        return 0
    if os.geteuid() != 0:
        print("conformance: real clusters need root", file=sys.stderr)
        return 2
    build.ensure((*build.CONTROL_PLANE, *build.NODE, *build.CONFORMANCE))
    if unknown := specs.missing(suite.texts()):
        print("conformance: the suite has no spec\n  " + "\n  ".join(unknown), file=sys.stderr)
        return 2
    folder = options.output.resolve() / f"{time.strftime('%H%M%S')}-{os.getpid()}"
    folder.mkdir(parents=True)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job starts with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    run = Run(options, chosen, folder)
    say(f"{len(chosen)} specs on {' and '.join(run.sides)}; logs go to {folder}")
    try:
        run.all()
    except KeyboardInterrupt:
        print("conformance: interrupted; --resume goes on from here", file=sys.stderr)
        return 130
    return conclude(run, chosen, options)


def conclude(run: Run, chosen: list[Spec], options: argparse.Namespace) -> int:
    table = report.rows(chosen, run.record)
    report.write(options.output / "report.md", table)
    for row in table:
        if row.verdict:
            print(f"FAILED: {row.spec.family}: {row.spec.text}: {row.verdict}")
    for error in run.errors:
        print(f"FAILED: {error}")
    passed = sum(1 for row in table if not row.verdict)
    failed = len(table) - passed + len(run.errors)
    print(f"report: {options.output / 'report.md'}")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
