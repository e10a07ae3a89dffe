# SPDX-License-Identifier: Apache-2.0
"""Whatever breaks, a write is made at most once: client-go writes, and the member's audit log counts."""

from __future__ import annotations

import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from e2e.support import wait
from e2e.support.agents import Site
from e2e.support.client import Login
from e2e.support.hub import Hub
from e2e.support.load import Load, Outcome, assert_none_doubled


def cut_network(site: Site, hub: Hub) -> Callable[[], None]:
    site.cluster.cut()
    return site.cluster.restore


def kill_hub(site: Site, hub: Hub) -> Callable[[], None]:
    hub.kill()
    return lambda: (hub.start(), None)[1]


def end_hub(site: Site, hub: Hub) -> Callable[[], None]:
    hub.stop(signal.SIGTERM)
    return lambda: (hub.start(), None)[1]


def kill_api_server(site: Site, hub: Hub) -> Callable[[], None]:
    site.cluster.stop_apiserver(signal.SIGKILL)
    return site.cluster.start_apiserver


def end_api_server(site: Site, hub: Hub) -> Callable[[], None]:
    site.cluster.stop_apiserver(signal.SIGTERM)
    return site.cluster.start_apiserver


def kill_both_agents(site: Site, hub: Hub) -> Callable[[], None]:
    for agent in site.agents:
        agent.kill()
    return lambda: [agent.start() for agent in site.agents].clear()


Fault = Callable[[Site, Hub], Callable[[], None]]
FAULTS: list[Fault] = [cut_network, kill_hub, end_hub, kill_api_server, end_api_server, kill_both_agents]


def writes_across(fault: Fault, site: Site, hub: Hub, login: Login, namespace: str, seconds: float) -> Outcome:
    """Breaks something for so long under load, and returns what became of the requests."""
    offset = site.cluster.audit_offset()
    with Load(login.kubeconfig(site.name), namespace, seconds=seconds + 5, rate=100, write_every=2) as load:
        time.sleep(1.5)
        broken = time.monotonic()
        mend = fault(site, hub)
        time.sleep(max(0.0, seconds - (time.monotonic() - broken)))
        mend()
        site.wait_whole(timeout=40)
        outcome = load.finish()
    failed = Counter(w["error"].rpartition(": ")[2][:90] for w in outcome.failed(outcome.writes))
    print(f"\n{fault.__name__}: {outcome.summary()}")
    for words, count in failed.most_common(6):
        print(f"  {count} writes: {words}")
    assert_none_doubled(site, offset, namespace, outcome)
    before = [w for w in outcome.writes if w["at"] + w["ms"] / 1000 < 1.2]
    assert before and not outcome.failed(before), "writes failed before anything was broken"
    return outcome


@pytest.fixture
def room(idc: Site) -> Iterator[str]:
    """A namespace in `idc`."""
    name = f"writes-{uuid.uuid4().hex[:5]}"
    idc.cluster.kubectl("create", "namespace", name)
    wait.until("the namespace has its CA, which the load reads", timeout=60,
               probe=lambda: idc.cluster.kubectl("get", "configmap", "kube-root-ca.crt", "-n", name, "-o", "name"))
    yield name
    idc.cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


@pytest.mark.parametrize("fault", [kill_hub, kill_api_server, kill_both_agents], ids=lambda f: f.__name__)
def test_no_write_is_doubled(idc: Site, hub: Hub, admin_login: Login, room: str, fault: Fault) -> None:
    outcome = writes_across(fault, idc, hub, admin_login, room, 1.5)
    assert outcome.failed(outcome.writes)


def test_a_short_cut_of_the_network_fails_nothing(idc: Site, hub: Hub, admin_login: Login, room: str) -> None:
    outcome = writes_across(cut_network, idc, hub, admin_login, room, 2)
    assert not outcome.failed(outcome.requests), outcome.failed(outcome.requests)[:5]


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.__name__)
def test_no_write_is_doubled_by_a_long_fault(idc: Site, hub: Hub, admin_login: Login, room: str, fault: Fault) -> None:
    outcome = writes_across(fault, idc, hub, admin_login, room, 30)
    assert outcome.failed(outcome.writes)
