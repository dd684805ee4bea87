"""Starts `holdfast` in a moment: as a copy of a process that has imported all of it, where a new one imports a second.

What runs is the same code, as a process of its own, with its own arguments, environment, directory and files.
"""

import array
import atexit
import contextlib
import faulthandler
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import IO, Any, NoReturn, Protocol

# What Python itself reads of the environment as it starts; a copy can heed the first alone.
_FAULTS = "PYTHONFAULTHANDLER"
_OF_PYTHON = ("PYTHON", "LC_", "LANG")
_LARGEST = 1 << 20
_HIGHEST = 1 << 16
_FDS = 5


class Process(Protocol):
    """What is asked of a `subprocess.Popen`."""

    pid: int
    returncode: int

    def poll(self) -> int | None:
        """Its exit status, if it ended."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Until it ends; raises TimeoutExpired."""
        ...

    def send_signal(self, sig: int) -> None:
        """Unless it ended."""
        ...

    def kill(self) -> None:
        """SIGKILL."""
        ...


class Child:
    """A process that the nursery started."""

    def __init__(self, command: list[str], pid: int, pidfd: int, status: int) -> None:
        self.args = command
        self.pid = pid
        self.returncode: int = None  # type: ignore[assignment]  # as Popen has it while it runs
        self._pidfd, self._status = pidfd, status

    def poll(self) -> int | None:
        """See `Process`."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            said = os.read(self._status, 64)
            self.returncode = int(said) if said else -signal.SIGKILL  # the nursery went, and its children with it
            os.close(self._status)
            os.close(self._pidfd)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """See `Process`."""
        if self.returncode is None and not select.select([self._status], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        self.poll()
        return self.returncode

    def send_signal(self, sig: int) -> None:
        """See `Process`."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, sig)

    def kill(self) -> None:
        """See `Process`."""
        self.send_signal(signal.SIGKILL)


class _Nursery:
    """The side that asks."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.nursery", str(theirs.fileno())]
            self._process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL)
        self._socket = ours
        self._lock = threading.Lock()
        self.environment = _of_python(os.environ)

    def start(self, command: list[str], env: Mapping[str, str], files: tuple[int, int, int]) -> Child:
        """Run that command line, with these as its standard files."""
        status, theirs = os.pipe()
        try:
            asked = {"args": command, "env": dict(env), "cwd": os.getcwd()}
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", (*files, theirs)))]
            with self._lock:
                self._socket.sendmsg([json.dumps(asked).encode()], rights)
                said, fds = _received(self._socket)
        finally:
            os.close(theirs)
        return Child(command, json.loads(said)["pid"], fds[0], status)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(10)


def _of_python(env: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in env.items() if key.startswith(_OF_PYTHON) and key != _FAULTS}


def _received(control: socket.socket) -> tuple[bytes, list[int]]:
    raw, fds, _, _ = socket.recv_fds(control, _LARGEST, _FDS)
    return raw, fds


@functools.cache
def _nursery() -> _Nursery:
    found = _Nursery()
    atexit.register(found.close)
    return found


def start(command: list[str], env: Mapping[str, str], out: IO[bytes]) -> Process:
    """`holdfast` with these arguments; its output goes to `out`."""
    if _of_python(env) != _nursery().environment:
        return subprocess.Popen(command, env=env, stdout=out, stderr=out)
    with open(os.devnull, "rb") as nothing:
        return _nursery().start(command, env, (nothing.fileno(), out.fileno(), out.fileno()))


def run(command: list[str], env: Mapping[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The same, waited for, and what it said."""
    if _of_python(env) != _nursery().environment:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, input=stdin, env=env)
    with contextlib.ExitStack() as opening:
        told, said, failed = (opening.enter_context(os.fdopen(os.memfd_create(name), "w+")) for name in "ioe")
        told.write(stdin)
        told.seek(0)
        child = _nursery().start(command, env, (told.fileno(), said.fileno(), failed.fileno()))
        try:
            status = child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(10)
            raise
        said.seek(0)
        failed.seek(0)
        return subprocess.CompletedProcess(command, status, said.read(), failed.read())


# -- the nursery itself ----------------------------------------------------------------------------


class _Server:
    def __init__(self, control: socket.socket, main: Callable[[], None]) -> None:
        self._control = control
        self._main = main
        self._status: dict[int, int] = {}

    def serve(self) -> None:
        wake, wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self._control.fileno(), wake], [], [])
            if wake in ready:
                os.read(wake, 4096)
                self._reap()
            if self._control.fileno() in ready and not self._ask():
                break
        for pid in self._status:
            os.kill(pid, signal.SIGKILL)

    def _ask(self) -> bool:
        raw, fds = _received(self._control)
        if not raw:
            return False
        pid = os.fork()
        if pid == 0:
            self._child(json.loads(raw), fds)
        self._status[pid] = fds.pop()
        pidfd = os.pidfd_open(pid)  # it is not reaped before the next turn, so it is that child
        socket.send_fds(self._control, [json.dumps({"pid": pid}).encode()], [pidfd])
        for fd in (pidfd, *fds):
            os.close(fd)
        return True

    def _child(self, asked: dict[str, Any], fds: list[int]) -> NoReturn:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, fd in enumerate(fds[:3]):
            os.dup2(fd, number)
        os.closerange(3, min(65536, os.sysconf("SC_OPEN_MAX")))
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
            old = getattr(sys, name)
            file = open(old.fileno(), mode, encoding=old.encoding, errors=old.errors, closefd=False)  # noqa: SIM115
            setattr(sys, name, file)
        if os.environ.get(_FAULTS):
            faulthandler.enable()
        sys.argv = asked["args"]
        os._exit(self._told())

    def _told(self) -> int:
        """The exit status of `main`, as the interpreter finds it."""
        status = 0
        try:
            self._main()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001 - as the interpreter does
            traceback.print_exc()
            status = 1
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        try:
            sys.stdout.flush()
        except OSError:
            status = 120
        return status

    def _reap(self) -> None:
        for pid in list(self._status):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                fd = self._status.pop(pid)
                with contextlib.suppress(BrokenPipeError):
                    os.write(fd, str(os.waitstatus_to_exitcode(status)).encode())
                os.close(fd)


def _prepared() -> Callable[[], None]:
    """Import what a command and a daemon import, as `serve` does."""
    from holdfast.cli import common, output  # noqa: F401
    from holdfast.cli.local.serve import quick_imports
    from holdfast.cli.main import main

    with quick_imports():
        import holdfast.service  # noqa: F401
    with open("/proc/self/comm", "w") as name:
        name.write("holdfast")
    return main


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Server(socket.socket(fileno=int(sys.argv[1])), _prepared()).serve()
