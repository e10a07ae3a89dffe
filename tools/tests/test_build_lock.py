# SPDX-License-Identifier: Apache-2.0
import threading

import pytest
from dev import build, check, shell
from dev.outcome import Outcome


def test_a_second_build_says_that_it_waits_and_then_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "BUILD", tmp_path)
    said, waiting = [], threading.Event()

    def say(text):
        said.append(text)
        waiting.set()

    monkeypatch.setattr(shell, "say", say)
    order = []

    def second():
        with build.locked("debug"):
            order.append("second")

    thread = threading.Thread(target=second)
    with build.locked("debug"):
        thread.start()
        assert waiting.wait(timeout=10)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]
    assert said == ["waiting for another build of debug"]


def test_presets_do_not_wait_for_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setattr(shell, "say", pytest.fail)
    with build.locked("debug"), build.locked("asan"):
        pass


def test_a_stage_that_fails_is_counted_and_does_not_stop_the_rest():
    def broken() -> Outcome:
        raise shell.Failure("compiler says no")

    stages = check.Stages()
    assert not stages.run("build", broken)
    assert stages.run("lint", lambda: Outcome(passed=2))
    assert (stages.total.passed, stages.total.failed, stages.total.failures) == (2, 1, ["build"])
