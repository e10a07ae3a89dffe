# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import argparse
import os
import signal
import sys
import time

from demo.stage import Failed, Stage
from demo.tour import tour


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev demo",
        description="Starts a hub and two real Kubernetes clusters, registers them, and keeps them until Ctrl-C.")
    parser.add_argument("--check", action="store_true", help="walk through it, take it down, and exit 0 if all went well")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("demo: real clusters need root; start it with sudo", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    with Stage() as stage:
        stage.raise_curtain()
        print(f"\nReady after {time.monotonic() - began:.0f} s.\n")
        if arguments.check:
            for cluster in stage.clusters:
                tour(stage, cluster)
            print(f"demo: all went well, {time.monotonic() - began:.0f} s")
            return 0
        print(stage.next_steps())
        try:
            stage.hold()
        except KeyboardInterrupt:
            print("\nTaking everything down.")
    return 0


def run() -> int:
    try:
        return main()
    except (Failed, AssertionError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(run())
