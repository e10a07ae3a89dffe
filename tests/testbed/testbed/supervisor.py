# SPDX-License-Identifier: Apache-2.0
"""The first process of a cluster.

It takes new network, mount, PID, UTS and IPC namespaces, and starts and stops the cluster's programs on request.
Because it is the first process of its PID namespace, the kernel kills every process of the cluster (also container
shims and containers) when it dies, and with the last of them all mounts, links, nft tables and routes of the cluster
go as well. So the clean-up after a crash is: kill this one process.

Standard library only, and no import of siblings: it runs as a plain script. Requests and answers are JSON, one object
per connection on a Unix socket.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = (
    0x00020000, 0x04000000, 0x08000000, 0x20000000, 0x40000000,
)
MS_BIND, MS_REC, MS_PRIVATE, MS_SHARED = 0x1000, 0x4000, 0x40000, 0x100000

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    _check(
        _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()),
        f"mount {source} on {target}",
    )


def _private_files(volume: str, keep: list[str], resolv_conf: str) -> None:
    """Gives the cluster its own /run, /var/lib and /var/log, and a volume in memory; the machine's stay as they are."""
    _mount("none", "/", "none", MS_REC | MS_PRIVATE)
    held = [(path, os.open(path, os.O_PATH)) for path in keep]
    _mount("roadstead", volume, "tmpfs", 0, "mode=0755,size=75%")
    volume_fd = os.open(volume, os.O_PATH)
    for folder in ("/var/lib", "/var/log"):
        upper, work = (f"{volume}/overlay{folder}/{part}" for part in ("upper", "work"))
        os.makedirs(upper)
        os.makedirs(work)
        _mount("roadstead", folder, "overlay", 0, f"lowerdir={folder},upperdir={upper},workdir={work}")
    # The usual places: short, since paths of sockets are limited, and no overlay, which cannot carry another one.
    for folder in ("/var/lib/kubelet", "/var/lib/containerd"):
        os.makedirs(volume + folder)
        os.makedirs(folder, exist_ok=True)
        _mount(volume + folder, folder, "none", MS_BIND)
    _mount("roadstead", "/run", "tmpfs", 0, "mode=0755,size=10%")
    for path, fd in held:
        if path.startswith(("/run/", "/var/lib/", "/var/log/")):
            os.makedirs(path, exist_ok=True)
            _mount(f"/proc/self/fd/{fd}", path, "none", MS_BIND | MS_REC)
        os.close(fd)
    # Often a link into /run, which is empty now.
    target = os.path.realpath("/etc/resolv.conf")
    if not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()
    _mount(resolv_conf, target, "none", MS_BIND)
    if not os.path.samefile(volume, f"/proc/self/fd/{volume_fd}"):
        _mount(f"/proc/self/fd/{volume_fd}", volume, "none", MS_BIND)
    os.close(volume_fd)
    _mount("proc", "/proc", "proc")
    # kubelet hands volumes to containers by mount propagation.
    _mount("none", "/", "none", MS_REC | MS_SHARED)


class Supervisor:
    def __init__(self, folder: Path, owner: int | None) -> None:
        self._folder = folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._exits: dict[str, int] = {}
        self._selector = selectors.DefaultSelector()
        self._owner = owner

    def run(self) -> None:
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        folder_fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # A short name for the folder: the path of a Unix socket may have 107 bytes at most.
        listener.bind(f"/proc/self/fd/{folder_fd}/control.sock.new")
        os.chmod(self._folder / "control.sock.new", 0o600)
        listener.listen(64)
        os.rename(self._folder / "control.sock.new", self._folder / "control.sock")
        self._selector.register(wake_read, selectors.EVENT_READ, "child")
        self._selector.register(listener, selectors.EVENT_READ, "request")
        if self._owner is not None:
            self._selector.register(self._owner, selectors.EVENT_READ, "owner")
        while True:
            for key, _ in self._selector.select():
                if key.data == "child":
                    os.read(wake_read, 4096)
                    self._reap()
                elif key.data == "owner":
                    return
                else:
                    connection, _ = listener.accept()
                    with connection:
                        self._serve(connection)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name, child in list(self._children.items()):
                if child.pid == pid:
                    child.returncode = os.waitstatus_to_exitcode(status)
                    self._exits[name] = child.returncode
                    del self._children[name]

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        try:
            with connection.makefile("rb") as stream:
                request = json.loads(stream.readline(1 << 20))
            answer = self._handle(request)
        except Exception as error:  # the answer carries it; the first process must never die of a bad request
            answer = {"error": f"{type(error).__name__}: {error}"}
        try:
            connection.sendall(json.dumps(answer).encode() + b"\n")
        except OSError:
            pass

    def _handle(self, request: dict[str, Any]) -> dict[str, Any]:
        self._reap()
        operation = request["operation"]
        if operation == "start":
            return self._start(request)
        if operation == "signal":
            child = self._children.get(request["name"])
            if child is not None:
                os.kill(child.pid, request["signal"])
            return {}
        if operation == "status":
            return {
                "running": {name: child.pid for name, child in self._children.items()},
                "exited": {name: code for name, code in self._exits.items() if name not in self._children},
            }
        raise ValueError(f"unknown operation {operation!r}")

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["name"]
        if name in self._children:
            return {"error": f"{name} is already running"}
        with open(request["log"], "ab") as log:
            child = subprocess.Popen(
                request["argv"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=request["env"], cwd=request.get("cwd", "/"), start_new_session=True,
            )
        self._exits.pop(name, None)
        self._children[name] = child
        return {"pid": child.pid}


def main() -> int:
    """Arguments: a JSON file with folder, volume, hostname, log, resolv_conf, keep (folders to keep visible), owner (PID or null)."""
    config = json.loads(Path(sys.argv[1]).read_text())
    owner = os.pidfd_open(config["owner"]) if config.get("owner") else None
    _check(
        _libc.unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET), "unshare"
    )
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid != 0:
        os.close(write_end)
        failure = os.read(read_end, 4096)  # end of file: set up; text: why not
        if failure:
            print(failure.decode(), file=sys.stderr)
            return 1
        print(pid, flush=True)
        return 0
    os.close(read_end)
    os.setsid()
    try:
        socket.sethostname(config["hostname"])
        _private_files(config["volume"], config["keep"], config["resolv_conf"])
        supervisor = Supervisor(Path(config["folder"]), owner)
    except OSError as error:
        os.write(write_end, str(error).encode())
        os._exit(1)
    null = os.open("/dev/null", os.O_RDWR)
    log = os.open(config["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(write_end)
    supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
