# SPDX-License-Identifier: Apache-2.0
"""An Agent that is not honest, for a real hub: a lane on which a test says what it likes."""

from __future__ import annotations

import base64
import json
import ssl
import struct
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from . import http2
from .client import Client, Connection, Key, exchange
from .http2 import Frame, Wire

ENROL = "enrol.roadstead.internal"
CA = "aa" * 32


def tunnel_name(cluster: str) -> str:
    return f"{cluster}.tunnel.roadstead.internal"


class Registered:
    """What a registered Agent holds: its cluster's certificate, and the CA that the hub must have."""

    def __init__(self, admin: Client, cluster: str, folder: Path) -> None:
        self.admin, self.cluster, self.folder = admin, cluster, folder
        folder.mkdir(parents=True, exist_ok=True)
        secret = next(d for d in yaml.safe_load_all(admin.register(cluster)["manifest"]) if d and d["kind"] == "Secret")["data"]
        self.token = base64.b64decode(secret["token"]).decode()
        self.roots = base64.b64decode(secret["hub-roots.pem"]).decode()
        key = Key()
        enrolment = ssl.create_default_context(cadata=self.roots)
        answer = exchange(Connection(admin.address, ENROL, enrolment), "POST", "/enrol/v1/certificate", {
            "cluster": cluster, "csr": key.csr(), "replica": "evil-0", "software": "evil", "apiServerCAFingerprint": CA,
        }, {"Authorization": f"Bearer {self.token}"})
        assert answer.status == 200, answer.text
        self.credential = folder / "agent.pem"
        self.credential.write_text(answer.json["certificate"] + key.pem())
        self.user_roots = answer.json["userRoots"]

    def context(self, *alpn: str, credential: Path | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.roots)
        context.load_cert_chain(credential or self.credential)
        context.set_alpn_protocols(list(alpn or ("roadstead-tunnel/1",)))
        return context

    def dial(self, *, cluster: str = "", context: ssl.SSLContext | None = None, seconds: float = 10) -> Wire:
        return http2.connect(self.admin.address, tunnel_name(cluster or self.cluster), context or self.context(), seconds=seconds)


def message(value: object) -> bytes:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack(">I", len(text)) + text


HELLO = {"type": "hello", "version": 1, "capabilities": [], "software": "evil 1", "replica": "evil-0", "lanePurpose": "primary",
         "apiServerCAFingerprint": CA, "kubernetesVersion": "v1.36.3", "platform": "linux/amd64"}
REPORT = {"type": "apiserver", "reachable": True, "version": "v1.36.3", "message": "", "ageMilliseconds": 0}
OK = http2.block([(":status", "200")])


class HostileLane:
    """The Agent's side: HTTP/2 server on a connection that it dialled. Identities are always taken."""

    def __init__(self, agent: Registered) -> None:
        self.wire = agent.dial()
        self.control = 0
        self.wire.send(http2.settings((http2.MAX_CONCURRENT_STREAMS, 100), (8, 1)))

    def ready(self, hello: object = None) -> HostileLane:
        """Says hello on the control stream, and that the API server is well."""
        self.skip_preface()
        self.next_request()
        self.wire.send(http2.headers(self.control, OK, http2.END_HEADERS)
                       + http2.data(self.control, message(hello or HELLO) + message(REPORT), 0))
        return self

    def skip_preface(self) -> None:
        assert self.wire._take(len(http2.PREFACE)) == http2.PREFACE  # noqa: SLF001 - the one place that is not a frame

    def next_request(self) -> tuple[int, dict[str, str]]:
        """The next user's request. What belongs to the lane is answered on the way."""
        while True:
            frame = self.wire.read()
            if frame.kind == http2.SETTINGS and not frame.flags & http2.ACK:
                self.wire.send(http2.frame(http2.SETTINGS, http2.ACK, 0))
            elif frame.kind == http2.PING and not frame.flags & http2.ACK:
                self.wire.send(http2.ping(frame.payload, http2.ACK))
            elif frame.kind == http2.HEADERS:
                fields = self.wire.decode(frame.payload)
                if fields.get(":path") == "/v1/control":
                    self.control = frame.stream
                    return frame.stream, fields
                if fields.get(":path") == "/v1/identity":
                    self.wire.send(http2.headers(frame.stream, OK))
                elif fields:
                    return frame.stream, fields

    def until(self, wanted: Callable[[Frame], bool]) -> Frame:
        while not wanted(frame := self.wire.read()):
            pass
        return frame

    def drain(self, seconds: float = 0.2) -> bool:
        """Reads for a while; whether the hub has closed the lane."""
        self.wire.more_time(seconds)
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                self.wire.read()
        except TimeoutError:
            return False
        except http2.Ended:
            return True
        return False
