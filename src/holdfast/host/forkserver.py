"""The fork server: single-threaded, started before any thread, forks workers on request.

It reads a request (JSON and descriptors) from its socket, forks, and answers pid and start time. The child
waits at its gate; when the gate closes without a word it ends. When the daemon goes away, the server kills
its children and ends; a child whose server dies gets SIGKILL from the kernel (prctl PR_SET_PDEATHSIG). Proof
of death is the daemon's business all the same.
"""

import array
import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from holdfast.host import tools, work
from holdfast.host.children import SAID, say
from holdfast.host.linux import LINUX
from holdfast.host.processes import start_time

PR_SET_PDEATHSIG = 1
_MOST_FDS = 16
# Opened once: a child would do it each time.
_LIBC = ctypes.CDLL(None)


def _child(request: dict[str, Any], fds: list[int]) -> None:
    gate, answer, status, *given = fds
    os.close(status)
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.read(gate, 1) != b"g":
        os._exit(0)
    name = request["work"]
    try:
        if name in tools.TOOLS:
            tools.become(tools.TOOLS[name](request["args"], tuple(given)), answer, tuple(given))
        said: dict[str, Any] = {"answer": work.TABLE[name](LINUX, request["args"], tuple(given))}
    except Exception as error:  # noqa: BLE001 - told to the daemon, whatever it is
        said = say(error, name)
    os.write(answer, json.dumps(said).encode())
    os._exit(SAID if name in tools.TOOLS else 0)


class Server:
    """One per daemon."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._status: dict[int, int] = {}

    def serve(self) -> None:
        """Until the daemon closes its end."""
        wake, wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self._control.fileno(), wake], [], [])
            if wake in ready:
                os.read(wake, 4096)
                self._reap()
            if self._control.fileno() in ready and not self._request():
                break
        for pid in self._status:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _request(self) -> bool:
        size = array.array("i").itemsize * _MOST_FDS
        try:
            raw, ancillary, _, _ = self._control.recvmsg(1 << 20, socket.CMSG_SPACE(size))
        except OSError:
            return False
        if not raw:
            return False
        fds = array.array("i")
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        try:
            pid = os.fork()
        except OSError as error:
            self._control.send(json.dumps({"error": error.strerror}).encode())
            pid = -1
        if pid == 0:
            self._control.close()
            for kept in self._status.values():
                os.close(kept)
            _child(json.loads(raw), list(fds))
        if pid > 0:
            self._status[pid] = os.dup(fds[2])
            self._control.send(json.dumps({"pid": pid, "start": start_time(pid)}).encode())
        for fd in fds:
            os.close(fd)
        return True

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            fd = self._status.pop(pid, None)
            if fd is not None:
                with contextlib.suppress(BrokenPipeError):
                    os.write(fd, str(os.waitstatus_to_exitcode(status)).encode())
                os.close(fd)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.setpgid(0, 0)
    Server(socket.socket(fileno=int(sys.argv[1]))).serve()
