# SPDX-License-Identifier: Apache-2.0
"""`./dev image`: the Agent's image as a tar that containerd, docker and skopeo load."""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def write(binaries: Path, output: Path, more: list[str]) -> str:
    """Its SHA-256. Two writings of the same program must be the same bytes."""
    digests = []
    for path in (output, output.with_suffix(".again")):
        path.unlink(missing_ok=True)
        done = subprocess.run(
            [str(binaries / "roadstead"), "agent", "image", "-o", str(path), *more], capture_output=True, text=True,
            check=False)
        if done.returncode != 0:
            raise SystemExit(f"image: {done.stderr.strip()}")
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    output.with_suffix(".again").unlink()
    if digests[0] != digests[1]:
        raise SystemExit(f"image: {output} differs when it is written again")
    return digests[0]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev image", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "roadstead-agent.tar", metavar="FILE")
    parser.add_argument("--name", help="HOST/PATH:TAG; default: that of the hub's manifests")
    args = parser.parse_args()
    args.output.parent.mkdir(parents=True, exist_ok=True)
    binaries = Path(os.environ["ROADSTEAD_BIN"])
    digest = write(binaries, args.output, ["--name", args.name] if args.name else [])
    print(f"{args.output}: {args.output.stat().st_size / 2**20:.1f} MiB, sha256:{digest}")
    print(f"load it on each node with: ctr -n k8s.io images import {args.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
