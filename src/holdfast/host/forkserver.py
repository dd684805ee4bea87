"""The fork server: single-threaded, started before any thread, forks children on request.

It reads a request (JSON and descriptors) from its socket, forks, and answers pid and start time. A child that is to
become a tool waits at its gate; when the gate closes without a word it ends. A worker waits for work at its socket, and
ends when that closes. When the daemon goes away, the server kills its children and ends; a child whose server dies
gets SIGKILL from the kernel (prctl PR_SET_PDEATHSIG). Proof of death is the daemon's business all the same.
"""

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from typing import Any

from holdfast.host import syscalls, tools, work
from holdfast.host.children import SAID, say
from holdfast.host.forks import receive, send
from holdfast.host.linux import LINUX
from holdfast.host.processes import start_time

PR_SET_PDEATHSIG = 1
# Where a worker has its socket; what is above is of the work that it does.
_SOCKET = 3
# Opened once: a child would do it each time.
_LIBC = ctypes.CDLL(None)


def _child(request: dict[str, Any], fds: tuple[int, ...]) -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if request:
            _become(request, *fds)
        else:
            _work(fds[1])
    except Exception:  # noqa: BLE001 - whatever it is, the server's loop is not this process's
        traceback.print_exc()
    finally:
        os._exit(1)


def _become(request: dict[str, Any], status: int, gate: int, answer: int, *given: int) -> None:
    """A tool; or say why not."""
    os.close(status)
    if os.read(gate, 1) != b"g":
        os._exit(0)
    name = request["work"]
    try:
        tools.become(tools.TOOLS[name](request["args"], given), answer, given)
    except Exception as error:  # noqa: BLE001 - told to the daemon, whatever it is
        os.write(answer, json.dumps(say(error, name)).encode())
        os._exit(SAID)


def _work(end: int) -> None:
    """One piece of work after another. Whoever hears an answer may rely on it that nothing of the work is held."""
    os.dup2(end, _SOCKET)
    sock = socket.socket(fileno=_SOCKET)
    gc.disable()
    gc.freeze()
    syscalls.close_from(_SOCKET + 1)
    while True:
        raw, given = receive(sock)
        if not raw:
            os._exit(0)
        request = json.loads(raw)
        name = request["work"]
        try:
            said: dict[str, Any] = {"answer": work.TABLE[name](LINUX, request["args"], given)}
        except Exception as error:  # noqa: BLE001 - told to the daemon, whatever it is
            said = say(error, name)
        gc.collect()  # first: an object of this work may not close a descriptor of the next
        syscalls.close_from(_SOCKET + 1)
        send(sock, said)


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
        try:
            raw, fds = receive(self._control)
        except OSError:
            return False
        if not raw:
            return False
        try:
            pid = os.fork()
        except OSError as error:
            send(self._control, {"error": error.strerror})
            pid = -1
        if pid == 0:
            self._control.close()
            for kept in self._status.values():
                os.close(kept)
            _child(json.loads(raw), fds)
        if pid > 0:
            self._status[pid] = os.dup(fds[0])
            send(self._control, {"pid": pid, "start": start_time(pid)})
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
