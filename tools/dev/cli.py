# SPDX-License-Identifier: Apache-2.0
"""The table of commands."""

from __future__ import annotations

import os
from collections.abc import Callable

from dev import build, check, delegate, formatting, fuzzing, linting, setup, shell, testing

COMMANDS: dict[str, tuple[Callable[[list[str]], int], str]] = {
    "setup": (setup.command, "install what is missing on this machine (other commands do it too)"),
    "build": (build.command, "[--preset P] [target...]: build"),
    "test": (testing.test, "[filter]: unit tests and end-to-end suites"),
    "check": (check.command, "all that continuous integration runs"),
    "demo": (delegate.to("demo"), "[--check]: a hub with real clusters, ready to use"),
    "testbed": (delegate.to("testbed"), "up|down|status: real Kubernetes clusters on this machine"),
    "bench": (delegate.to("bench"), "[name]: benchmarks beside peers"),
    "e2e": (testing.end_to_end, "[filter]: only the end-to-end suites, with the optimised programs"),
    "conformance": (delegate.to("conformance"), "Kubernetes' own tests through the hub"),
    "soak": (testing.soak, "[filter]: the long forms of the end-to-end tests"),
    "fuzz": (fuzzing.command, "[--seconds N] [target...]: fuzz targets"),
    "fmt": (formatting.command, "[--check] [path...]: format sources"),
    "lint": (linting.command, "[--tidy [--all]]: layers, tree rules, clang-tidy"),
    "docs": (delegate.to("docs"), "[--check]: write the kinds' reference pages and TypeScript types"),
    "image": (delegate.to("image"), "build the Agent's image"),
    "package": (delegate.to("package"), "build the release packages"),
    "clean": (delegate.clean, "[--cache]: remove what was built"),
}


def print_help() -> int:
    print("usage: ./dev COMMAND [ARGUMENTS]\n")
    for name, (_, text) in COMMANDS.items():
        print(f"  {name:12} {text}")
    return 0


def main(arguments: list[str]) -> int:
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if name in ("help", "-h", "--help"):
        return print_help()
    # The machine's own Python settings are not for the tools that we start.
    os.environ.pop("PYTHONPATH", None)
    try:
        if name not in COMMANDS:
            raise shell.Failure(f"there is no command '{name}'; ./dev help lists them", 2)
        return COMMANDS[name][0](rest)
    except shell.Failure as failure:
        shell.say(f"dev: {failure}")
        return failure.code
    except KeyboardInterrupt:
        return 130
