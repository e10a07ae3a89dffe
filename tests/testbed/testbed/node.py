# SPDX-License-Identifier: Apache-2.0
"""A real node: private containerd, kubelet, kube-proxy in nftables mode, bridge CNI."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import yaml

from . import build, network
from .controlplane import Layout

CNI_PLUGINS = "/usr/lib/cni"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"  # in the cluster's own /run
PAUSE_IMAGE = "roadstead.test/pause:1"


def write_files(node_name: str, cgroup: str, layout: Layout, ipv6: bool) -> None:
    configs = layout.configs
    (configs / "cni").mkdir(exist_ok=True)
    (configs / "certs.d").mkdir(exist_ok=True)
    (configs / "cni" / "10-bridge.conflist").write_text(json.dumps(_cni(ipv6)))
    (configs / "containerd.toml").write_text(_containerd(layout))
    (configs / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(cgroup, layout)))
    (configs / "kube-proxy.yaml").write_text(yaml.safe_dump(_kube_proxy(node_name, layout)))


def _cni(ipv6: bool) -> dict[str, object]:
    ranges = [[{"subnet": network.NODE_POD_SUBNET}]]
    routes = [{"dst": "0.0.0.0/0"}]
    if ipv6:
        ranges.append([{"subnet": network.POD_SUBNET6}])
        routes.append({"dst": "::/0"})
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": ranges,
            "routes": routes,
            "dataDir": "/run/cni-addresses",
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "bridge", "plugins": [bridge, portmap]}


def _containerd(layout: Layout) -> str:
    # restrict_oom_score_adj: a negative value needs CAP_SYS_RESOURCE, which sandboxed machines often lack; without
    # this no sandbox starts. The disabled plug-ins would touch folders of the machine or need absent kernel parts.
    return f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{layout.configs}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{layout.configs}/certs.d"
"""


def _kubelet(cgroup: str, layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{layout.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{layout.pki}/node.crt",
        "tlsPrivateKeyFile": f"{layout.pki}/node.key",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "enforceNodeAllocatable": [],
        "oomScoreAdj": 0,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "clusterDNS": [network.DNS_SERVICE_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{layout.configs}/resolv.conf",
        "maxPods": 110,
        "nodeStatusUpdateFrequency": "2s",
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        "healthzPort": 10248,
        "shutdownGracePeriod": "0s",
    }


def _kube_proxy(node_name: str, layout: Layout) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.internal_kubeconfig("kube-proxy"))},
        "mode": "nftables",
        "hostnameOverride": node_name,
        "clusterCIDR": network.POD_CIDR,
        "conntrack": {"maxPerCore": 0},
        "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": "0.0.0.0:10256",
        "nftables": {"minSyncPeriod": "0s"},
    }


def containerd(layout: Layout) -> list[str]:
    return ["/usr/bin/containerd", "--config", f"{layout.configs}/containerd.toml"]


def kubelet(node_name: str, layout: Layout, net: network.ClusterNetwork) -> list[str]:
    return [
        str(build.binary("kubelet")),
        f"--config={layout.configs}/kubelet.yaml",
        f"--kubeconfig={layout.internal_kubeconfig('node')}",
        "--root-dir=/var/lib/kubelet",
        f"--hostname-override={node_name}",
        f"--node-ip={net.address}",
    ]


def kube_proxy(layout: Layout) -> list[str]:
    return [str(build.binary("kube-proxy")), f"--config={layout.configs}/kube-proxy.yaml"]


def trust_registry(layout: Layout, host: str, ca_pem: str) -> None:
    """Lets containerd pull from `host` (as it stands in image names, with the port) over TLS with this CA."""
    folder = layout.configs / "certs.d" / host
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.crt").write_text(ca_pem)
    (folder / "hosts.toml").write_text(
        f'server = "https://{host}"\n\n[host."https://{host}"]\n'
        f'  capabilities = ["pull", "resolve"]\n  ca = "{folder}/ca.crt"\n'
    )



def load_kernel_modules() -> None:
    """Nothing loads `br_netfilter` by itself. Where it is built in, or there are no modules at all, this does nothing."""
    modprobe = shutil.which("modprobe", path="/usr/sbin:/sbin")
    if modprobe is not None:
        subprocess.run([modprobe, "-qa", "br_netfilter", "overlay"], capture_output=True)


def missing_packages() -> list[str]:
    """The Debian packages that are missing for a real node."""
    needed = {
        "/usr/bin/containerd": "containerd",
        "/usr/bin/ctr": "containerd",
        "/usr/sbin/runc": "runc",
        f"{CNI_PLUGINS}/bridge": "containernetworking-plugins",
        "/usr/sbin/nft": "nftables",
        "/bin/busybox": "busybox-static",
    }
    return sorted({package for path, package in needed.items() if not Path(path).exists()})
