# SPDX-License-Identifier: Apache-2.0
"""Addresses and links.

A test bed has two bridges in the caller's network namespace: the *hub* bridge, whose own address is where a hub can
listen and from which Agents are reached by, and the *management* bridge, which only the tester uses, so that a cluster
that was cut off from the hub can still be looked at. A cluster has one veth to each.
Every name and address follows from the bed's index and the cluster's slot, so that a clean-up needs no memory.
"""

from __future__ import annotations

import ipaddress
import os
import subprocess
from dataclasses import dataclass

from . import locks

# Unlikely in real networks; the second and third numbers can be moved with ROADSTEAD_TESTBED_NET, for example "10.77".
_PREFIX4 = os.environ.get("ROADSTEAD_TESTBED_NET", "10.211")
_PREFIX6 = int(ipaddress.ip_address("fd5e:ad57::"))
MAX_BEDS = 100
MAX_CLUSTERS = 200

POD_CIDR = "10.244.0.0/16"
NODE_POD_SUBNET = "10.244.1.0/24"
POD_SUBNET6 = "fd5e:ad58::/64"
SERVICE_CIDR = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_SERVICE_ADDRESS = "10.96.0.10"


def _address6(subnet: int, host: int) -> str:
    return str(ipaddress.IPv6Address(_PREFIX6 | subnet << 80 | host))


class CommandFailed(RuntimeError):
    """A helper program failed; the text carries its command line and messages."""


def run(*argv: str, stdin: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(argv, input=stdin, capture_output=True, text=True, pass_fds=tuple(locks.descriptors))
    if check and result.returncode != 0:
        raise CommandFailed(f"{' '.join(argv)} (exit {result.returncode}): {result.stderr.strip()}\n{stdin or ''}")
    return result


@dataclass(frozen=True)
class BedNetwork:
    """The two bridges of a bed."""

    index: int

    @property
    def hub_bridge(self) -> str:
        return f"rtb{self.index}h"

    @property
    def management_bridge(self) -> str:
        return f"rtb{self.index}m"

    @property
    def hub_address(self) -> str:
        """Where a hub listens so that Agents in pods reach it."""
        return f"{_PREFIX4}.{2 * self.index}.1"

    @property
    def hub_address6(self) -> str:
        return _address6(2 * self.index, 1)

    @property
    def management_address(self) -> str:
        return f"{_PREFIX4}.{2 * self.index + 1}.1"

    @property
    def management_address6(self) -> str:
        return _address6(2 * self.index + 1, 1)

    @property
    def bridges(self) -> tuple[str, str]:
        return self.hub_bridge, self.management_bridge

    def create(self) -> None:
        lines = []
        for bridge, address4, address6 in (
            (self.hub_bridge, self.hub_address, self.hub_address6),
            (self.management_bridge, self.management_address, self.management_address6),
        ):
            lines += [
                f"link add {bridge} type bridge",
                f"address add {address4}/24 dev {bridge}",
                f"address add {address6}/64 dev {bridge} nodad",
                f"link set {bridge} up",
            ]
        run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def delete(self) -> None:
        for bridge in self.bridges:
            delete_link(bridge)


@dataclass(frozen=True)
class ClusterNetwork:
    """The two links of a cluster."""

    bed: BedNetwork
    slot: int

    @property
    def hub_link(self) -> str:
        """The bed's end of the veth to the hub bridge; its other end is `hub0`."""
        return f"rtb{self.bed.index}h{self.slot}"

    @property
    def management_link(self) -> str:
        return f"rtb{self.bed.index}m{self.slot}"

    @property
    def address(self) -> str:
        return f"{_PREFIX4}.{2 * self.bed.index}.{10 + self.slot}"

    @property
    def address6(self) -> str:
        return _address6(2 * self.bed.index, 10 + self.slot)

    @property
    def management_address(self) -> str:
        return f"{_PREFIX4}.{2 * self.bed.index + 1}.{10 + self.slot}"

    @property
    def management_address6(self) -> str:
        return _address6(2 * self.bed.index + 1, 10 + self.slot)

    @property
    def links(self) -> tuple[str, str]:
        return self.hub_link, self.management_link

    def attach(self, pid: int) -> None:
        """Connects the network namespace of process `pid` to both bridges and sets it up."""
        outside = []
        for link, inner, bridge in (
            (self.hub_link, "hub0", self.bed.hub_bridge),
            (self.management_link, "mgmt0", self.bed.management_bridge),
        ):
            outside += [
                f"link add {link} type veth peer name {inner} netns {pid}",
                f"link set {link} master {bridge} up",
            ]
        run("ip", "-batch", "-", stdin="\n".join(outside) + "\n")
        inside = [
            "link set lo up",
            f"address add {self.address}/24 dev hub0",
            f"address add {self.address6}/64 dev hub0 nodad",
            f"address add {self.management_address}/24 dev mgmt0",
            f"address add {self.management_address6}/64 dev mgmt0 nodad",
            "link set hub0 up",
            "link set mgmt0 up",
            f"route add default via {self.bed.hub_address}",
            f"route add default via {self.bed.hub_address6}",
        ]
        _inside(pid, "ip", "-batch", "-", stdin="\n".join(inside) + "\n")
        _inside(pid, "nft", "-f", "-", stdin=_MASQUERADE)
        for key in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            _inside(pid, "sh", "-c", f"echo 1 > /proc/sys/net/{key}")
        # Without this a pod that calls a Service whose backend sits on the same bridge gets answers from a stranger.
        _inside(pid, "sh", "-c", "echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables", check=False)

    def cut(self, pid: int) -> None:
        """Drops every packet between the cluster and the hub without a word to either side."""
        _inside(pid, "nft", "-f", "-", stdin=_CUT)

    def restore(self, pid: int) -> None:
        _inside(pid, "nft", "delete", "table", "inet", "roadstead-cut", check=False)

    def delete(self) -> None:
        for link in self.links:
            delete_link(link)


# Pods have addresses that mean nothing outside their cluster.
_MASQUERADE = f"""
table ip6 roadstead-masquerade {{
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    ip6 saddr {POD_SUBNET6} oifname "hub0" masquerade
    ip6 saddr {POD_SUBNET6} oifname "mgmt0" masquerade
  }}
}}
table ip roadstead-masquerade {{
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    ip saddr {POD_CIDR} oifname "hub0" masquerade
    ip saddr {POD_CIDR} oifname "mgmt0" masquerade
  }}
}}
"""

# Neighbour discovery stays alive, so that senders see silence and not "no route to host".
_CUT = """
table inet roadstead-cut {
  chain in {
    type filter hook prerouting priority -400;
    iifname "hub0" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    iifname "hub0" drop
  }
  chain out {
    type filter hook postrouting priority 400;
    oifname "hub0" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    oifname "hub0" drop
  }
}
"""


def _inside(pid: int, *argv: str, stdin: str | None = None, check: bool = True) -> None:
    run("nsenter", f"--net=/proc/{pid}/ns/net", *argv, stdin=stdin, check=check)


def delete_link(name: str) -> None:
    if link_exists(name):
        run("ip", "link", "delete", name, check=False)


def link_exists(name: str) -> bool:
    return os.path.exists(f"/sys/class/net/{name}")
