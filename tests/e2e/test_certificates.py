# SPDX-License-Identifier: Apache-2.0
"""Certificates that are renewed and replaced while people work."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from e2e.support import paths, pods, wait
from e2e.support.agents import AgentProcess, Site
from e2e.support.client import Client, Login, log_in, pinned_roots
from e2e.support.hub import Hub
from e2e.support.kubectl import Kubectl
from e2e.support.load import Load, assert_none_doubled


@pytest.fixture
def short_lived(hub: Hub) -> Iterator[Hub]:
    """The hub with certificates that are renewed every ten seconds, its own and the Agents'."""
    flags = list(hub.flags)
    hub.stop()
    hub.flags += ["--agent-certificate-lifetime", "15s", "--server-certificate-lifetime", "15s"]
    hub.start()
    yield hub
    hub.stop()
    hub.flags = flags
    hub.start()


@pytest.fixture
def renewing(short_lived: Hub, ack: Site, admin: Client, tmp_path: Path) -> Iterator[Site]:
    """`ack` once more under another name, with two Agents of short certificates."""
    admin.create("clusters", "renewing")
    site = Site(ack.cluster, admin, tmp_path)
    try:
        for number in range(2):
            manifest = admin.register("renewing")["manifest"]
            site.agents.append(AgentProcess(ack.cluster, tmp_path, f"renewing-{number}", manifest).start())
        wait.until("both Agents are connected", lambda: admin.object("clusters", "renewing")["status"].get("agents", []),
                   done=lambda agents: len([a for a in agents if a["lanes"] > 0]) == 2, timeout=20, dump=site.dump)
        yield site
    finally:
        site.close()
        admin.delete("clusters", "renewing")


def leaf_of(hub: Hub, name: str = "") -> x509.Certificate:
    """The certificate that the hub shows at this moment."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only to look at it
    with socket.create_connection((hub.address, hub.port), 10) as raw, \
            context.wrap_socket(raw, server_hostname=name or hub.address) as tls:
        der = tls.getpeercert(binary_form=True)
        assert der
        return x509.load_der_x509_certificate(der)


def renewal_under_load(site: Site, hub: Hub, login: Login, namespace: str, direct: Kubectl, seconds: float) -> None:
    kubeconfig = login.kubeconfig("renewing")
    kubectl = Kubectl(kubeconfig, namespace=namespace)
    pods.run(direct, pods.pod("steady", "sleep 3600"))
    first_own = leaf_of(hub).serial_number
    beats: list[str] = []
    shell = kubectl.popen("exec", "steady", "--", "sh", "-c", f"for i in $(seq {int(seconds)}); do echo beat $i; sleep 1; done",
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    reader = threading.Thread(target=lambda: beats.extend(shell.stdout or []), daemon=True)
    reader.start()
    offset = site.cluster.audit_offset()
    with Client(login, "renewing", timeout=60).stream(f"/api/v1/namespaces/{namespace}/configmaps?watch=1&timeoutSeconds=600") as watch:
        seen: list[str] = []

        def follow() -> None:
            for event in watch.events():
                seen.append(event["object"]["metadata"]["name"])

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        with Load(kubeconfig, namespace, seconds=seconds, rate=50, write_every=5) as load:
            outcome = load.finish()
        assert follower.is_alive(), "the watch was dropped"
        last = f"end-{time.monotonic_ns()}"
        direct("create", "configmap", last)
        wait.until("the watch still tells", lambda: last in seen)
    assert shell.wait(30) == 0, shell.stderr.read() if shell.stderr else ""
    reader.join(5)
    print(f"\n{outcome.summary()}")
    assert [b.strip() for b in beats] == [f"beat {i}" for i in range(1, int(seconds) + 1)], "the exec lost something"
    assert not outcome.failed(outcome.requests), outcome.failed(outcome.requests)[:5]
    assert_none_doubled(site, offset, namespace, outcome)
    assert set(w["write"] for w in outcome.writes) <= set(seen), "the watch missed something"
    wanted = int(seconds // 10) - 1
    for agent in site.agents:
        used = {line.split("serial=")[1].split()[0] for line in agent.text().splitlines() if "certificate in use" in line}
        assert len(used) > wanted, f"{agent.replica} used {len(used)} certificates:\n{agent.tail()}"
    assert leaf_of(hub).serial_number != first_own, "the hub's own certificate was not renewed"


def test_renewal_drops_nothing(renewing: Site, short_lived: Hub, admin_login: Login, namespace: str, direct: Kubectl) -> None:
    renewal_under_load(renewing, short_lived, admin_login, namespace, direct, 32)


@pytest.mark.soak
def test_renewal_for_minutes_drops_nothing(
    renewing: Site, short_lived: Hub, admin_login: Login, namespace: str, direct: Kubectl,
) -> None:
    renewal_under_load(renewing, short_lived, admin_login, namespace, direct, 180)


# The hub's CA


def stored_roots(agent: AgentProcess) -> str:
    kept = json.loads((agent.state / "credentials.json").read_text())
    return base64.b64decode(kept["data"]["hub-roots.pem"]).decode()


def test_a_new_ca_of_the_hub_reaches_the_agents(idc: Site, tmp_path: Path) -> None:
    hub = Hub(tmp_path / "hub", idc.hub.address[0]).start()
    first = hub.first_login()
    login = log_in(first.server, first.code, first.pin, tmp_path / "admin")
    admin = Client(login)
    admin.create("clusters", "rotated")
    agents = [AgentProcess(idc.cluster, tmp_path, f"rotated-{n}", admin.register("rotated")["manifest"]) for n in range(2)]
    here, away = agents

    def connected(*wanted: AgentProcess) -> None:
        wait.until(f"{[a.replica for a in wanted]} are connected", lambda: admin.object("clusters", "rotated")["status"], timeout=20,
                   done=lambda s: s["phase"] == "Running" and {a["replica"] for a in s["agents"] if a["lanes"] > 0} >=
                   {a.replica for a in wanted}, dump=lambda: "\n".join(a.tail() for a in agents))

    try:
        for agent in agents:
            agent.start()
        connected(here, away)
        old_roots = login.roots.read_text()
        before = stored_roots(here)
        assert len(x509.load_pem_x509_certificates(before.encode())) == 1
        rotate = [str(paths.program("roadstead-hub")), "rotate-ca", "--data-dir", str(hub.data)]
        assert subprocess.run(rotate, capture_output=True, timeout=20).returncode != 0, "the folder of a running hub is held"
        away.stop()  # was not there while the CA was replaced
        hub.stop()
        done = subprocess.run(rotate, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and "sha256:" in done.stdout, done.stderr
        again = subprocess.run(rotate, capture_output=True, text=True, timeout=20)
        assert again.returncode != 0 and "replaced already" in again.stderr, again.stderr
        hub.start()

        # Who knows only the old CA still verifies the hub: people, and Agents, which get both over the tunnel.
        assert admin.get("/version")["major"]
        connected(here)
        both = wait.until("the Agent has stored old and new", lambda: stored_roots(here), dump=here.tail,
                          done=lambda pem: len(x509.load_pem_x509_certificates(pem.encode())) == 2)
        assert before.strip() in both
        away.start()
        connected(here, away)
        wait.until("so has the one that was away", lambda: stored_roots(away) == both, dump=away.tail)

        # The new one alone is enough, and so is the old one; and each by its fingerprint.
        new = x509.load_pem_x509_certificates(both.encode())[0]
        only_new = new.public_bytes(serialization.Encoding.PEM).decode()
        assert only_new.strip() not in old_roots
        for name in (hub.address, "enrol.roadstead.internal"):
            for roots in (only_new, old_roots):
                context = ssl.create_default_context(cadata=roots)
                with socket.create_connection((hub.address, hub.port), 10) as raw, context.wrap_socket(raw, server_hostname=name):
                    pass
        assert pinned_roots(hub.address, hub.port, first.pin).strip() == old_roots.strip()
        fresh = admin.person("somebody", tmp_path / "somebody")
        assert len(x509.load_pem_x509_certificates(fresh.roots.read_bytes())) == 2
        # Another restart of all changes nothing more.
        hub.restart()
        connected(here, away)
        assert stored_roots(here) == both
    finally:
        for agent in agents:
            agent.kill()
        hub.stop()


# A certificate of one's own


def write_certificate(folder: Path, host: str) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "own")])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
            .sign(key, hashes.SHA256()))
    for path, data in (
        (folder / "tls.key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())),
        (folder / "tls.crt", made.public_bytes(serialization.Encoding.PEM)),
    ):
        path.with_suffix(".new").write_bytes(data)
        path.with_suffix(".new").replace(path)
    return made


def test_a_certificate_of_ones_own_is_read_again(ack: Site, tmp_path: Path) -> None:
    address = ack.hub.address[0]
    first = write_certificate(tmp_path, address)
    hub = Hub(tmp_path / "hub", address, "--tls-certificate", str(tmp_path / "tls.crt"), "--tls-key", str(tmp_path / "tls.key"))
    hub.start()
    try:
        assert leaf_of(hub) == first
        assert leaf_of(hub, "enrol.roadstead.internal") != first, "Agents always meet the hub's own CA"
        context = ssl.create_default_context(cadata=(tmp_path / "tls.crt").read_text())
        with socket.create_connection((address, hub.port), 10) as raw, context.wrap_socket(raw, server_hostname=address) as kept:
            second = write_certificate(tmp_path, address)
            wait.until("the new one is shown", lambda: leaf_of(hub) == second, timeout=20, every=0.5, dump=hub.tail)
            (tmp_path / "tls.crt").write_text("rubbish")
            wait.until("rubbish is told", lambda: "stays in use" in hub.text(), timeout=20, every=0.5, dump=hub.tail)
            assert leaf_of(hub) == second
            kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n")
            assert kept.recv(65536).startswith(b"HTTP/1.1 200"), "an open connection stays"
    finally:
        hub.stop()
