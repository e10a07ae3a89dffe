# SPDX-License-Identifier: Apache-2.0
"""What breaks and what must not: Agents, networks, API servers and hubs die while clients work."""

from __future__ import annotations

import json
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path

import pytest

from e2e.support import tools, wait
from e2e.support.agents import Site
from e2e.support.client import Client, Login
from e2e.support.hub import Hub
from e2e.support.kubectl import Kubectl
from e2e.support.load import Load, Outcome, assert_none_doubled
from e2e.support.process import Program


@pytest.fixture
def kubeconfig(admin_login: Login, ack: Site) -> Path:
    return admin_login.kubeconfig("ack")


# Agents


def killed_under_load(site: Site, kubeconfig: Path, namespace: str, seconds: float, prefix: str = "load") -> None:
    offset = site.cluster.audit_offset()
    with Load(kubeconfig, namespace, seconds=seconds, rate=200, write_every=5, prefix=prefix) as load:
        time.sleep(seconds / 3)
        killed_at = seconds / 3
        site.agents[0].kill()
        time.sleep(seconds / 3)
        site.agents[0].start()
        outcome = load.finish()
    print(f"\nkill -9 of one of two Agents: {outcome.summary()}")
    assert not outcome.failed(outcome.reads), outcome.failed(outcome.reads)[:5]
    assert_none_doubled(site, offset, namespace, outcome)
    for write in outcome.failed(outcome.writes):  # those on their way may be lost, with these words
        assert "the change may have been made" in write["error"], write
        assert write["at"] - 0.3 <= killed_at <= write["at"] + write["ms"] / 1000 + 0.3, write


def test_kill_9_of_an_agent_fails_no_read_and_doubles_no_write(ack: Site, kubeconfig: Path, namespace: str) -> None:
    killed_under_load(ack, kubeconfig, namespace, 6)


@pytest.mark.soak
def test_kill_9_of_agents_again_and_again(ack: Site, kubeconfig: Path, namespace: str) -> None:
    for number in range(15):
        killed_under_load(ack, kubeconfig, namespace, 9, f"round-{number}")
        ack.wait_whole()


def first_requests_after_kills(site: Site, member: Client, rounds: int) -> list[float]:
    """Seconds that the first request after each kill -9 of one of two Agents took."""
    assert member.raw("GET", "/version").status == 200
    took = []
    for number in range(rounds):
        agent = site.agents[number % 2]
        connection = member.connect()
        connection.connect()
        agent.kill()
        watch = wait.Stopwatch()
        connection.request("GET", "/version")
        response = connection.getresponse()
        response.read()
        took.append(watch.seconds)
        connection.close()
        assert response.status == 200
        site.restart(agent)
    print(f"\nfirst request after kill -9: median {statistics.median(took) * 1000:.0f} ms, at most {max(took) * 1000:.0f} ms")
    return took


def test_after_a_kill_the_next_request_is_served_at_once(ack: Site, member: Client) -> None:
    assert max(first_requests_after_kills(ack, member, 4)) <= 0.5  # debug programs on a busy machine


@pytest.mark.soak
def test_after_each_of_many_kills_the_next_request_is_served_at_once(ack: Site, member: Client) -> None:
    assert sorted(first_requests_after_kills(ack, member, 40))[35] <= 0.1


def test_rolling_restart_of_the_agents_fails_no_read(ack: Site, kubeconfig: Path, namespace: str) -> None:
    offset = ack.cluster.audit_offset()
    with Load(kubeconfig, namespace, seconds=12, rate=100, write_every=5) as load:
        for agent in ack.agents:
            time.sleep(1)
            assert agent.stop(signal.SIGTERM) == 0
            ack.restart(agent)
        outcome = load.finish()
    print(f"\nrolling restart: {outcome.summary()}")
    assert not outcome.failed(outcome.requests), outcome.failed(outcome.requests)[:5]
    assert_none_doubled(ack, offset, namespace, outcome)


def test_watches_go_on_when_their_agent_dies(ack: Site, member: Client, namespace: str) -> None:
    """The watch ends at an object's boundary, so that a reflector resumes without an error."""
    path = f"/api/v1/namespaces/{namespace}/configmaps?watch=1"
    streams = [member.stream(path) for _ in range(8)]
    try:
        for stream in streams:
            assert next(stream.events())["type"] == "ADDED"
        ack.agents[0].kill()
        ended = 0
        ack.cluster.kubectl("create", "configmap", "mark", "-n", namespace)
        for stream in streams:
            types = []
            for line in stream.lines():
                assert line.endswith(b"\n"), "cut within an object"
                types.append(line)
                if b'"name":"mark"' in line:
                    break
            ended += not any(b'"name":"mark"' in t for t in types)
        assert ended < len(streams), "all watches were on one of two Agents"
    finally:
        for stream in streams:
            stream.__exit__()


# The network


def cut_off(site: Site, admin_login: Login, seconds: float) -> None:
    kubectl = Kubectl(admin_login.kubeconfig(site.name))
    kubectl("get", "namespaces")
    site.cluster.cut()
    try:
        cut_at = time.monotonic()
        noticed = site.wait_phase("Unreachable", timeout=15)
        ready = site.condition("Ready")
        assert ready["status"] == "False" and ready["reason"] == "NoLane" and ready["fix"], ready
        status = site.status()
        assert status["kubernetesVersion"], "what was known stays shown"
        assert status["lastSeen"] < ready["lastTransitionTime"] or status["lastSeen"] == ready["lastTransitionTime"]
        watch = wait.Stopwatch()
        refused = kubectl.try_run("get", "namespaces", timeout=10)
        at_once = watch.seconds
        assert refused.code == 1 and "is not connected" in refused.err, refused.err
        answer = Client(admin_login, site.name).raw("GET", "/api/v1/namespaces")
        assert answer.status == 503 and answer.headers.get("Retry-After") is None
        assert answer.json["kind"] == "Status" and f'"{site.name}"' in answer.json["message"]
        time.sleep(max(0.0, seconds - (time.monotonic() - cut_at)))
    finally:
        site.cluster.restore()
    back = site.wait_phase("Running", timeout=6)
    kubectl("get", "namespaces")
    print(f"\ncut for {seconds:.0f} s: seen after {noticed:.1f} s, kubectl failed in {at_once:.1f} s, back {back:.1f} s after")
    assert at_once <= 3


def test_a_cut_network_is_told_and_overcome(idc: Site, admin_login: Login) -> None:
    cut_off(idc, admin_login, 10)


@pytest.mark.soak
def test_a_network_cut_for_a_minute(idc: Site, admin_login: Login) -> None:
    cut_off(idc, admin_login, 60)


def test_a_request_on_its_way_when_the_network_is_cut_ends(idc: Site, admin_login: Login) -> None:
    member = Client(admin_login, idc.name, timeout=30)
    with member.stream("/api/v1/namespaces?watch=1") as watch:
        assert next(watch.events())["type"] == "ADDED"
        idc.cluster.cut()
        took = wait.Stopwatch()
        for _ in watch.lines():
            pass
        print(f"\nthe watch of a cut cluster ended after {took.seconds:.1f} s")
        assert took.seconds <= 20
        idc.cluster.restore()


def test_without_agents_kubectl_fails_at_once(idc: Site, admin_login: Login) -> None:
    for agent in idc.agents:
        agent.stop()
    idc.wait_phase("Unreachable", timeout=5)
    watch = wait.Stopwatch()
    refused = Kubectl(admin_login.kubeconfig(idc.name)).try_run("get", "--raw", "/api/v1/namespaces", timeout=10)
    assert watch.seconds <= 2 and refused.code == 1
    assert refused.err.startswith(f'Error from server (ServiceUnavailable): cluster "{idc.name}" is not connected'), refused.err


# The hub


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_the_hub_restarts_and_nothing_is_lost(
    hub: Hub, ack: Site, idc: Site, admin: Client, kubeconfig: Path, number: int,
) -> None:
    name = f"kept-{number}"
    admin.create("clusters", name, {"displayName": "written just before"})
    before = {c["metadata"]["name"]: (c["metadata"]["uid"], c["spec"]) for c in admin.get("/apis/roadstead.io/v1alpha1/clusters")["items"]}
    hub.restart(number)
    watch = wait.Stopwatch()
    after = {c["metadata"]["name"]: (c["metadata"]["uid"], c["spec"]) for c in admin.get("/apis/roadstead.io/v1alpha1/clusters")["items"]}
    assert after == before and name in after
    for site in (ack, idc):
        site.wait_whole(timeout=10)
    print(f"\nboth clusters are back {watch.seconds:.1f} s after the hub serves again")
    Kubectl(kubeconfig)("get", "namespaces")
    admin.delete("clusters", name)
    hub.restart(number)
    assert name not in [c["metadata"]["name"] for c in admin.get("/apis/roadstead.io/v1alpha1/clusters")["items"]]


# The API server


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_an_api_server_restarts(idc: Site, admin_login: Login, number: int) -> None:
    kubectl = Kubectl(admin_login.kubeconfig(idc.name))
    idc.cluster.stop_apiserver(number)
    try:
        wait.until("the ladder says that the API server is gone", lambda: idc.condition("APIServerReachable"),
                   done=lambda c: c.get("status") != "True", timeout=15)
        assert idc.condition("Connected")["status"] == "True", "the Agents are still there"
        refused = kubectl.try_run("get", "--raw", "/api/v1/namespaces", timeout=20)
        assert refused.code == 1 and "cannot reach its API server" in refused.err, refused.err
    finally:
        idc.cluster.start_apiserver()
    idc.wait_phase("Running", timeout=10)
    kubectl("get", "namespaces")


# Clients that behave badly


@contextmanager
def stalled_readers(member: Client, programs: Sequence[Program], namespace: str, count: int = 10) -> Iterator[list[HTTPSConnection]]:
    """Connections that have asked for 8 MB and read nothing; the windows behind them are full."""
    stalled = []
    try:
        for n in range(count):
            connection = member.connect(timeout=120)
            connection.connect()
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096 if n else 1 << 17)
            connection.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")
            stalled.append(connection)
        work = lambda: sum(p.cpu_seconds() for p in programs)  # noqa: E731

        def grows() -> float:
            before = work()
            time.sleep(0.5)
            return work() - before

        wait.until("the windows of the stalled are full", grows, done=lambda spent: spent < 0.1)
        yield stalled
    finally:
        for connection in stalled:
            connection.close()


def stalled_reader(site: Site, member: Client, kubeconfig: Path, namespace: str, hub: Hub, seconds: float, rounds: int) -> None:
    """Rounds with and without the stalled, compared by the p99 of windows of five seconds. Of all
    windows the lower quartile counts: what readers do to others they do in every window, and other work on the machine does not."""
    for n in range(40):  # 8 MB in all
        site.straight().raw("POST", f"/api/v1/namespaces/{namespace}/configmaps", {"Content-Type": "application/json"},
                            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"big-{n}"}, "data": {"x": "y" * 200_000}})
    window = min(5.0, seconds / 2)
    alone: list[Outcome] = []
    beside: list[Outcome] = []

    def load(duration: float, into: list[Outcome]) -> None:
        with Load(kubeconfig, namespace, seconds=duration, rate=50) as load:  # few, so that a busy machine keeps up
            outcome = load.finish()
        assert not outcome.failed(outcome.requests), outcome.failed(outcome.requests)[:5]
        into += outcome.windows(window)

    grown = 0
    for _ in range(rounds):
        load(seconds / 2, alone)
        size = hub.resident_bytes()
        with stalled_readers(member, (hub, *site.agents), namespace) as stalled:
            load(seconds, beside)
            grown = max(grown, hub.resident_bytes() - size)
            if seconds < 30:  # it reads again, and nothing is missing; the API server itself gives up after a minute
                answer = stalled[0].getresponse()
                assert answer.status == 200 and len(json.loads(answer.read())["items"]) >= 40
        load(seconds / 2, alone)
    calm = lambda windows, share: sorted(w.percentile(share) for w in windows)[len(windows) // 4]  # noqa: E731
    for name, windows in (("alone", alone), ("beside ten stalled readers", beside)):
        p99 = statistics.quantiles([w.percentile(0.99) for w in windows], n=4)
        print(f"\n{name}: p50 {calm(windows, 0.5):.2f} ms, p99 {calm(windows, 0.99):.2f} ms; quartiles of p99 over {len(windows)} "
              f"windows of {window:.0f} s: {', '.join(f'{q:.2f}' for q in p99)} ms")
    print(f"hub grew by {grown >> 10} KiB")
    assert grown <= 10 * (8 << 20)
    spare = 0 if rounds > 1 else 500  # a single round tells only of a standstill
    assert calm(beside, 0.99) <= max(calm(alone, 0.99) * 1.1, calm(alone, 0.99) + 1) + spare


def test_stalled_readers_disturb_nobody(ack: Site, member: Client, kubeconfig: Path, namespace: str, hub: Hub) -> None:
    stalled_reader(ack, member, kubeconfig, namespace, hub, 4, 1)


@pytest.mark.soak
def test_stalled_readers_for_a_minute(ack: Site, member: Client, kubeconfig: Path, namespace: str, hub: Hub) -> None:
    stalled_reader(ack, member, kubeconfig, namespace, hub, 60, 3)


def abort_requests(kubeconfig: Path, namespace: str, count: int) -> None:
    """Requests that their client gives up in every phase; see tests/e2e/go/tools/abort.go."""
    subprocess.run([str(tools.binary("tools")), "abort", f"--kubeconfig={kubeconfig}", f"--namespace={namespace}", f"--count={count}"],
                   check=True, timeout=1200)


def aborted(site: Site, member: Client, kubeconfig: Path, namespace: str, hub: Hub, count: int) -> None:
    programs = [hub, *site.agents]
    descriptors = lambda: [p.descriptors() for p in programs]  # noqa: E731

    def back(to: list[int], spare: int) -> list[int]:
        return wait.until("descriptors are back", descriptors, timeout=90, every=0.5, done=lambda seen: all(
            now <= before * 1.01 + spare for now, before in zip(seen, to, strict=True)))

    quiet = descriptors()
    abort_requests(kubeconfig, namespace, count // 2)  # to warm up: pools, lanes and caches have their size afterwards
    warm = back(quiet, 8)
    memory = [p.resident_bytes() for p in programs]
    watch = wait.Stopwatch()
    abort_requests(kubeconfig, namespace, count)
    took = watch.seconds
    after = back(warm, 1)  # a connection to the API server more or less
    grown = [(p.resident_bytes() - m) / m for p, m in zip(programs, memory, strict=True)]
    print(f"\n{count} aborted requests in {took:.0f} s: descriptors {warm} before and {after} after, memory " +
          ", ".join(f"{g:+.1%}" for g in grown))
    assert member.raw("GET", "/version").status == 200
    assert site.phase() == "Running"
    assert max(grown) <= (0.01 if count >= 100_000 else 0.10)


def test_aborted_requests_leave_nothing(ack: Site, member: Client, kubeconfig: Path, namespace: str, hub: Hub) -> None:
    aborted(ack, member, kubeconfig, namespace, hub, 2_000)


@pytest.mark.soak
def test_100000_aborted_requests_leave_nothing(ack: Site, member: Client, kubeconfig: Path, namespace: str, hub: Hub) -> None:
    aborted(ack, member, kubeconfig, namespace, hub, 100_000)
