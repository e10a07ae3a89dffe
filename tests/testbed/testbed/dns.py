# SPDX-License-Identifier: Apache-2.0
"""Cluster DNS: CoreDNS as a program beside the kubelet, behind the usual Service `kube-dns`; it serves the node too."""

from __future__ import annotations

from . import build, kube, network
from .controlplane import Layout

_PORT = 53

# Names of the world do not exist: the answer comes at once and no query leaves the machine.
_COREFILE = """\
.:{port} {{
  errors
  cache 2
  hosts {hosts} {{
    ttl 1
    reload 1s
    fallthrough
  }}
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {kubeconfig}
    pods insecure
    ttl 2
    fallthrough in-addr.arpa ip6.arpa
  }}
  template ANY ANY {{
    rcode NXDOMAIN
  }}
}}
"""


def write_files(layout: Layout, net: network.ClusterNetwork) -> None:
    (layout.configs / "hosts").touch()
    # For the programs of the node, for example containerd, and for pods with `dnsPolicy: Default`.
    (layout.configs / "resolv.conf").write_text(f"nameserver {net.address}\noptions timeout:1 attempts:2\n")
    text = _COREFILE.format(
        port=_PORT, hosts=layout.configs / "hosts",
        kubeconfig=layout.internal_kubeconfig("coredns"),
    )
    (layout.configs / "Corefile").write_text(text)


def argv(layout: Layout) -> list[str]:
    return [str(build.binary("coredns")), "-conf", f"{layout.configs}/Corefile"]


def add_host(layout: Layout, name: str, address: str) -> None:
    with (layout.configs / "hosts").open("a") as hosts:
        hosts.write(f"{address} {name}\n")


def create_service(client: kube.Client, net: network.ClusterNetwork) -> None:
    """A Service without a selector, since the server is no pod."""
    ports = [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}]
    meta = {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}
    client.apply(
        "/api/v1/namespaces/kube-system/services/kube-dns",
        {
            "apiVersion": "v1", "kind": "Service", "metadata": meta,
            "spec": {"clusterIP": network.DNS_SERVICE_ADDRESS, "ports": ports},
        },
    )
    client.apply(
        "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns",
        {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {
                "name": "kube-dns", "namespace": "kube-system",
                "labels": {"kubernetes.io/service-name": "kube-dns"},
            },
            "endpoints": [{"addresses": [net.address], "conditions": {"ready": True}}],
            "ports": [{**port, "port": _PORT} for port in ports],
        },
    )
