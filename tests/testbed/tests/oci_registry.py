# SPDX-License-Identifier: Apache-2.0
"""A read-only OCI registry over TLS that serves one image tar, as the hub does for the Agent's image."""

from __future__ import annotations

import io
import json
import ssl
import tarfile
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from testbed.pki import Authority


class Registry:
    def __init__(self, address: str, tar: Path) -> None:
        self._blobs: dict[str, bytes] = {}
        with tarfile.open(tar) as archive:
            index = json.load(io.BytesIO(self._read(archive, "index.json")))
            for member in archive.getnames():
                if member.startswith("blobs/sha256/") and archive.getmember(member).isfile():
                    self._blobs["sha256:" + member.rsplit("/", 1)[1]] = self._read(archive, member)
        self._manifest = index["manifests"][0]["digest"]
        self._requests: list[str] = []
        authority = Authority("registry-ca")
        self.ca_pem = authority.pem.decode()
        self._server = ThreadingHTTPServer((address, 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            authority.issue("registry", server_names=[address, "registry.hub.test"]).write(Path(folder), "server")
            context.load_cert_chain(Path(folder) / "server.crt", Path(folder) / "server.key")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @staticmethod
    def _read(archive: tarfile.TarFile, name: str) -> bytes:
        stream = archive.extractfile(name)
        assert stream is not None
        return stream.read()

    def served(self, path: str) -> bool:
        return path in self._requests

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(send_body=False)

            def do_GET(self) -> None:
                self._answer(send_body=True)

            def _answer(self, send_body: bool) -> None:
                registry._requests.append(self.path)
                last = self.path.rsplit("/", 1)[-1]
                kind = "application/octet-stream"
                if "/manifests/" in self.path:
                    kind = "application/vnd.oci.image.manifest.v1+json"
                    last = last if last.startswith("sha256:") else registry._manifest
                body = b"{}" if self.path == "/v2/" else registry._blobs.get(last)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body or b"")))
                self.send_header("Docker-Content-Digest", last)
                self.end_headers()
                if send_body and body:
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
