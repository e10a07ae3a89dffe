# SPDX-License-Identifier: Apache-2.0
"""A TCP relay in user space that makes a link slow: delay, rate, stalls.

Kernels of small machines often lack netem; this needs nothing from the kernel. It works on bytes of a connection, not on
packets: a lost packet shows as what TCP makes of it, a stall of everything behind it. Half-close is passed on, and so is a
reset. `python3 -m testbed.relay --target HOST:PORT` runs one; from Python use `Relay`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import struct
import subprocess
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from . import processes

_CHUNK = 65536


@dataclass
class Shape:
    """How the link behaves, per direction. May be changed while it runs."""

    delay_ms: float = 0.0
    """Added to every byte, in each direction: half of the round trip."""
    rate: float = 0.0
    """Bytes per second of each connection and direction; 0 is no limit."""
    stall_probability: float = 0.0
    """That a chunk (at most 64 KiB, or what one read gives) waits for `stall_ms` more, as after a lost packet."""
    stall_ms: float = 200.0
    window: int = 8 << 20
    """Bytes on the way per connection and direction; the sender is held back beyond."""
    frozen: bool = False
    """Nothing passes and nothing is closed; new connections are accepted and stay silent."""


class _Direction:
    """Moves bytes one way, each chunk no earlier than its time."""

    def __init__(self, shape: Shape, changed: asyncio.Condition, chance: random.Random) -> None:
        self._shape = shape
        self._changed = changed
        self._chance = chance
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._queued = 0
        self._room = asyncio.Event()
        self._room.set()

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read = asyncio.create_task(self._read(reader))
        try:
            await self._write(writer)
            await read
        finally:
            read.cancel()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            await self._room.wait()
            data = await reader.read(_CHUNK)
            delay = self._shape.delay_ms
            if data and self._chance.random() < self._shape.stall_probability:
                delay += self._shape.stall_ms
            due = max(due, loop.time() + delay / 1000)  # order is kept: what is behind a stalled chunk waits too
            self._queued += len(data)
            if self._queued >= self._shape.window:
                self._room.clear()
            self._queue.put_nowait((due, data))
            if not data:
                return

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        free_at = 0.0  # when the link has sent what it was given before
        while True:
            due, data = await self._queue.get()
            if self._shape.rate > 0:
                free_at = max(free_at, due) + len(data) / self._shape.rate
                due = free_at
            wait = due - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            async with self._changed:
                await self._changed.wait_for(lambda: not self._shape.frozen)
            if not data:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
            self._queued -= len(data)
            if self._queued < self._shape.window:
                self._room.set()


class _Server:
    def __init__(self, target: tuple[str, int], shape: Shape, seed: int) -> None:
        self._target = target
        self._shape = shape
        self._chance = random.Random(seed)
        self._changed = asyncio.Condition()
        self._connections: set[asyncio.StreamWriter] = set()
        self.accepted = 0

    async def serve(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        self.accepted += 1
        far: asyncio.StreamWriter | None = None
        self._connections.add(near)
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._shape.frozen)
            await asyncio.sleep(2 * self._shape.delay_ms / 1000)  # the handshake's round trip
            far_reader, far = await asyncio.open_connection(*self._target)
            self._connections.add(far)
            for writer in (near, far):
                writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                writer.transport.set_write_buffer_limits(high=4 * _CHUNK)
            there = _Direction(self._shape, self._changed, self._chance)
            back = _Direction(self._shape, self._changed, self._chance)
            await asyncio.gather(there.run(near_reader, far), back.run(far_reader, near))
        except OSError:
            self._abort(near)
            if far is not None:
                self._abort(far)
        finally:
            for end in (near, far):
                if end is not None:
                    self._connections.discard(end)
                    end.close()

    @staticmethod
    def _abort(writer: asyncio.StreamWriter) -> None:
        """Closes with a reset, which is what the other side has seen."""
        connection = writer.get_extra_info("socket")
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        writer.transport.abort()

    async def change(self, values: dict[str, Any]) -> dict[str, Any]:
        known = {field.name for field in fields(Shape)}
        if values.pop("reset", False):
            for writer in list(self._connections):
                self._abort(writer)
        for key, value in values.items():
            if key not in known:
                return {"error": f"unknown setting {key!r}"}
            setattr(self._shape, key, value)
        async with self._changed:
            self._changed.notify_all()
        return {"connections": self.accepted, **asdict(self._shape)}


async def _main(arguments: argparse.Namespace) -> None:
    host, _, port = arguments.target.rpartition(":")
    shape = Shape(**{field.name: getattr(arguments, field.name) for field in fields(Shape) if field.name != "frozen"})
    server = _Server((host.strip("[]"), int(port)), shape, arguments.seed)
    listener = await asyncio.start_server(server.serve, arguments.listen, arguments.port, limit=_CHUNK)
    print(json.dumps({"port": listener.sockets[0].getsockname()[1]}), flush=True)
    # Orders come as JSON lines on standard input; its end is the end of the relay.
    orders = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        print(json.dumps(await server.change(json.loads(line))), flush=True)


class Relay:
    """A relay in a process of its own.

    `namespace` is a network namespace to listen and dial in (`Cluster.namespace`), `folder` the state folder of the
    bed or cluster whose `down` ends a relay that was left behind. It ends when its standard input does, so also when
    the caller dies.
    """

    def __init__(
        self,
        target: str,
        *,
        listen: str = "127.0.0.1",
        port: int = 0,
        seed: int = 1,
        namespace: str | None = None,
        folder: Path | None = None,
        **shape: Any,
    ) -> None:
        argv = [sys.executable, "-m", "testbed.relay", "--target", target, "--listen", listen,
                "--port", str(port), "--seed", str(seed)]
        if namespace is not None:
            argv = ["nsenter", f"--net={namespace}", *argv]
        environment = dict(os.environ)
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
        if folder is not None:
            environment[processes.MARKER] = str(folder)
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.host = listen
        try:
            self.port = int(self._answer()["port"])
            self.set(**shape)
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def set(self, **shape: Any) -> dict[str, Any]:
        """Changes the shape of open and new connections; `reset=True` resets the open ones first."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(shape) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def connections(self) -> int:
        """How many connections it has accepted."""
        return int(self.set()["connections"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the relay has ended with code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="testbed.relay", description="A slow link: relays TCP with delay and rate.")
    parser.add_argument("--target", required=True, metavar="HOST:PORT")
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: a free one, printed as JSON")
    parser.add_argument("--seed", type=int, default=1, help="of the chance with which chunks stall")
    defaults = Shape()
    for field in fields(Shape):
        if field.name != "frozen":
            value = getattr(defaults, field.name)
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(value), default=value)
    try:
        asyncio.run(_main(parser.parse_args()))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
