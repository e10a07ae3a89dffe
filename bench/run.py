# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: `./dev bench NAME [--quick] [--json FILE]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "tests", HERE.parent / "tests" / "testbed"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import whole  # noqa: E402
from fleet import bench as fleet  # noqa: E402
from guard import bench as guard  # noqa: E402
from harness.report import Outcome, write_json  # noqa: E402
from objects import bench as objects  # noqa: E402
from tunnel import bench as tunnel  # noqa: E402
from tunnel import path  # noqa: E402
from tunnel.peers import BY_NAME, USUAL  # noqa: E402

RESULTS = HERE / "results"


def run_objects(args: argparse.Namespace) -> Outcome:
    return objects.run(objects.Options(args.quick, args.repeats, args.seconds, args.objects, not args.no_real))


def run_tunnel(args: argparse.Namespace) -> Outcome:
    beside = ("haproxy", "envoy", *USUAL) if args.beside == "all" else words(args.beside)
    return tunnel.run(tunnel.Options(
        args.quick, args.repeats, args.seconds, words(args.only), not args.no_real, args.haproxy_alpn, beside, args.cancels,
        args.minutes))


def run_fleet(args: argparse.Namespace) -> Outcome:
    return fleet.run(fleet.Options(args.quick, args.repeats))


def run_path(args: argparse.Namespace) -> Outcome:
    return path.run(path.Options(args.quick, args.repeats, args.seconds))


def run_guard(args: argparse.Namespace) -> Outcome:
    return guard.run(guard.Options(args.update, args.profile))


def run_all(args: argparse.Namespace) -> Outcome:
    return whole.run(args.quick, args.cancels)


# What runs, and where the text of a whole run is kept.
BENCHES: dict[str, tuple[Callable[[argparse.Namespace], Outcome], Callable[[Path], Path] | None]] = {
    "all": (run_all, whole.result_file),
    "fleet": (run_fleet, fleet.result_file),
    "guard": (run_guard, None),
    "objects": (run_objects, objects.result_file),
    "path": (run_path, path.result_file),
    "tunnel": (run_tunnel, tunnel.result_file),
}


JUDGES = ("guard",)  # fail when an aim is not met; the others tell it


def words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def arguments() -> argparse.Namespace:
    beside = ", ".join(("haproxy", "envoy", *BY_NAME))
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("name", nargs="?", default="tunnel", choices=sorted(BENCHES))
    parser.add_argument("--quick", action="store_true", help="a minute, fewer workloads; nothing is kept in bench/results")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write rows of {row, value, unit, aim, met}")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the text goes besides the terminal")
    parser.add_argument("--repeats", type=int, default=0, metavar="N", help="instead of 5 (2 with --quick)")
    parser.add_argument("--seconds", type=float, default=0, metavar="S", help="length of a window")
    parser.add_argument("--only", default="", metavar="A,B", help="only these workloads; extras: those that are no windows of load")
    parser.add_argument("--objects", type=int, default=0, metavar="N", help="objects: how many for memory and start-up")
    parser.add_argument("--no-real", action="store_true", help="without the real API server")
    parser.add_argument("--beside", default="haproxy", metavar="A,B", help=f"tunnel: what else is measured, of {beside}; or all")
    parser.add_argument("--cancels", type=int, default=0, metavar="N", help="tunnel, all: how many requests are given up")
    parser.add_argument("--minutes", type=float, default=0, metavar="M", help="tunnel: leave later repeats out as it gets late")
    parser.add_argument("--update", action="store_true", help="guard: keep what is counted now")
    parser.add_argument("--profile", default="", metavar="PATH", help="guard: show which functions a path's instructions are in")
    parser.add_argument("--haproxy-alpn", default="http/1.1", choices=["http/1.1", "h2"], help="HAProxy's side to the origin")
    args = parser.parse_args()
    unknown = set(words(args.beside)) - {"all", "haproxy", "envoy", *BY_NAME}
    if unknown:
        parser.error(f"--beside: {', '.join(sorted(unknown))} is not known; use {beside}, or all")
    return args


def main() -> int:
    args = arguments()
    run, result_file = BENCHES[args.name]
    outcome = run(args)
    text = "\n".join(outcome.text) + "\n"
    print(text)
    complete = not args.quick and not args.only and not args.no_real
    output = args.output or (result_file(RESULTS) if complete and result_file else None)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)
        print(f"written to {output}", file=sys.stderr)
    if args.json is not None:
        write_json(args.json, outcome.rows)
    return 1 if args.name in JUDGES and any(row.met is False for row in outcome.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
