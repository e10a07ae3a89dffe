# SPDX-License-Identifier: Apache-2.0
"""The hub and the Agents are replaced one after the other under load, and nobody notices: the supervisor of the hub keeps the
public port open, and requests wait for the lane that comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from testbed.bed import Testbed

from e2e.support import wait
from e2e.support.agents import Site
from e2e.support.cli import Cli
from e2e.support.client import Client, Login
from e2e.support.hub import SupervisedHub
from e2e.support.informer import PROTOBUF, informing
from e2e.support.load import Load, assert_none_doubled

NAMESPACE = "default"


@dataclass
class Kept:
    hub: SupervisedHub
    login: Login
    site: Site


@pytest.fixture(scope="module")
def kept(bed: Testbed, work: Path) -> Iterator[Kept]:
    hub = SupervisedHub(work / "kept", bed.hub_address)
    hub.start()
    site: Site | None = None
    try:
        cli = Cli(work / "kept-admin")
        cli.log_in(hub.first_login())
        # With a login of its own the registration leaves the other hub's objects in the member alone.
        login = Client(cli.login()).person("kept", work / "kept-login" / "it", administrator=True)
        site = Site(bed.cluster("ack", node=True), Client(login), work / "kept-agents", agents=2, name="kept")
        site.register()
        yield Kept(hub, login, site)
    finally:
        if site is not None:
            site.close()
        hub.close()


def replaced_under_load(kept: Kept, rounds: int) -> None:
    """Restarts the hub and both Agents in each round."""
    kubeconfig = kept.login.kubeconfig(kept.site.name)
    offset = kept.site.cluster.audit_offset()
    seconds = 8.0 * rounds + 4
    with informing(PROTOBUF(kubeconfig, NAMESPACE)) as seen, Load(
            kubeconfig, NAMESPACE, seconds=seconds, rate=100, write_every=5, prefix="kept") as load:
        time.sleep(1)
        for _ in range(rounds):
            began = time.monotonic()
            kept.hub.restart()
            kept.site.wait_whole()
            for agent in kept.site.agents:
                agent.stop()
                agent.start()
                kept.site.wait_whole()
            time.sleep(max(0.0, 8 - (time.monotonic() - began)))
        outcome = load.finish()
        lists = [s for s in seen if s["event"] == "list"]
        errors = [s for s in seen if s["event"] == "error"]
        watches = [s for s in seen if s["event"] == "watch"]
    print(f"\n{rounds} rounds: {outcome.summary()}; {len(watches)} watches")
    assert_none_doubled(kept.site, offset, NAMESPACE, outcome)
    assert not outcome.failed(outcome.requests), outcome.failed(outcome.requests)[:5]
    assert len(lists) <= 1 and not errors, (lists, errors)


def test_nothing_fails_while_hub_and_agents_are_replaced(kept: Kept) -> None:
    replaced_under_load(kept, 2)


@pytest.mark.soak
def test_nothing_fails_while_they_are_replaced_again_and_again(kept: Kept) -> None:
    replaced_under_load(kept, 20)


def test_a_socket_that_is_none_is_told(kept: Kept, tmp_path: Path) -> None:
    broken = SupervisedHub(tmp_path, "127.0.0.1")
    broken.close()
    with (tmp_path / "no-socket").open("wb") as file:
        broken._socket = file  # type: ignore[assignment]
        with pytest.raises(AssertionError):
            broken.start()
    assert "descriptor 3 is not a listening socket" in broken.text()
    wait.until("it has ended", lambda: not broken.running)
