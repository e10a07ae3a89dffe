# SPDX-License-Identifier: Apache-2.0
"""TLS sessions of Agents outlive the hub that made them, so that thousands who come back at once are cheap to answer."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from e2e.support import http2
from e2e.support.client import Client, log_in
from e2e.support.hostile_agent import Registered, tunnel_name
from e2e.support.hub import Hub


def _reused(registered: Registered, context: ssl.SSLContext, session: ssl.SSLSession, address: tuple[str, int]) -> bool:
    with socket.create_connection(address, 5) as plain, \
         context.wrap_socket(plain, server_hostname=tunnel_name(registered.cluster), session=session) as tls:
        tls.settimeout(10)
        assert tls.recv(1) == b"P", "the hub begins with its preface"
        return bool(tls.session_reused)


def test_a_lane_is_resumed_after_a_restart_of_the_hub(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "hub", "127.0.0.1").start()
    try:
        first = hub.first_login()
        admin = Client(log_in(first.server, first.code, first.pin, tmp_path / "admin"))
        admin.create("clusters", "far")
        registered = Registered(admin, "far", tmp_path / "far")
        context = registered.context("roadstead-tunnel/1")
        lane = http2.connect(admin.address, tunnel_name("far"), context)
        lane._take(1)  # noqa: SLF001 - the ticket comes with the first bytes
        session = lane.tls.session
        lane.close()
        assert session is not None and session.has_ticket
        hub.kill()
        hub.start()
        assert _reused(registered, context, session, admin.address)
    finally:
        hub.stop()
