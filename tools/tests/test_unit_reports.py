# SPDX-License-Identifier: Apache-2.0
"""The counting behind the last line of ./dev test, against a stand-in for a GoogleTest program."""

import json

import pytest
from dev import outcome, setup, shell, unit

PROGRAM = """#!/usr/bin/env python3
import sys
if "--gtest_list_tests" in sys.argv:
    print("Queue.\\n  Keeps\\n  Skips\\nSizes/Limit.\\n  Holds/0  # GetParam() = 1")
    sys.exit(0)
report = next(a.split("json:")[1] for a in sys.argv if "json:" in a)
print("[ RUN      ] Queue.Keeps")
open(report, "w").write({report!r})
sys.exit({code})
"""


def case(name, **more):
    return {"name": name, "status": "RUN", "result": "COMPLETED", **more}


@pytest.fixture
def preset(tmp_path, monkeypatch):
    monkeypatch.setattr(unit, "build_dir", lambda preset: tmp_path)
    for folder in ("tests", "test-results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "test-targets.txt").write_text("queue_test\n")

    def write(code, *cases):
        text = json.dumps({"testsuites": [{"name": "Queue", "testsuite": list(cases)}]})
        program = tmp_path / "tests" / "queue_test"
        program.write_text(PROGRAM.replace("{report!r}", repr(text)).replace("{code}", code))
        program.chmod(0o755)

    return write


def test_cases_are_listed_with_their_suites(preset, tmp_path):
    preset("0")
    assert unit.list_cases(tmp_path / "tests" / "queue_test") == ["Queue.Keeps", "Queue.Skips", "Sizes/Limit.Holds/0"]


def test_passed_failed_and_skipped_are_counted(preset):
    preset("1", case("Keeps"), case("Loses", failures=[{}]), case("Skips", result="SKIPPED"))
    result = unit.run("any")
    assert (result.passed, result.failed) == (1, 1)
    assert result.failures == ["queue_test: Queue.Loses"]
    assert result.skipped == ["queue_test: Queue.Skips: no reason given"]


def test_a_crash_after_good_cases_is_a_failure(preset):
    preset("66", case("Keeps"))
    result = unit.run("any")
    assert (result.passed, result.failed) == (1, 1)
    assert result.failures == ["queue_test: ended with code 66 in Queue.Keeps"]


def test_a_filter_that_matches_nothing_runs_nothing(preset):
    preset("0", case("Keeps"))
    assert unit.run("any", "absent") == outcome.Outcome()


def test_skip_reasons_come_from_the_output():
    output = "[ RUN      ] A.B\nsrc/a_test.cc:4: Skipped\nneeds IPv6\n[  SKIPPED ] A.B (0 ms)\n"
    assert unit.skip_reason(output, "A.B") == "needs IPv6"


def test_a_failure_is_not_buried_under_what_passed():
    output = "[ RUN      ] A.Good\nnoise\n[       OK ] A.Good (0 ms)\n[ RUN      ] A.Bad\nwhy\n[  FAILED  ] A.Bad (0 ms)\n"
    assert unit.what_matters(output) == ["[ RUN      ] A.Bad", "why", "[  FAILED  ] A.Bad (0 ms)"]


def test_nothing_run_is_not_a_success(capsys):
    assert outcome.print_last_lines(outcome.Outcome()) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 passed, 0 failed"


def test_missing_packages_without_root_name_the_command(monkeypatch):
    monkeypatch.setattr(setup.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(setup.shutil, "which", lambda name: None)
    with pytest.raises(shell.Failure, match="apt-get install -y --no-install-recommends lld-19"):
        setup.install_packages(["lld-19"])
