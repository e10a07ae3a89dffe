# SPDX-License-Identifier: Apache-2.0
"""The programs of a control plane and their arguments: etcd, API server, controller manager, scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import build, network, pki

API_PORT = 6443
# The defaults are for clusters that share their machine with more than a test; a thousand nodes would take minutes.
_FAST_CLIENT = ("--kube-api-qps=500", "--kube-api-burst=1000")
_ETCD = "http://127.0.0.1:2379"  # inside the cluster's own network namespace, so nobody else reaches it

# Everything is recorded except what the control plane does by itself all the time; reads by nodes likewise.
AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy"]
- level: None
  userGroups: ["system:nodes"]
- level: None
  userGroups: ["system:serviceaccounts:kube-system"]
- level: None
  users: ["testbed-probe"]
- level: Metadata
"""


@dataclass(frozen=True)
class Layout:
    """Where the files of one cluster are. `volume` is memory that only the cluster's processes see."""

    folder: Path

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def volume(self) -> Path:
        return self.folder / "volume"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def configs(self) -> Path:
        return self.folder / "config"

    def internal_kubeconfig(self, user: str) -> Path:
        """A component's kubeconfig, for use inside the cluster's network namespace."""
        return self.configs / f"{user}.kubeconfig"


def write_files(name: str, node_name: str, layout: Layout, net: network.ClusterNetwork) -> None:
    """Makes the keys, certificates and kubeconfigs of a cluster."""
    for folder in (layout.pki, layout.logs, layout.volume, layout.configs):
        folder.mkdir(parents=True, exist_ok=True)
    authority = pki.Authority(f"{name}-ca")
    front_proxy = pki.Authority(f"{name}-front-proxy-ca")
    authority.pair.write(layout.pki, "ca")
    front_proxy.pair.write(layout.pki, "front-proxy-ca")
    front_proxy.issue("front-proxy-client").write(layout.pki, "front-proxy-client")
    server_names = [
        "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
        "localhost", "127.0.0.1", "::1", network.API_SERVICE_ADDRESS,
        net.address, net.address6, net.management_address, net.management_address6,
    ]
    authority.issue("kube-apiserver", server_names=server_names).write(layout.pki, "apiserver")
    authority.issue("kube-apiserver-kubelet-client", "system:masters").write(layout.pki, "kubelet-client")
    private, public = pki.service_account_keys()
    pki.write_secret(layout.pki / "service-account.key", private)
    (layout.pki / "service-account.pub").write_bytes(public)

    admin = authority.issue("kubernetes-admin", "system:masters")
    admin.write(layout.pki, "admin")
    # The test bed's own readiness polls; a separate name keeps them out of the audit log.
    authority.issue("testbed-probe", "system:masters").write(layout.pki, "probe")
    outside = f"https://{net.management_address}:{API_PORT}"
    pki.write_secret(layout.kubeconfig, pki.kubeconfig(name, outside, authority.pem, "admin", admin).encode())

    node = authority.issue(
        f"system:node:{node_name}", "system:nodes", server_names=[node_name, net.address, net.address6, "127.0.0.1"]
    )
    node.write(layout.pki, "node")
    components = {
        "controller-manager": authority.issue("system:kube-controller-manager"),
        "scheduler": authority.issue("system:kube-scheduler"),
        "kube-proxy": authority.issue("system:kube-proxy"),
        "kwok": authority.issue("testbed-kwok", "system:masters"),
        "coredns": authority.issue("testbed-coredns", "system:masters"),
        "node": node,
    }
    inside = f"https://127.0.0.1:{API_PORT}"
    for component, pair in components.items():
        text = pki.kubeconfig(name, inside, authority.pem, component, pair)
        pki.write_secret(layout.internal_kubeconfig(component), text.encode())
    (layout.configs / "audit-policy.yaml").write_text(AUDIT_POLICY)


def etcd(layout: Layout) -> list[str]:
    return [
        str(build.binary("etcd")),
        f"--data-dir={layout.volume}/etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls={_ETCD}",
        f"--advertise-client-urls={_ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--initial-cluster=default=http://127.0.0.1:2380",
        "--quota-backend-bytes=4294967296",
        "--auto-compaction-mode=periodic",
        "--auto-compaction-retention=10m",
        "--log-level=warn",
    ]


def apiserver(layout: Layout, net: network.ClusterNetwork, extra: list[str]) -> list[str]:
    certs = layout.pki
    return [
        str(build.binary("kube-apiserver")),
        "--bind-address=::",
        f"--secure-port={API_PORT}",
        f"--advertise-address={net.address}",
        f"--etcd-servers={_ETCD}",
        f"--service-cluster-ip-range={network.SERVICE_CIDR}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={certs}/ca.crt",
        f"--tls-cert-file={certs}/apiserver.crt",
        f"--tls-private-key-file={certs}/apiserver.key",
        f"--kubelet-certificate-authority={certs}/ca.crt",
        f"--kubelet-client-certificate={certs}/kubelet-client.crt",
        f"--kubelet-client-key={certs}/kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={certs}/service-account.pub",
        f"--service-account-signing-key-file={certs}/service-account.key",
        f"--requestheader-client-ca-file={certs}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={certs}/front-proxy-client.crt",
        f"--proxy-client-key-file={certs}/front-proxy-client.key",
        # Without a node there is no kube-proxy, and aggregated APIs must still be reachable.
        "--enable-aggregator-routing=true",
        f"--audit-policy-file={layout.configs}/audit-policy.yaml",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-mode=blocking",
        # One file however long a run: tests read it from where they began. In MiB.
        "--audit-log-maxsize=4096",
        # Without it a stop by SIGTERM waits half a minute for watches that nobody ends.
        "--shutdown-watch-termination-grace-period=1s",
        *extra,
    ]


def controller_manager(layout: Layout) -> list[str]:
    certs = layout.pki
    config = layout.internal_kubeconfig("controller-manager")
    return [
        str(build.binary("kube-controller-manager")),
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        "--bind-address=127.0.0.1",
        *_FAST_CLIENT,
        "--controllers=*,-nodeipam,-route,-service",
        "--use-service-account-credentials",
        "--leader-elect=false",
        f"--root-ca-file={certs}/ca.crt",
        f"--service-account-private-key-file={certs}/service-account.key",
        f"--cluster-signing-cert-file={certs}/ca.crt",
        f"--cluster-signing-key-file={certs}/ca.key",
        f"--requestheader-client-ca-file={certs}/front-proxy-ca.crt",
        f"--cluster-cidr={network.POD_CIDR}",
        f"--service-cluster-ip-range={network.SERVICE_CIDR}",
    ]


def scheduler(layout: Layout) -> list[str]:
    config = layout.internal_kubeconfig("scheduler")
    return [
        str(build.binary("kube-scheduler")),
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
        "--bind-address=127.0.0.1",
        *_FAST_CLIENT,
        "--leader-elect=false",
    ]
