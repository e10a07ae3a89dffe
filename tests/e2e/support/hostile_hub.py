# SPDX-License-Identifier: Apache-2.0
"""A hub that is not honest, for a real Agent: it speaks the tunnel protocol and breaks what rules a test likes."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
from OpenSSL import SSL, crypto

from .pki import Authority, Issued

CLUSTER = "victim"
UID = "0a1b2c3d-0000-4000-8000-000000000001"
ALPN = b"roadstead-tunnel/1"
EXPORTER = b"EXPORTER-roadstead-identity-context"
Fields = list[tuple[str, str]]


@dataclass
class Answer:
    status: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reset: int | None = None

    @property
    def error(self) -> str:
        return self.fields.get("rs-error", "")


class Closed(Exception):
    """The Agent closed the lane."""


class Lane:
    """One connection of the Agent, from its hub's side."""

    def __init__(self, tls: SSL.Connection) -> None:
        self.tls = tls
        self.peer = tls.get_peer_certificate()
        self.binding = tls.export_keying_material(EXPORTER, 32, None)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding="utf-8"))
        self.answers: dict[int, Answer] = {}
        self.ended: set[int] = set()
        self.control = 0

    def greet(self) -> None:
        self.h2.initiate_connection()
        self.flush()
        # What a stream may ask for is known with the Agent's SETTINGS only.
        self.until(lambda: self.h2.remote_settings.enable_connect_protocol == 1)
        self.control = self.open([(":method", "POST"), (":scheme", "roadstead"), (":path", "/v1/control"), (":authority", "member")], end=False)
        self.tell({"type": "hello", "version": 1, "capabilities": [], "software": "hostile", "cluster": CLUSTER, "hubInstance": "x",
                   "wallMilliseconds": int(time.time() * 1000)})

    def tell(self, message: dict[str, Any]) -> None:
        text = json.dumps(message).encode()
        self.say(struct.pack(">I", len(text)) + text)

    def say(self, octets: bytes) -> None:
        """Bytes on the control stream."""
        self._send(self.control, octets, end=False)

    def _send(self, stream: int, octets: bytes, *, end: bool) -> None:
        while octets and stream not in self.ended:
            self.until(lambda: stream in self.ended or self.h2.local_flow_control_window(stream) > 0)
            if stream in self.ended:
                return
            size = min(16384, self.h2.local_flow_control_window(stream), len(octets))
            self.h2.send_data(stream, octets[:size], end_stream=end and size == len(octets))
            octets = octets[size:]
            self.flush()

    def flush(self) -> None:
        try:
            self.tls.sendall(self.h2.data_to_send())
        except (SSL.Error, OSError) as error:
            raise Closed(str(error)) from None

    def open(self, fields: Fields, body: bytes = b"", *, end: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, fields, end_stream=end and not body)
        self.flush()
        self._send(stream, body, end=end)
        return stream

    def ask(self, fields: Fields, body: bytes = b"", seconds: float = 10) -> Answer:
        stream = self.open(fields, body)
        self.until(lambda: stream in self.ended, seconds)
        return self.answers[stream]

    def until(self, done: Callable[[], bool], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, "the Agent did not answer"
            try:
                octets = self.tls.recv(65536)
            except SSL.WantReadError:
                continue
            except (SSL.Error, OSError) as error:
                raise Closed(str(error)) from None
            for event in self.h2.receive_data(octets):
                self._note(event)
            self.flush()

    def _note(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ResponseReceived):
            fields = {str(n): str(v) for n, v in event.headers}
            answer = self.answers[event.stream_id]
            answer.status, answer.fields = int(fields[":status"]), fields
        elif isinstance(event, h2.events.DataReceived):
            self.answers[event.stream_id].body += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self.answers[event.stream_id].reset = int(event.error_code)
            self.ended.add(event.stream_id)
        elif isinstance(event, h2.events.ConnectionTerminated):
            raise Closed(f"GOAWAY {event.error_code}")

    # Identity

    def context(self, proof: str, user: str, **change: Any) -> dict[str, Any]:
        return {"id": "0000000000000001", "user": user, "groups": [], "audience": UID, "binding": self.binding.hex(),
                "proof": {"certificates": proof}, "lifetimeSeconds": 60, **change}

    def introduce(self, context: dict[str, Any] | bytes) -> Answer:
        body = context if isinstance(context, bytes) else json.dumps(context).encode()
        return self.ask([(":method", "POST"), (":scheme", "roadstead"), (":path", "/v1/identity"), (":authority", "member")], body)

    def request(
        self, path: str, identity: str | None, *more: tuple[str, str], method: str = "GET", scheme: str = "https", authority: str = "member",
        protocol: str = "", body: bytes = b"",
    ) -> Answer:
        fields = [(":method", "CONNECT" if protocol else method), (":scheme", scheme), (":path", path), (":authority", authority)]
        if protocol:
            fields.append((":protocol", protocol))
        if identity is not None:
            fields.append(("rs-identity", identity))
        return self.ask([*fields, *more], body)

    def close(self) -> None:
        try:
            self.tls.shutdown()
        except SSL.Error:
            pass
        self.tls.close()


def field_of(context: dict[str, Any]) -> str:
    """The rs-identity field of a context."""
    text = "\n".join([context["id"], context["user"], context["audience"], *context["groups"]])
    return f"{context['id']}.{hashlib.sha256(text.encode()).hexdigest()[:16]}"


class HostileHub:
    """Has all the keys that the Agent trusts, and a listener on loopback."""

    def __init__(self) -> None:
        self.hubs, self.users, self.agents = Authority("hub authority"), Authority("user authority"), Authority("agent authority")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.identity = self.certificate()
        self.alpn: Iterable[bytes] = (ALPN,)
        self.newest = SSL.TLS1_3_VERSION
        self.lanes: list[Lane] = []

    def certificate(self, *, authority: Authority | None = None, names: Iterable[str] = (), **options: Any) -> Issued:
        return (authority or self.hubs).issue("hub", names=list(names) or [f"{CLUSTER}.tunnel.roadstead.internal"],
                                              **{"server": True, "client": False, **options})

    def person(self, name: str = "ann", uid: str = "11111111-0000-4000-8000-000000000001", **options: Any) -> Issued:
        return self.users.issue(name, **{"uris": [f"roadstead://user/{name}/{uid}"], **options})

    def write_state(self, folder: Path) -> None:
        """What an Agent that was registered here keeps."""
        mine = self.agents.issue(CLUSTER, uris=[f"roadstead://cluster/{CLUSTER}/{UID}"], ends=7 * 86400)
        values = {"hub": self.address, "cluster": CLUSTER, "cluster-uid": UID, "hub-roots.pem": self.hubs.pem, "user-roots.pem": self.users.pem,
                  "tls.key": mine.key_pem, "tls.crt": mine.pem}
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        path = folder / "credentials.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                                    "data": {k: base64.b64encode(v.encode()).decode() for k, v in values.items()}}))
        path.chmod(0o600)

    def shake_hands(self, seconds: float = 15) -> Lane:
        """The next connection of the Agent, when it accepts us; SSL.Error or Closed when it does not."""
        self.listener.settimeout(seconds)
        plain, _ = self.listener.accept()
        plain.settimeout(None)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 200_000))
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_max_proto_version(self.newest)
        context.use_certificate(crypto.X509.from_cryptography(self.identity.certificate))
        context.use_privatekey(crypto.PKey.from_cryptography_key(self.identity.key))
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        wanted = list(self.alpn)
        context.set_alpn_select_callback(lambda _, offered: next((a for a in wanted if a in offered), SSL.NO_OVERLAPPING_PROTOCOLS))
        tls = SSL.Connection(context, plain)
        tls.set_accept_state()
        deadline = time.monotonic() + seconds
        while True:
            try:
                tls.do_handshake()
                break
            except SSL.WantReadError:
                if time.monotonic() > deadline:
                    raise
        lane = Lane(tls)
        self.lanes.append(lane)
        return lane

    def accept(self, seconds: float = 15) -> Lane:
        lane = self.shake_hands(seconds)
        lane.greet()
        return lane

    def close(self) -> None:
        self.listener.close()
        for lane in self.lanes:
            lane.close()


def random_binding() -> str:
    return secrets.token_hex(32)


