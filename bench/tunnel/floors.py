# SPDX-License-Identifier: Apache-2.0
"""One hop: plain reverse proxies from TLS to TLS, one worker each, as the hub has one shard."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from harness import envoy

from .site import ORIGIN_NAME, Site, Way

HAPROXY = """\
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    http-reuse always
frontend users
    bind {listen} ssl crt {folder}/haproxy.pem ca-file {folder}/ca.crt verify required alpn h2,http/1.1
    default_backend origin
backend origin
    server origin {origin} ssl crt {folder}/client.pem ca-file {folder}/ca.crt verify required verifyhost {name} sni str({name}) alpn {alpn}
"""


def haproxy(site: Site, alpn: str = "http/1.1") -> Way:
    listen = site.free_address()
    path = site.folder / "haproxy.cfg"
    path.write_text(HAPROXY.format(listen=listen, origin=site.origin, folder=site.folder, name=ORIGIN_NAME, alpn=alpn))
    program = site.start("haproxy", "haproxy", "-db", "-f", path, listens=listen)
    version = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    return Way("haproxy", site.endpoint(listen), {"haproxy": program}, (version, *site.shown(path.read_text())))


def start_envoy(site: Site, protocol: str = "http/1.1") -> Way:
    """Raises NoEnvoy. HTTP/1.1 to the origin costs about what h2 does and has the lower delays, so it is the stricter measure."""
    binary = envoy.program()
    listen = site.free_address()
    path = site.folder / "envoy.json"
    path.write_text(json.dumps(_envoy(site, listen, protocol), indent=1))
    program = site.start(
        "envoy", binary, "--config-path", path, "--concurrency", "1", "--log-level", "error", "--disable-hot-restart", listens=listen)
    version = subprocess.run([str(binary), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return Way("envoy", site.endpoint(listen), {"envoy": program}, (
        f"Envoy {version.rpartition(' ')[2]}",
        "  one worker, no access log; users: HTTP/2 or HTTP/1.1 with a client certificate that is verified; "
        f"origin: {protocol}, verified by CA and name, no limit of connections; no time-out of a stream"))


def _envoy(site: Site, listen: str, protocol: str) -> dict[str, Any]:
    return {"static_resources": {
        "listeners": [{"address": _address(listen), "filter_chains": [_users(site)]}],
        "clusters": [_origin(site, protocol)],
    }}


def _address(address: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}


def _tls(kind: str, site: Site, certificate: str, **more: Any) -> dict[str, Any]:
    validation: dict[str, Any] = {"trusted_ca": {"filename": str(site.folder / "ca.crt")}}
    if kind == "UpstreamTlsContext":
        validation["match_typed_subject_alt_names"] = [{"san_type": "DNS", "matcher": {"exact": ORIGIN_NAME}}]
    files = {part: {"filename": str(site.folder / f"{certificate}.{end}")} for part, end in (
        ("certificate_chain", "crt"), ("private_key", "key"))}
    common = {"tls_certificates": [files], "validation_context": validation, "alpn_protocols": more.pop("alpn")}
    return {"name": "tls", "typed_config": {
        "@type": f"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{kind}", "common_tls_context": common, **more}}


def _users(site: Site) -> dict[str, Any]:
    router = {"name": "router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "origin", "timeout": "0s", "idle_timeout": "0s"}}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "users", "codec_type": "AUTO", "stream_idle_timeout": "0s", "http_filters": [router],
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    return {
        "filters": [{"name": "http", "typed_config": manager}],
        "transport_socket": _tls(
            "DownstreamTlsContext", site, "origin", alpn=["h2", "http/1.1"], require_client_certificate=True),
    }


def _origin(site: Site, protocol: str) -> dict[str, Any]:
    options = {"http2_protocol_options": {}} if protocol == "h2" else {"http_protocol_options": {}}
    most = 100_000
    return {
        "name": "origin", "type": "STATIC", "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "origin", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": _address(site.origin)}}]}]},
        "circuit_breakers": {"thresholds": [{
            "max_connections": most, "max_pending_requests": most, "max_requests": most}]},
        "transport_socket": _tls("UpstreamTlsContext", site, "client", alpn=[protocol], sni=ORIGIN_NAME),
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": options}},
    }
