"""The fork server as its user sees it, and its children: processes that say an answer, and of which it says the end."""

import abc
import array
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from holdfast.host import processes
from holdfast.model.errors import Again, Unavailable
from holdfast.model.step import ChildIdentity
from holdfast.runtime.api import Condition

MOST_ANSWER = 1 << 20
# More than a group of volumes has; the kernel takes 253 (unix(7)).
_MOST_FDS = 80


def send(sock: socket.socket, message: Any, fds: tuple[int, ...] = ()) -> None:
    """One message as JSON, with descriptors."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sock.sendmsg([json.dumps(message).encode()], rights)


def receive(sock: socket.socket) -> tuple[bytes, tuple[int, ...]]:
    """One message and its descriptors; nothing if the other end is closed."""
    fds = array.array("i")
    raw, ancillary, _, _ = sock.recvmsg(MOST_ANSWER, socket.CMSG_SPACE(fds.itemsize * _MOST_FDS))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return raw, tuple(fds)


class ForkServer:
    """One process, started before any thread. `turn` is its users' lock; `server` its module, and what it is told."""

    def __init__(self, turn: Condition, server: tuple[str, ...] = ("holdfast.host.forkserver",)) -> None:
        self._turn = turn
        self._boot = processes.boot_id()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", server[0], str(theirs.fileno()), *server[1:]],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self.socket = ours

    def fork(self, request: dict[str, Any], fds: tuple[int, ...]) -> ChildIdentity:
        """A child; raises Unavailable if the server is gone, Again if there is no room for one."""
        with self._turn:
            try:
                send(self.socket, request, fds)
                said = self.socket.recv(4096)
            except OSError as error:
                raise Unavailable(f"The fork server is gone: {error}") from error
        if not said:
            raise Unavailable("The fork server is gone.", "Restart the daemon.")
        found = json.loads(said)
        if "error" in found:
            raise Again(f"No child could be forked: {found['error']}")
        return ChildIdentity(found["pid"], found["start"], self._boot)

    def close(self) -> None:
        """End it; it kills what it still has."""
        self.socket.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Child(abc.ABC):
    """A process that waits to be told to begin. `status` tells its end; `answer` can be polled for what it says."""

    identity: ChildIdentity
    answer: int
    status: int

    @abc.abstractmethod
    def begin(self, work: str, args: dict[str, Any], fds: tuple[int, ...], /) -> None:
        """Let it do its work; raises OSError if it died before."""

    @abc.abstractmethod
    def hear(self) -> tuple[bytes, bool]:
        """What it said next, or nothing if it says no more; and whether that was all of its answer."""

    @abc.abstractmethod
    def close(self) -> None:
        """Leave it: one that has not begun ends."""

    def listen(self, seconds: float, now: Callable[[], float]) -> tuple[bytes, bytes | None]:
        """Its answer and its exit status; None if the time passed first, empty if the server is gone.

        The deadline is for the whole work: a child that says a little now and then gains no time by it.
        """
        raw = b""
        end = now() + seconds
        poll = select.poll()
        poll.register(self.answer, select.POLLIN)
        poll.register(self.status, select.POLLIN)
        while True:
            left = end - now()
            ready = poll.poll(left * 1000) if left > 0 else []
            if not ready:
                return raw, None
            for fd, _ in ready:
                if fd == self.answer:
                    part, whole = self.hear()
                    raw = (raw + part)[:MOST_ANSWER]
                    if whole:
                        return raw, b"0"
                    if not part:
                        poll.unregister(fd)
                elif len(ready) == 1:
                    return raw, os.read(fd, 64)


class Tool(Child):
    """A child that becomes a program: it does one work, and its answer ends with it."""

    def __init__(self, server: ForkServer, work: str, args: dict[str, Any], fds: tuple[int, ...]) -> None:
        gate_out, self._gate = os.pipe()
        self.answer, answer_in = os.pipe()
        self.status, status_in = os.pipe()
        try:
            self.identity = server.fork({"work": work, "args": args}, (status_in, gate_out, answer_in, *fds))
        except BaseException:
            self.close()
            raise
        finally:
            for fd in (gate_out, answer_in, status_in):
                os.close(fd)

    def begin(self, _work: str, _args: dict[str, Any], _fds: tuple[int, ...], /) -> None:
        """See `Child.begin`; it was told its work when it was forked."""
        os.write(self._gate, b"g")

    def hear(self) -> tuple[bytes, bool]:
        """See `Child.hear`."""
        return os.read(self.answer, 65536), False

    def close(self) -> None:
        """See `Child.close`."""
        for fd in (self._gate, self.answer, self.status):
            os.close(fd)


class Worker(Child):
    """A child that does one work after another: a fork costs more than most of them.

    Its answer says that its work has ended and that it holds nothing of it any more, as its death would.
    """

    def __init__(self, server: ForkServer) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.answer = self._socket.fileno()
        self.status, status_in = os.pipe()
        try:
            self.identity = server.fork({}, (status_in, theirs.fileno()))
        except BaseException:
            self.close()
            raise
        finally:
            os.close(status_in)
            theirs.close()

    def begin(self, work: str, args: dict[str, Any], fds: tuple[int, ...], /) -> None:
        """See `Child.begin`."""
        send(self._socket, {"work": work, "args": args}, fds)

    def hear(self) -> tuple[bytes, bool]:
        """See `Child.hear`."""
        raw = b""
        with contextlib.suppress(ConnectionResetError):  # it died with a work unread
            raw = self._socket.recv(MOST_ANSWER)
        return raw, bool(raw)

    def lives(self) -> bool:
        """Whether an idle one is there."""
        poll = select.poll()
        poll.register(self.answer, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """See `Child.close`."""
        self._socket.close()
        os.close(self.status)


class Workers:
    """Those of one fork server. In it is each that is idle, or serves whoever took it; one that went wrong is not."""

    most_idle = 8

    def __init__(self, turn: Condition, server: ForkServer) -> None:
        self._turn = turn
        self._server = server
        self._idle: list[Worker] = []
        self._all: set[ChildIdentity] = set()

    def __contains__(self, child: ChildIdentity) -> bool:
        with self._turn:
            return child in self._all

    def take(self) -> Worker:
        """One that nobody else uses, until it is put back or dropped."""
        while True:
            with self._turn:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                worker = Worker(self._server)
                with self._turn:
                    self._all.add(worker.identity)
                return worker
            if worker.lives():
                return worker
            self.drop(worker)

    def put(self, worker: Worker) -> None:
        """It has answered."""
        with self._turn:
            if len(self._idle) < self.most_idle:
                self._idle.append(worker)
                return
        self.drop(worker)

    def drop(self, worker: Worker) -> None:
        """It is not used again. If it has begun a work, only its death ends that."""
        with self._turn:
            self._all.discard(worker.identity)
        worker.close()

    def close(self) -> None:
        """All that are idle end."""
        while self._idle:
            self.drop(self._idle.pop())
