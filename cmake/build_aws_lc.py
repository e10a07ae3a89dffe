# SPDX-License-Identifier: Apache-2.0
"""Builds AWS-LC with cargo from the pinned crate and puts headers and archives into one folder.

Run by cmake/AwsLc.cmake. The folder's name is a hash of all inputs, so a finished one is never rebuilt. Several builds
(presets, checkouts) may ask at once: one works, the others wait for its lock.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

# Oldest cargo that reads the lock file (edition 2024 crates, resolver 3).
OLDEST_CARGO = (1, 85)


def cargo_version(cargo: str) -> tuple[int, int] | None:
    try:
        text = subprocess.run([cargo, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.match(r"cargo (\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def find_cargo() -> str:
    candidates = [shutil.which("cargo"), str(Path.home() / ".cargo/bin/cargo"), "/usr/bin/cargo"]
    for cargo in dict.fromkeys(c for c in candidates if c):
        version = cargo_version(cargo)
        if version and version >= OLDEST_CARGO:
            return cargo
    wanted = ".".join(map(str, OLDEST_CARGO))
    sys.exit(f"AWS-LC needs cargo {wanted} or newer. On Debian 12: apt-get install cargo-web (./dev setup does it).")


def find_libclang() -> str:
    for folder in sorted(Path("/usr/lib").glob("llvm-[1-9][0-9]/lib")):
        if int(folder.parent.name[5:]) >= 19 and any(folder.glob("libclang-[0-9]*.so*")):
            return str(folder)
    sys.exit("AWS-LC's binding generator needs libclang 19 (Debian package libclang1-19). Run ./dev setup.")


def source_folder(cargo: str, manifest: Path) -> str:
    """Where cargo unpacked the crate (fetched when it is not there yet)."""
    command = [cargo, "metadata", "--format-version", "1", "--locked", "--manifest-path", str(manifest / "Cargo.toml")]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    packages = json.loads(text)["packages"]
    return next(str(Path(p["manifest_path"]).parent) for p in packages if p["name"] == "aws-lc-sys")


def build(manifest: Path, work: Path, cc: str, cxx: str) -> Path:
    cargo = find_cargo()
    # Paths of this machine stay out of the archives: two builds elsewhere give the same bytes.
    flags = f"-fPIC -fstack-protector-strong -ffile-prefix-map={source_folder(cargo, manifest)}="
    env = os.environ | {
        "AWS_LC_SYS_CMAKE_BUILDER": "1",
        "CC": cc,
        "CXX": cxx,
        "CFLAGS": flags,
        "CXXFLAGS": flags,
        "CMAKE_GENERATOR": "Ninja",
        "LIBCLANG_PATH": find_libclang(),
        "CARGO_TERM_COLOR": "never",
    }
    if ccache := shutil.which("ccache"):
        env |= {"CMAKE_C_COMPILER_LAUNCHER": ccache, "CMAKE_CXX_COMPILER_LAUNCHER": ccache}
    # What a surrounding make or cargo passes on would confuse this cargo.
    for name in ("MAKEFLAGS", "CARGO_MAKEFLAGS", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"):
        env.pop(name, None)
    command = [cargo, "build", "--release", "--locked", "-j2",
               "--manifest-path", str(manifest / "Cargo.toml"), "--target-dir", str(work)]
    print("+", " ".join(command), flush=True)
    subprocess.run(command, env=env, check=True)
    outputs = [p.parent for p in work.glob("release/build/aws-lc-sys-*/out/include") if p.is_dir()]
    if len(outputs) != 1:
        sys.exit(f"expected one output folder of aws-lc-sys under {work}, found {len(outputs)}")
    return outputs[0]


def find_archive(output: Path, kind: str) -> Path:
    found = [p for p in output.rglob(f"lib*{kind}*.a") if not p.name.startswith("librust_wrapper")]
    if len(found) != 1:
        sys.exit(f"expected one lib*{kind}*.a under {output}, found {[str(p) for p in found]}")
    return found[0]


def install(output: Path, out: Path) -> None:
    (out / "lib").mkdir(parents=True, exist_ok=True)
    shutil.copytree(output / "include", out / "include", dirs_exist_ok=True)
    # Archives last and by rename: their presence means that everything else is complete.
    for kind in ("crypto", "ssl"):
        partial = out / "lib" / f"lib{kind}.a.partial"
        shutil.copyfile(find_archive(output, kind), partial)
        partial.rename(out / "lib" / f"lib{kind}.a")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--cxx", required=True)
    args = parser.parse_args()

    args.out.mkdir(parents=True, exist_ok=True)
    with open(args.out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        archives = [args.out / "lib" / name for name in ("libcrypto.a", "libssl.a")]
        if not all(a.exists() for a in archives):
            work = args.out / "work"
            install(build(args.manifest, work, args.cc, args.cxx), args.out)
            shutil.rmtree(work)
        for archive in archives:
            archive.touch()


if __name__ == "__main__":
    main()
