# SPDX-License-Identifier: Apache-2.0
"""`python3 -m testbed`: brings clusters up and down by hand."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from . import build
from .bed import Testbed, default_root
from .holder import Holder
from .network import CommandFailed
from .progress import say
from .toolchain import MissingTool

_STEPS = {
    "control-plane": build.CONTROL_PLANE,
    "node": build.NODE,
    "kwok": build.KWOK,
    "conformance": build.CONFORMANCE,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="testbed", description="Real Kubernetes clusters on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)

    up = commands.add_parser("up", help="bring clusters up; those that are up already stay")
    up.add_argument("--clusters", type=int, default=None, metavar="N", help="how many (default 1), named c1, c2, …")
    up.add_argument("--names", default="", metavar="A,B", help="names instead of a number")
    up.add_argument("--nodes", action="store_true", help="with a real node in each")
    up.add_argument("--kwok", type=int, default=0, metavar="N", help="with N simulated nodes in each")

    commands.add_parser("down", help="end all clusters and remove everything of the test bed")
    commands.add_parser("status", help="show the clusters and their programs")
    config = commands.add_parser("kubeconfig", help="print the path of a cluster's kubeconfig")
    config.add_argument("cluster")
    shell = commands.add_parser("kubectl", help="run the test bed's kubectl against a cluster")
    shell.add_argument("cluster")
    shell.add_argument("args", nargs=argparse.REMAINDER)
    make = commands.add_parser("build", help="build the Kubernetes programs into the cache")
    make.add_argument("steps", nargs="*", metavar="STEP", help=f"default: control-plane node kwok; of {', '.join(_STEPS)}")
    for command in commands.choices.values():
        command.add_argument("--name", default="default", help="name of the test bed (default: default)")
    return parser


def _up(arguments: argparse.Namespace) -> int:
    names = [name for name in arguments.names.split(",") if name]
    if names and arguments.clusters is not None:
        raise ValueError("--clusters and --names exclude each other")
    count = 1 if arguments.clusters is None else arguments.clusters
    if count < 1 or count > 50:
        raise ValueError(f"--clusters {count}: must be between 1 and 50")
    names = names or [f"c{number}" for number in range(1, count + 1)]
    if not 0 <= arguments.kwok <= 20000:
        raise ValueError(f"--kwok {arguments.kwok}: must be between 0 and 20000")
    begin = time.monotonic()
    bed = Testbed.named(arguments.name)
    bed.up([bed.cluster(name, node=arguments.nodes, kwok=arguments.kwok) for name in names])
    say(arguments.name, f"{len(names)} clusters ready after {time.monotonic() - begin:.1f} s, "
        f"a hub for them listens on {bed.hub_address} or [{bed.hub_address6}]")
    for name in names:
        print(bed.cluster(name).kubeconfig)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    bed = Testbed.named(arguments.name)
    if not bed.state.exists:
        print(f"test bed {arguments.name}: nothing is there")
        return 0
    print(f"test bed {arguments.name}: {bed.root}, hub address {bed.hub_address}")
    for name in bed.clusters():
        cluster = bed.cluster(name)
        if Holder(cluster.layout.folder).pid is None:
            print(f"  {name}: dead; `up` or `down` cleans it")
            continue
        state = "ready" if cluster.is_up else "starting"
        print(f"  {name}: {state}, {cluster.server}, {', '.join(sorted(cluster.component_pids()))}")
    return 0


def _kubectl(arguments: argparse.Namespace) -> int:
    cluster = Testbed.named(arguments.name).cluster(arguments.cluster)
    command = [str(build.binary("kubectl")), f"--kubeconfig={cluster.kubeconfig}", *arguments.args]
    return subprocess.run(command).returncode


def _build(arguments: argparse.Namespace) -> int:
    for step in arguments.steps or ["control-plane", "node", "kwok"]:
        if step not in _STEPS:
            raise ValueError(f"build {step!r}: not one of {', '.join(_STEPS)}")
        build.ensure(_STEPS[step])
    return 0


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    if "/" in arguments.name or arguments.name.startswith("."):
        print(f"testbed: --name {arguments.name!r} must be a plain name", file=sys.stderr)
        return 2
    if os.geteuid() != 0 and arguments.command != "build":
        print("testbed: needs root, for network namespaces and containers", file=sys.stderr)
        return 1
    try:
        if arguments.command == "up":
            return _up(arguments)
        if arguments.command == "down":
            Testbed.named(arguments.name).down()
            say(arguments.name, "nothing is left")
            return 0
        if arguments.command == "status":
            return _status(arguments)
        if arguments.command == "kubeconfig":
            print(default_root(arguments.name) / "clusters" / arguments.cluster / "kubeconfig")
            return 0
        if arguments.command == "kubectl":
            return _kubectl(arguments)
        return _build(arguments)
    except ValueError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 2
    except (CommandFailed, MissingTool, RuntimeError, TimeoutError, OSError) as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1
