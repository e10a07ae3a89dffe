# SPDX-License-Identifier: Apache-2.0
"""logs, exec, attach, cp, port-forward, proxy and debug through the hub, over WebSocket and over SPDY."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import re
import socket
import struct
import subprocess
import termios
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.support import pods, tools, wait
from e2e.support.agents import Site
from e2e.support.hub import Hub
from e2e.support.kubectl import SPDY, Kubectl

MIB = 1 << 20


@pytest.fixture(params=["websocket", "spdy"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def through(kubectl: Kubectl, protocol: str) -> Kubectl:
    """kubectl that speaks this protocol."""
    return kubectl.with_env(SPDY) if protocol == "spdy" else kubectl


def upgrades(hub: Hub) -> list[str]:
    return [r["upgrade"].lower() for r in hub.records() if r.get("upgrade")]


@pytest.fixture
def shell(direct: Kubectl) -> str:
    """A pod that sleeps."""
    pods.run(direct, pods.pod("shell", "sleep 100000"))
    return "shell"


def test_the_protocol_is_the_wished_one(through: Kubectl, protocol: str, shell: str, hub: Hub) -> None:
    before = len(upgrades(hub))
    assert through("exec", shell, "--", "echo", "hello") == "hello\n"
    wait.until("the hub has recorded the exec", lambda: len(upgrades(hub)) > before)
    assert upgrades(hub)[before:] == ["websocket" if protocol == "websocket" else "spdy/3.1"]


# logs


def test_logs(kubectl: Kubectl, direct: Kubectl) -> None:
    pods.run(direct, pods.pod("talker", "seq 1 20000; echo to-stderr >&2"), phase="Succeeded")
    for flags in ((), ("--timestamps",), ("--tail=5",), ("--limit-bytes=1000",), ("-c", "c"), ("-c", "missing"), ("--previous",)):
        ours, theirs = kubectl.try_run("logs", "talker", *flags), direct.try_run("logs", "talker", *flags)
        assert ours == theirs, flags


def test_logs_follow_to_the_end(kubectl: Kubectl, direct: Kubectl) -> None:
    script = "for i in $(seq 1 30); do echo line $i; sleep 0.1; done"
    pods.run(direct, pods.pod("talker", script))
    following = kubectl.popen("logs", "-f", "talker", stdout=subprocess.PIPE, text=True)
    lines: list[tuple[float, str]] = []
    watch = wait.Stopwatch()
    assert following.stdout is not None
    for line in following.stdout:
        lines.append((watch.seconds, line.strip()))
    assert following.wait(20) == 0
    assert [text for _, text in lines] == [f"line {i}" for i in range(1, 31)]
    assert lines[-1][0] - lines[0][0] > 1, "the lines came in one lump at the end"


# exec


def test_exec_keeps_streams_and_exit_code_apart(through: Kubectl, shell: str) -> None:
    done = through.try_run("exec", shell, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.code, done.out) == (7, "out\n")
    assert done.err == "err\ncommand terminated with exit code 7\n"


def test_exec_errors_are_those_of_the_cluster(kubectl: Kubectl, direct: Kubectl, shell: str) -> None:
    for args in (("exec", "missing", "--", "true"), ("exec", shell, "-c", "missing", "--", "true"),
                 ("exec", shell, "--", "no-such-program")):
        ours, theirs = kubectl.try_run(*args), direct.try_run(*args)
        hide = lambda text: re.sub(r'exec failed in container "?[0-9a-f]{64}"?|[0-9a-f]{32,}', "<id>", text)  # noqa: E731
        assert (ours.code, ours.out, hide(ours.err)) == (theirs.code, theirs.out, hide(theirs.err)), args


def send_stdin(kubectl: Kubectl, pod: str, size: int, folder: Path) -> None:
    source = folder / "input"
    digest = hashlib.sha256()
    with source.open("wb") as sink:
        for _ in range(size // MIB):
            block = os.urandom(MIB)
            digest.update(block)
            sink.write(block)
    with source.open("rb") as stream:
        running = kubectl.popen("exec", "-i", pod, "--", "sha256sum", stdin=stream, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        out, err = running.communicate(timeout=300)
    source.unlink()
    assert running.returncode == 0, err
    assert out.split()[0] == digest.hexdigest()


def test_exec_takes_long_input(through: Kubectl, shell: str, tmp_path: Path) -> None:
    send_stdin(through, shell, 100 * MIB, tmp_path)


def test_exec_gives_long_output(through: Kubectl, shell: str) -> None:
    size = 64 * MIB
    running = through.popen("exec", shell, "--", "sh", "-c", f"dd if=/dev/urandom bs=1M count={size // MIB} 2>/dev/null | tee /tmp/out",
                            stdout=subprocess.PIPE)
    digest, count = hashlib.sha256(), 0
    assert running.stdout is not None
    while block := running.stdout.read(MIB):
        digest.update(block)
        count += len(block)
    assert running.wait(10) == 0 and count == size
    assert through("exec", shell, "--", "sha256sum", "/tmp/out").split()[0] == digest.hexdigest()


class Terminal:
    """A program on a pseudo terminal."""

    def __init__(self, argv: list[str], environment: dict[str, str], rows: int, columns: int) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, environment)
        self.resize(rows, columns)
        self.seen = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        try:
            while block := os.read(self.fd, 4096):
                self.seen += block.decode(errors="replace")
        except OSError:
            pass  # the other side has gone

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def expect(self, pattern: str) -> re.Match[str]:
        wait.until(f"the terminal shows {pattern!r}", lambda: re.search(pattern, self.seen), dump=lambda: self.seen)
        found = re.search(pattern, self.seen)
        assert found
        self.seen = self.seen[found.end():]
        return found

    def exit_code(self) -> int:
        status: list[int] = []

        def ended() -> bool:
            pid, value = os.waitpid(self.pid, os.WNOHANG)
            status.append(value)
            return pid == self.pid

        wait.until("the program on the terminal ends", ended)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status[-1])


@contextmanager
def on_terminal(kubectl: Kubectl, *args: str) -> Iterator[Terminal]:
    terminal = Terminal(kubectl.argv(*args), kubectl.environment(), 24, 80)
    try:
        yield terminal
    finally:
        try:
            os.kill(terminal.pid, 9)
            os.waitpid(terminal.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def test_exec_with_a_terminal(through: Kubectl, shell: str) -> None:
    with on_terminal(through, "exec", "-it", shell, "--", "sh") as terminal:
        terminal.expect(r"[#$] ")
        terminal.type("stty size\n")
        terminal.expect(r"\b24 80\r\n")
        terminal.resize(50, 132)
        wait.until("the new size has arrived", lambda: (terminal.type("stty size\n"), terminal.expect(r"\d+ \d+\r\n"))[1][0].startswith("50 132"))
        terminal.type("echo go; sleep 1000\n")
        terminal.expect(r"\ngo\r\n")
        terminal.type("\x03")
        terminal.type("echo code $?\n")
        terminal.expect(r"code 130")
        terminal.type("exit 3\n")
        assert terminal.exit_code() == 3


def test_attach(through: Kubectl, direct: Kubectl) -> None:
    pods.run(direct, pods.pod("echo", "while read line; do echo got $line; [ $line = end ] && exit 0; done", stdin=True))
    running = through.popen("attach", "-i", "echo", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdin is not None and running.stdout is not None
    for word in ("one", "two"):
        running.stdin.write(word + "\n")
        running.stdin.flush()
        assert running.stdout.readline() == f"got {word}\n"
    running.stdin.write("end\n")
    running.stdin.flush()
    assert running.stdout.readline() == "got end\n"
    assert running.wait(20) == 0
    running.stdin.close()


# cp


def test_cp_both_ways(through: Kubectl, shell: str, tmp_path: Path) -> None:
    source = tmp_path / "there"
    (source / "deep" / "er").mkdir(parents=True)
    for number, size in enumerate((0, 1, 4096, 3 * MIB + 17)):
        (source / "deep" / "er" / f"file {number}.bin").write_bytes(os.urandom(size))
    (source / "name with ü").write_text("text")
    through("cp", str(source), f"{shell}:/tmp/there")
    through("cp", f"{shell}:/tmp/there", str(tmp_path / "back"))

    def sums(folder: Path) -> dict[str, str]:
        return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
                for f in sorted(folder.rglob("*")) if f.is_file()}

    assert sums(tmp_path / "back") == sums(source) and len(sums(source)) == 5


# port-forward


def serve(site: Site, direct: Kubectl, size: int) -> None:
    """A pod with the ports of tests/e2e/go/tools/origin.go; 9001 sends `size` zeros."""
    pods.run(direct, pods.pod("server", "", image=tools.image(site.cluster), command=["/tools", "origin", f"--size={size}"]))


@contextmanager
def forwarding(kubectl: Kubectl, *targets: str) -> Iterator[dict[int, int]]:
    """Local ports by remote port."""
    running = kubectl.popen("port-forward", "pod/server", *(f":{t}" for t in targets), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    ports: dict[int, int] = {}
    assert running.stdout is not None
    try:
        while len(ports) < len(targets):
            line = running.stdout.readline()
            assert line, "port-forward has ended"
            if found := re.match(r"Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)", line):
                ports[int(found[2])] = int(found[1])
        threading.Thread(target=running.stdout.read, daemon=True).start()
        yield ports
    finally:
        running.kill()
        running.wait()


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while block := connection.recv(1 << 18):
        parts.append(block)
    return b"".join(parts)


def test_port_forward_of_many_connections(through: Kubectl, direct: Kubectl, ack: Site) -> None:
    serve(ack, direct, 1)
    with forwarding(through, "9002") as ports:
        connections = [socket.create_connection(("127.0.0.1", ports[9002]), 20) for _ in range(5)]
        for n in range(20):
            for k, connection in enumerate(connections):
                connection.sendall(b"%d says %d\n" % (k, n))
            for k, connection in enumerate(connections):
                assert connection.recv(100) == b"%d says %d\n" % (k, n)
        for connection in connections:
            connection.close()


def test_port_forward_with_half_close(through: Kubectl, direct: Kubectl, ack: Site) -> None:
    """The pod sees the end of the input, after all of it. (Kubernetes itself drops what a pod answers after that.)"""
    serve(ack, direct, 1)
    payload = os.urandom(5 * MIB + 3)
    with forwarding(through, "9003") as ports:
        with socket.create_connection(("127.0.0.1", ports[9003]), 20) as connection:
            connection.sendall(payload)
            connection.shutdown(socket.SHUT_WR)
            wait.until("the pod has seen the end", lambda: direct("logs", "server"),
                       done=lambda log: log == f"input ended after {len(payload)}, <nil>\n")


def transfer(site: Site, kubectl: Kubectl, direct: Kubectl, size: int) -> None:
    serve(site, direct, size)
    with forwarding(kubectl, "9000", "9001") as ports:
        with socket.create_connection(("127.0.0.1", ports[9001]), 60) as connection:
            count = 0
            while block := connection.recv(1 << 18):
                assert not any(block[:64])
                count += len(block)
            assert count == size
        block = os.urandom(MIB)
        digest = hashlib.sha256()
        with socket.create_connection(("127.0.0.1", ports[9000]), 60) as connection:
            connection.sendall(struct.pack(">Q", size))
            for _ in range(size // MIB):
                connection.sendall(block)
                digest.update(block)
            assert connection.recv(100).split()[0].decode() == digest.hexdigest()


def test_port_forward_of_64_mib(through: Kubectl, direct: Kubectl, ack: Site) -> None:
    transfer(ack, through, direct, 64 * MIB)


@pytest.mark.soak
def test_port_forward_of_1_gib(through: Kubectl, direct: Kubectl, ack: Site) -> None:
    transfer(ack, through, direct, 1024 * MIB)


# proxy and debug


def test_kubectl_proxy(kubectl: Kubectl, direct: Kubectl, shell: str) -> None:
    running = kubectl.popen("proxy", "--port=0", stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        found = re.search(r"127\.0\.0\.1:(\d+)", running.stdout.readline())
        assert found
        base = f"http://127.0.0.1:{found[1]}"
        with urllib.request.urlopen(f"{base}/api/v1/namespaces/{direct.namespace}/pods/{shell}", timeout=10) as answer:
            assert json.load(answer)["metadata"]["name"] == shell
        with urllib.request.urlopen(f"{base}/api/v1/namespaces/{direct.namespace}/configmaps?watch=1", timeout=10) as stream:
            direct("create", "configmap", "seen")
            for line in stream:
                if json.loads(line)["object"]["metadata"]["name"] == "seen":
                    break
            else:
                pytest.fail("the watch ended before the change")
    finally:
        running.kill()
        running.wait()


def test_service_proxy_of_the_api_server(kubectl: Kubectl, direct: Kubectl) -> None:
    pods.run(direct, pods.pod("www", "mkdir /tmp/w; echo found > /tmp/w/index.html; httpd -f -p 8080 -h /tmp/w"))
    path = f"/api/v1/namespaces/{direct.namespace}/pods/www:8080/proxy/"
    wait.until("the web server answers", lambda: direct("get", "--raw", path) == "found\n")
    assert kubectl("get", "--raw", path) == "found\n"
    ours, theirs = kubectl.try_run("get", "--raw", path + "missing"), direct.try_run("get", "--raw", path + "missing")
    assert ours == theirs


def test_debug(through: Kubectl, shell: str, ack: Site) -> None:
    out = through("debug", shell, "--image=roadstead.test/busybox:1", "--image-pull-policy=IfNotPresent",
                  "--profile=general", "-c", "dbg", "--attach", "--quiet", "--", "sh", "-c", "sleep 1; echo debugged", timeout=60)
    assert "debugged" in out
