# SPDX-License-Identifier: Apache-2.0
"""The table of commands."""

from __future__ import annotations

from dev import build, shell

COMMANDS = {
    "build": build.command,
}


def main(arguments: list[str]) -> int:
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    try:
        if name not in COMMANDS:
            raise shell.Failure(f"no command '{name}'", 2)
        return COMMANDS[name](rest)
    except shell.Failure as failure:
        shell.say(f"dev: {failure}")
        return failure.code
    except KeyboardInterrupt:
        return 130
