# SPDX-License-Identifier: Apache-2.0
"""`./dev package`: the release programs as one archive that is unpacked over /."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("roadstead-hub", "roadstead-agent", "roadstead")
# kubectl finds its plugins by these names.
LINKS = ("kubectl-roadstead", "kubectl_complete-roadstead")
TEXTS = ("LICENSE", "NOTICE", "README.md", "SECURITY.md")


def version(binaries: Path) -> str:
    """Of the programs themselves."""
    printed = subprocess.run(
        [str(binaries / "roadstead"), "version", "--client"], capture_output=True, text=True, check=True).stdout
    return printed.split()[-1]


def stripped(program: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / program.name
        subprocess.run(["strip", "-o", str(result), str(program)], check=True)
        return result.read_bytes()


def contents(binaries: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and bytes by path."""
    files = {f"usr/bin/{name}": (0o755, stripped(binaries / name)) for name in PROGRAMS}
    files |= {f"usr/share/doc/roadstead/{name}": (0o644, (ROOT / name).read_bytes()) for name in TEXTS}
    units = sorted((ROOT / "deploy" / "systemd").iterdir())
    return files | {f"usr/lib/systemd/system/{unit.name}": (0o644, unit.read_bytes()) for unit in units}


def archive(files: dict[str, tuple[int, bytes]], links: dict[str, str]) -> bytes:
    """The same bytes for the same contents: no times, no names of who built it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted([*files, *links]):
            entry = tarfile.TarInfo(path)
            if path in links:
                entry.type, entry.linkname = tarfile.SYMTYPE, links[path]
                tar.addfile(entry)
            else:
                entry.mode, body = files[path]
                entry.size = len(body)
                tar.addfile(entry, io.BytesIO(body))
    return gzip.compress(raw.getvalue(), mtime=0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev package", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "package", metavar="FOLDER")
    args = parser.parse_args()
    binaries = Path(os.environ["ROADSTEAD_BIN"])
    name = f"roadstead-{version(binaries)}-linux-{platform.machine()}.tar.gz"
    whole = archive(contents(binaries), {f"usr/bin/{link}": "roadstead" for link in LINKS})
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / name).write_bytes(whole)
    digest = hashlib.sha256(whole).hexdigest()
    (args.output / "SHA256SUMS").write_text(f"{digest}  {name}\n")
    print(f"{args.output / name}: {len(whole) / 2**20:.1f} MiB, sha256:{digest}")
    print(f"install it with: tar -C / -xzf {args.output / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
