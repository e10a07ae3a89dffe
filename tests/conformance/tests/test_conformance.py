# SPDX-License-Identifier: Apache-2.0
"""The pinned list and the reading of the suite's output, without clusters."""

from __future__ import annotations

import stat
import sys
import threading
from pathlib import Path

import pytest

_TESTS = Path(__file__).resolve().parents[2]
for _folder in (_TESTS, _TESTS / "testbed"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from conformance import evidence, report, specs, suite  # noqa: E402
from conformance.report import Outcome, Row  # noqa: E402
from conformance.specs import Spec  # noqa: E402

REQUIRED = (
    "kubectl-client", "exec-attach", "logs", "port-forward", "chunking", "watch", "server-side-apply", "discovery",
    "aggregated-discovery", "table-conversion", "proxy",
)


def test_the_list_is_large_enough() -> None:
    by_family = specs.sections(specs.LIST, "family")
    assert sum(len(texts) for texts in by_family.values()) >= 120
    assert {name: len(texts) for name, texts in by_family.items() if len(texts) < 5} == {}
    assert set(REQUIRED) <= set(by_family)


def test_no_spec_is_both_listed_and_left_out() -> None:
    listed = {text for texts in specs.sections(specs.LIST, "family").values() for text in texts}
    left_out = {text for texts in specs.sections(specs.LEFT_OUT, "left out").values() for text in texts}
    assert not listed & left_out


def test_bad_lists_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "specs.txt"
    path.write_text("[sig-x] a spec\n")
    with pytest.raises(specs.BadList, match="specs.txt:1"):
        specs.sections(path, "family")
    path.write_text("family: one\n[sig-x] a\nfamily: two\n[sig-x] a\n")
    with pytest.raises(specs.BadList, match="specs.txt:4.*line 2"):
        specs.sections(path, "family")


SCRIPT = """#!/bin/sh
cat <<'END'
Running Suite: Kubernetes e2e suite
------------------------------
[sig-x] passes [Conformance] [sig-x, Conformance]
k8s.io/kubernetes/x.go:1
  STEP: something
• [2.700 seconds]
------------------------------
[sig-x] fails [sig-x]
k8s.io/kubernetes/x.go:2
  [FAILED] expected true
• [FAILED] [0.010 seconds]
[sig-x] fails [sig-x]
x.go:2

  [FAILED] expected true
------------------------------
[sig-x] does not apply here [sig-x]
  [SKIPPED] only on Windows
S [SKIPPED] [0.001 seconds]
END
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for e2e.test."""
    path = tmp_path / "e2e.test"
    path.write_text(SCRIPT)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(suite.build, "binary", lambda name: path)
    return path


def run(folder: Path, texts: list[str], limit: float = 60) -> dict[str, suite.Result]:
    found: dict[str, suite.Result] = {}
    suite.Suite(folder / "kubeconfig", folder, {}).run(
        texts, limit, folder / "log", lambda result: found.__setitem__(result.text, result))
    return found


def test_results_are_read_from_the_output(program: Path, tmp_path: Path) -> None:
    texts = ["[sig-x] passes [Conformance]", "[sig-x] fails", "[sig-x] does not apply here", "[sig-x] never starts"]
    found = run(tmp_path, texts)
    assert {text: found[text].state for text in texts} == dict(
        zip(texts, ["passed", "failed", "skipped", "did not run"], strict=True))
    assert "expected true" in found["[sig-x] fails"].message
    assert "only on Windows" in found["[sig-x] does not apply here"].message


def test_a_spec_that_hangs_is_interrupted_and_the_next_still_runs(program: Path, tmp_path: Path) -> None:
    program.write_text(r"""#!/bin/sh
case "$*" in
  *forever*) echo '[sig-x] goes on forever [sig-x]'
           trap 'echo "• [INTERRUPTED] [1.000 seconds]"; exit 1' INT
           while :; do sleep 0.05; done ;;
  *)       printf '[sig-x] passes [sig-x]\n• [0.001 seconds]\n' ;;
esac
""")
    found = run(tmp_path, ["[sig-x] goes on forever", "[sig-x] passes"], limit=0.3)
    assert found["[sig-x] goes on forever"].state == "timed out"
    assert found["[sig-x] passes"].state == "passed"


def test_a_crash_fails_the_spec_that_ran(program: Path, tmp_path: Path) -> None:
    program.write_text("#!/bin/sh\necho '[sig-x] crashes [sig-x]'\necho 'panic: out of luck'\n")
    found = run(tmp_path, ["[sig-x] crashes"])
    assert found["[sig-x] crashes"].state == "failed"
    assert "out of luck" in found["[sig-x] crashes"].message


def test_requests_are_counted_by_cluster_and_time(tmp_path: Path) -> None:
    log = tmp_path / "hub.log"
    line = "2026-11-22T09:24:25.000Z INFO  request auditID=a started=2026-11-22T09:24:{}.500000Z micros=4 user=admin cluster={} verb=get\n"
    log.write_text(line.format("20", "one") + line.format("21", "one") + line.format("21", "two") + "INFO  lane cluster=one\n")
    requests = evidence.HubRequests(log)
    base = evidence.seconds("2026-11-22T09:24:20.000000Z")
    assert requests.count("one", base, base + 1) == 1
    with log.open("a") as sink:
        sink.write(line.format("20", "one") + line.format("20", "one")[:-9])  # the last one is still being written
    assert requests.count("one", base, base + 1) == 2
    assert requests.count("one", base, base + 9) == 3
    assert requests.count("two", base, base + 9) == 1
    assert requests.some("three", base, base + 9, within=0) == 0


def test_a_record_that_is_written_a_moment_later_still_counts(tmp_path: Path) -> None:
    log = tmp_path / "hub.log"
    late = threading.Timer(0.1, log.write_text, ["INFO  request started=2026-11-22T09:24:20.500000Z user=admin cluster=one\n"])
    late.start()
    base = evidence.seconds("2026-11-22T09:24:20.000000Z")
    assert evidence.HubRequests(log).some("one", base, base + 1) == 1
    late.join()


@pytest.mark.parametrize(
    ("direct", "hub", "requests", "around", "verdict"),
    [
        ("passed", "passed", 7, 0, ""),
        ("passed", "failed", 7, 0, "through the hub: failed"),
        ("failed", "passed", 7, 0, "directly: failed"),
        ("passed", "passed", 0, 0, "the hub counted no request"),
        ("passed", "passed", 7, 2, "2 requests went around the hub"),
    ],
)
def test_verdicts(direct: str, hub: str, requests: int, around: int, verdict: str) -> None:
    spec = Spec("watch", "[sig-x] spec")
    row = Row(spec, Outcome("direct", "watch", spec.text, direct),
              Outcome("hub", "watch", spec.text, hub, requests=requests, around=around))
    assert row.verdict == verdict


def test_an_interrupted_run_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    spec = Spec("watch", "[sig-x] spec")
    report.Record(path, keep=True).add(Outcome("hub", "watch", spec.text, "passed", requests=3))
    again = report.Record(path, keep=True).get("hub", spec)
    assert again is not None and again.requests == 3
    assert report.Record(path, keep=False).get("hub", spec) is None
