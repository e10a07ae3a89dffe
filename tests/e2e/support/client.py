# SPDX-License-Identifier: Apache-2.0
"""A small client of the hub: login, objects, and raw requests to member clusters."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

GROUP = "/apis/roadstead.io/v1alpha1"
ZONE = "clusters.roadstead.internal"


class ApiError(AssertionError):
    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}: {answer.text[:500]}")
        self.answer = answer


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection(http.client.HTTPSConnection):
    """HTTP/1.1 over TLS to one address under another name (SNI)."""

    def __init__(self, address: tuple[str, int], name: str, context: ssl.SSLContext, timeout: float = 30) -> None:
        super().__init__(*address, context=context, timeout=timeout)
        self._tls_name = name
        self._tls_context = context

    def connect(self) -> None:
        raw = socket.create_connection((self.host, self.port), self.timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self._tls_context.wrap_socket(raw, server_hostname=self._tls_name)


@dataclass(frozen=True)
class Key:
    """A private key and what a CSR says of it."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def csr(self, name: str = "anyone") -> str:
        builder = x509.CertificateSigningRequestBuilder().subject_name(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        return builder.sign(self.private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def pem(self) -> str:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def pinned_roots(host: str, port: int, pin: str) -> str:
    """The CA that the server presents, in PEM, when its SHA-256 is the pinned one."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only to look at the chain; nothing is sent on this connection
    with socket.create_connection((host, port), 10) as raw, context.wrap_socket(raw, server_hostname=host) as tls:
        chain = [ssl.PEM_cert_to_DER_cert(c.public_bytes()) for c in tls._sslobj.get_unverified_chain()]  # type: ignore[attr-defined]  # noqa: SLF001
    for der in chain:
        if "sha256:" + hashlib.sha256(der).hexdigest() == pin:
            return ssl.DER_cert_to_PEM_cert(der)
    raise AssertionError("the server's chain has no certificate with the pinned fingerprint")


@dataclass(frozen=True)
class Login:
    """What a login leaves behind, in the command line's form: files of one person."""

    folder: Path
    name: str
    server: str
    zone: str

    @property
    def credential(self) -> Path:
        """The certificate, its chain and its key."""
        return self.folder / "credential.pem"

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificates(self.credential.read_bytes())[0]

    def keep(self, certificate: str, key: Key, roots: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.credential.touch(mode=0o600)
        self.credential.write_text(certificate + key.pem())
        self.roots.write_text(roots)

    @property
    def roots(self) -> Path:
        return self.folder / "roots.pem"

    @property
    def serial(self) -> str:
        """As the hub writes it."""
        return format(self.certificate.serial_number, "x")

    def kubeconfig(self, cluster: str, folder: Path | None = None, *, by_path: bool = False) -> Path:
        """For a member cluster by its host name, or by a path of the hub's; "" for the hub's own API."""
        target: dict[str, Any] = {"server": self.server, "certificate-authority": str(self.roots)}
        if by_path:
            target["server"] += f"/clusters/{cluster}"
        elif cluster:
            target["tls-server-name"] = f"{cluster}.{self.zone}"
        user = {"client-certificate": str(self.credential), "client-key": str(self.credential)}
        # Beside the folder, whose name may have a colon, which would end the path in KUBECONFIG.
        path = (folder or self.folder.parent) / f"{self.name}-{cluster or 'hub'}{'-by-path' if by_path else ''}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": target}], "users": [{"name": "it", "user": user}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }))
        return path


def log_in(server: str, code: str, pin: str, folder: Path, *, seconds: int = 0) -> Login:
    host, _, port = server.removeprefix("https://").rpartition(":")
    host = host.strip("[]")
    return redeem(server, code, pinned_roots(host, int(port), pin), folder, seconds=seconds)


def redeem(server: str, code: str, roots: str, folder: Path, *, seconds: int = 0) -> Login:
    """Exchanges a login code for a client certificate."""
    host, _, port = server.removeprefix("https://").rpartition(":")
    host = host.strip("[]")
    key = Key()
    body: dict[str, Any] = {"code": code, "csr": key.csr()}
    if seconds:
        body["expirationSeconds"] = seconds
    connection = Connection((host, int(port)), host, ssl.create_default_context(cadata=roots))
    answer = exchange(connection, "POST", "/login/v1/certificate", body)
    if answer.status != 200:
        raise ApiError(answer)
    login = Login(folder, answer.json["login"], answer.json["server"], answer.json["zone"])
    login.keep(answer.json["certificate"], key, answer.json["roots"])
    return login


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request; the connection is closed after it."""
    fields = dict(headers or {})
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
        fields.setdefault("Content-Type", "application/json")
    try:
        connection.request(method, path, body, fields)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


class Client:
    """Requests in one person's name, to the hub's API or (with `cluster`) to a member cluster's."""

    def __init__(self, login: Login, cluster: str = "", *, timeout: float = 30) -> None:
        self.login = login
        self.cluster = cluster
        host, _, port = login.server.removeprefix("https://").rpartition(":")
        self.address = (host.strip("[]"), int(port))
        self.tls_name = f"{cluster}.{login.zone}" if cluster else self.address[0]
        self.timeout = timeout
        self.context = ssl.create_default_context(cafile=str(login.roots))
        self.context.load_cert_chain(login.credential)

    def connect(self, timeout: float | None = None) -> Connection:
        return Connection(self.address, self.tls_name, self.context, timeout or self.timeout)

    def raw(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        return exchange(self.connect(), method, path, body, headers)

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        answer = self.raw(method, path, body, headers)
        if not 200 <= answer.status < 300:
            raise ApiError(answer)
        return answer.json

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def stream(self, path: str, timeout: float = 30) -> Stream:
        return Stream(self.connect(timeout), path)

    # Hub objects

    def create(self, plural: str, name: str, spec: Mapping[str, Any] | None = None) -> Any:
        kinds = {"clusters": "Cluster", "users": "User", "credentials": "Credential"}
        return self.call("POST", f"{GROUP}/{plural}", {
            "apiVersion": "roadstead.io/v1alpha1", "kind": kinds[plural],
            "metadata": {"name": name}, "spec": dict(spec or {}),
        })

    def object(self, plural: str, name: str) -> Any:
        return self.get(f"{GROUP}/{plural}/{name}")

    def patch(self, plural: str, name: str, change: Mapping[str, Any]) -> Any:
        return self.call("PATCH", f"{GROUP}/{plural}/{name}", json.dumps(change),
                         {"Content-Type": "application/merge-patch+json"})

    def delete(self, plural: str, name: str) -> Any:
        return self.call("DELETE", f"{GROUP}/{plural}/{name}")

    def register(self, cluster: str, **spec: Any) -> Any:
        """Mints a token; the status has `manifest`."""
        return self.call("POST", f"{GROUP}/clusters/{cluster}/registration", {
            "apiVersion": "roadstead.io/v1alpha1", "kind": "ClusterRegistration", "spec": spec,
        })["status"]

    def login_code(self, user: str) -> str:
        return str(self.call("POST", f"{GROUP}/users/{user}/logincode", {
            "apiVersion": "roadstead.io/v1alpha1", "kind": "LoginCode",
        })["status"]["code"])

    def person(self, name: str, folder: Path, *, seconds: int = 0, **spec: Any) -> Login:
        """Creates a user and logs in as that user."""
        self.create("users", name, spec)
        return redeem(self.login.server, self.login_code(name), self.login.roots.read_text(), folder, seconds=seconds)

    def credential_of(self, login: Login) -> Any:
        """The Credential object of a login."""
        for item in self.get(f"{GROUP}/credentials")["items"]:
            pem = base64.b64decode(item.get("status", {}).get("certificate", ""))
            if pem and x509.load_pem_x509_certificates(pem)[0] == login.certificate:
                return item
        raise AssertionError(f"the hub keeps no credential of {login.name} with this certificate")

    def revoke(self, login: Login) -> None:
        self.patch("credentials", self.credential_of(login)["metadata"]["name"], {"spec": {"revoked": True}})


class Stream:
    """A request whose answer goes on, for example a watch. Use it with `with`."""

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._left = False
        connection.request("GET", path, headers={"Accept": "application/json"})
        self.response = connection.getresponse()

    @property
    def status(self) -> int:
        return self.response.status

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._left = True
        self._connection.close()

    def lines(self) -> Iterator[bytes]:
        """Until the end; TimeoutError when nothing comes for the connection's time."""
        while line := self._next():
            yield line

    def _next(self) -> bytes:
        try:
            return self.response.readline()
        except (OSError, ValueError, AttributeError):
            if self._left:
                return b""  # another thread still read when `with` ended
            raise

    def events(self) -> Iterator[Any]:
        for line in self.lines():
            yield json.loads(line)


class Straight:
    """An administrator's raw requests directly to an API server, to compare with."""

    def __init__(self, server: str, pki: Path) -> None:
        self.context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self.context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        host, _, port = server.removeprefix("https://").rpartition(":")
        self.address = (host, int(port))

    def connect(self, timeout: float = 30) -> Connection:
        return Connection(self.address, self.address[0], self.context, timeout)

    def raw(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Answer:
        return exchange(self.connect(), method, path, body, headers)
