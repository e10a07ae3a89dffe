# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: `./dev bench NAME [--quick] [--json FILE]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "tests", HERE.parent / "tests" / "testbed"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from harness.report import write_json  # noqa: E402
from objects import bench as objects  # noqa: E402
from tunnel import bench as tunnel  # noqa: E402
from tunnel.peers import BY_NAME, USUAL  # noqa: E402

RESULTS = HERE / "results"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("name", nargs="?", default="tunnel", choices=["objects", "tunnel"])
    parser.add_argument("--quick", action="store_true", help="a minute, fewer workloads; nothing is kept in bench/results")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write rows of {row, value, unit, aim, met}")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the text goes besides the terminal")
    parser.add_argument("--repeats", type=int, default=0, metavar="N", help="instead of 5 (3 with --quick)")
    parser.add_argument("--seconds", type=float, default=0, metavar="S", help="length of a window")
    parser.add_argument("--only", default="", metavar="A,B", help="only these workloads")
    parser.add_argument("--objects", type=int, default=0, metavar="N", help="objects: how many for memory and start-up")
    parser.add_argument("--no-real", action="store_true", help="without the real API server")
    parser.add_argument("--beside", default="haproxy", metavar="A,B", help=f"tunnel: of {', '.join(('haproxy', 'envoy', *BY_NAME))}; or all")
    parser.add_argument("--haproxy-alpn", default="http/1.1", choices=["http/1.1", "h2"], help="HAProxy's side to the origin")
    args = parser.parse_args()
    only = [name for name in args.only.split(",") if name]
    outcome: objects.Outcome | tunnel.Outcome
    if args.name == "objects":
        outcome = objects.run(objects.Options(args.quick, args.repeats, args.seconds, args.objects, not args.no_real))
        result_file = objects.result_file
    else:
        outcome = tunnel.run(tunnel.Options(
            args.quick, args.repeats, args.seconds, only, not args.no_real, args.haproxy_alpn,
            ("haproxy", "envoy", *USUAL) if args.beside == "all" else args.beside.split(",")))
        result_file = tunnel.result_file
    text = "\n".join(outcome.text) + "\n"
    print(text)
    whole = not args.quick and not only and not args.no_real
    output = args.output or (result_file(RESULTS) if whole else None)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text)
        print(f"written to {output}", file=sys.stderr)
    if args.json is not None:
        write_json(args.json, outcome.rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
