# SPDX-License-Identifier: Apache-2.0
"""Two hops as others make them: the programs of bench/peers in the role in which OCM and Rancher use the libraries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from e2e.support import wait
from harness import golang, load
from harness.load import LoadFailed

from .site import ORIGIN_NAME, Site, Way

START_SECONDS = 30
READY = {"kind": "count", "count": 1, "ask": {"method": "GET", "path": "/version"}}


@dataclass(frozen=True)
class Variant:
    """One way to run a peer. The best of a peer's variants is what it is judged by, figure by figure."""

    name: str
    peer: str
    protocol: str  # with the origin, through the tunnel
    front: str = ""  # konnectivity: how the reverse proxy asks it for a connection


VARIANTS = (
    Variant("konnectivity-h1", "konnectivity", "http/1.1", "grpc"),
    Variant("konnectivity-h2", "konnectivity", "h2", "grpc"),
    Variant("konnectivity-connect-h1", "konnectivity", "http/1.1", "http-connect"),
    Variant("konnectivity-connect-h2", "konnectivity", "h2", "http-connect"),
    Variant("remotedialer-h1", "remotedialer", "http/1.1"),
    Variant("remotedialer-h2", "remotedialer", "h2"),
)
# Those that are measured unless more is asked for: http-connect cost as much as grpc or less when all were measured.
USUAL = ("konnectivity-connect-h1", "konnectivity-connect-h2", "remotedialer-h1", "remotedialer-h2")
# With h2, remotedialer stops for good once more than 2 MiB wait in one direction: its pause also holds back what is written the
# other way, so HTTP/2 cannot give credit. The variant stays, since it is the cheapest for small requests.
BY_NAME = {variant.name: variant for variant in VARIANTS}

SETTINGS = {
    "konnectivity": (
        "konnectivity {version}, the library in programs of bench/peers: server and reverse proxy in one process, joined by a "
        "socket file without TLS (front: {front}); agent by gRPC in mutual TLS 1.3; 150 packets may wait at either end "
        "(xfr-channel-size; default 10 at the server), keepalive 30 s (default 1 h), strategy default, log level 0"),
    "remotedialer": (
        "remotedialer {version}, the library in programs of bench/peers: WebSocket in mutual TLS 1.3, the agent side with 64 KiB "
        "buffers; log level warn"),
}
REVERSE = (
    "  in front of it: Go's httputil.ReverseProxy, {protocol} to the origin; TLS 1.3 and client certificates on all hops; "
    "connections through the tunnel are kept, up to 4,096; flushes at once; buffers of 32 KiB, pooled; no identity work, no record")


def programs() -> Path:
    return golang.build("peers", ("./konnectivity", "./remotedialer"))


def start(site: Site, variant: Variant) -> Way:
    """Returns when a request gets through."""
    binary = programs() / variant.peer
    users, agents = site.free_address(), site.free_address()
    identity = ("--certificate", site.folder / "peer.crt", "--key", site.folder / "peer.key", "--authority", site.folder / "ca.crt")
    file = site.folder / f"{variant.name}.sock"
    file.unlink(missing_ok=True)
    front = ("--front", variant.front, "--front-socket", file) if variant.front else ()
    hub = site.start(
        f"{variant.name} hub", binary, "hub", *identity, "--listen", users, "--agents", agents, "--origin", site.origin,
        "--origin-name", ORIGIN_NAME, "--origin-protocol", variant.protocol, *front, listens=agents)
    agent = site.start(f"{variant.name} agent", *site.at_far, binary, "agent", *identity, "--hub", agents, "--hub-name", ORIGIN_NAME)
    way = Way(variant.name, site.endpoint(users), {"hub": hub, "agent": agent}, _settings(variant))
    wait.until(
        f"{variant.name} brings a request to the origin", lambda: _answers(site, way), timeout=START_SECONDS,
        dump=lambda: hub.tail() + "\n" + agent.tail())
    return way


def _answers(site: Site, way: Way) -> bool:
    try:
        return load.measure(site.load, way.endpoint, {}, READY).failures == 0
    except LoadFailed:
        return False


def _settings(variant: Variant) -> tuple[str, ...]:
    go_mod = (golang.BENCH / "peers" / "go.mod").read_text().splitlines()
    module = {"konnectivity": "sigs.k8s.io/apiserver-network-proxy ", "remotedialer": "github.com/rancher/remotedialer "}[variant.peer]
    version = next(line.split()[1] for line in go_mod if line.strip().startswith(module))
    return (
        f"{variant.name}: " + SETTINGS[variant.peer].format(version=version, front=variant.front),
        REVERSE.format(protocol=variant.protocol))
