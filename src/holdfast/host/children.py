"""Worker processes with deadlines: what can hang runs in a child (rule 9).

A child is forked by the fork server, and waits at a gate until its identity is durable. Then it does one
piece of work from the table in `holdfast.host.work` and says how it went. When its deadline passes it is
killed; only a proven death counts.
"""

import abc
import array
import errno
import json
import os
import select
import socket
import subprocess
import sys
from typing import Any, Protocol

from holdfast.host import processes, tools
from holdfast.model import errors
from holdfast.model.errors import Abandoned, Again, HoldfastError, Refused, Unavailable, from_os_error
from holdfast.model.step import ChildIdentity
from holdfast.runtime.api import Runtime

MOST_ANSWER = 1 << 20
# Exit status of a child that could not become its tool, and says why as JSON.
SAID = 250


class Keeper(Protocol):
    """Who journals children; a step's context is one."""

    def child_started(self, child: ChildIdentity) -> None:
        """Make the child's identity durable."""
        ...

    def child_ended(self, child: ChildIdentity) -> None:
        """The child is proven dead."""
        ...


class Children(abc.ABC):
    """Runs pieces of work. `abandoned` counts those that could not be proven dead at their deadline."""

    abandoned = 0

    @abc.abstractmethod
    def run(
        self, keeper: Keeper, work: str, args: dict[str, Any], fds: tuple[int, ...] = (), deadline: float = 60.0
    ) -> Any:
        """Do `work`; return its answer.

        `fds` reach the child as descriptors whose numbers it is given. Raises the work's own error, Again if it
        was killed at its `deadline` (seconds), Abandoned if it could not be proven dead.
        """

    @abc.abstractmethod
    def prove_dead(self, child: ChildIdentity) -> bool:
        """Kill a child of an earlier run; whether it is proven dead."""


def answer_of(work: str, raw: bytes, status: int) -> Any:
    """What a child said: its answer, or its error raised. A child that said nothing was killed or crashed."""
    if status < 0:
        raise Again(f"{work} was killed by signal {-status} before it ended.")
    if work in tools.TOOLS and status != SAID:
        return tools.tool_answer(work, raw.decode(errors="replace"), status)
    try:
        said = json.loads(raw)
    except ValueError:
        raise Again(f"{work} ended with status {status} before it answered.") from None
    if "error" in said:
        kind = errors.by_code().get(said["error"], Refused)
        raise kind(said["detail"], said.get("hint", ""))
    if "errno" in said:
        raise from_os_error(OSError(said["errno"], os.strerror(said["errno"])), said["detail"])
    return said["answer"]


def say(error: Exception, work: str) -> dict[str, Any]:
    """An error as a child tells it."""
    if isinstance(error, HoldfastError):
        return {"error": error.code, "detail": error.detail, "hint": error.hint}
    if isinstance(error, OSError):
        name = f" {error.filename}" if error.filename else ""
        return {"errno": error.errno or errno.EIO, "detail": f"{work}{name}"}
    return {"error": "again", "detail": f"{work}: {error!r}"}


class ForkServerChildren(Children):
    """The real ones. `server` is the fork server's module, and what it is told."""

    def __init__(self, runtime: Runtime, server: tuple[str, ...] = ("holdfast.host.forkserver",)) -> None:
        self._runtime = runtime
        self._turn = runtime.condition()
        self._boot = processes.boot_id()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", server[0], str(theirs.fileno()), *server[1:]],
                pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self._socket = ours

    def run(
        self, keeper: Keeper, work: str, args: dict[str, Any], fds: tuple[int, ...] = (), deadline: float = 60.0
    ) -> Any:
        """See `Children.run`."""
        gate_out, gate = os.pipe()
        answer, answer_in = os.pipe()
        status, status_in = os.pipe()
        try:
            try:
                child = self._fork(work, args, (gate_out, answer_in, status_in, *fds))
            finally:
                for fd in (gate_out, answer_in, status_in):
                    os.close(fd)
            keeper.child_started(child)
            try:
                self._runtime.effect(f"child.{work}", lambda: os.write(gate, b"g"))
            except OSError:  # it died at its gate
                if self.prove_dead(child):
                    keeper.child_ended(child)
                raise
            raw, ended = self._listen(answer, status, deadline)
            if ended is None:
                self._abandon(keeper, work, child, deadline)
            elif not ended:
                self._orphaned(keeper, work, child)
            keeper.child_ended(child)
            return answer_of(work, raw, int(ended or b"0"))
        finally:
            for fd in (gate, answer, status):
                os.close(fd)

    def _fork(self, work: str, args: dict[str, Any], fds: tuple[int, ...]) -> ChildIdentity:
        request = json.dumps({"work": work, "args": args}).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        with self._turn:
            try:
                self._socket.sendmsg([request], rights)
                said = self._socket.recv(4096)
            except OSError as error:
                raise Unavailable(f"The fork server is gone: {error}") from error
        if not said:
            raise Unavailable("The fork server is gone.", "Restart the daemon.")
        found = json.loads(said)
        if "error" in found:
            raise Again(f"No child could be forked: {found['error']}")
        return ChildIdentity(found["pid"], found["start"], self._boot)

    def _listen(self, answer: int, status: int, deadline: float) -> tuple[bytes, bytes | None]:
        """The child's answer and its exit status; None if the deadline passed first, empty if the server is gone.

        The deadline is for the whole work: a child that says a little now and then gains no time by it.
        """
        raw = b""
        end = self._runtime.monotonic() + deadline
        poll = select.poll()
        poll.register(answer, select.POLLIN)
        poll.register(status, select.POLLIN)
        while True:
            left = end - self._runtime.monotonic()
            ready = poll.poll(left * 1000) if left > 0 else []
            if not ready:
                return raw, None
            for fd, _ in ready:
                if fd == answer:
                    part = os.read(answer, 65536)
                    raw = (raw + part)[:MOST_ANSWER]
                    if not part:
                        poll.unregister(answer)
                elif len(ready) == 1:
                    return raw, os.read(status, 64)

    def _abandon(self, keeper: Keeper, work: str, child: ChildIdentity, deadline: float) -> None:
        if not self.prove_dead(child):
            self.abandoned += 1
            raise Abandoned(
                f"{work} did not answer within {deadline:g} s, and its process {child.pid} cannot be killed "
                "(it sleeps in the kernel). It is looked at again until it is dead."
            )
        keeper.child_ended(child)
        raise Again(f"{work} did not answer within {deadline:g} s; its process was killed.")

    def _orphaned(self, keeper: Keeper, work: str, child: ChildIdentity) -> None:
        """The fork server died. The kernel kills its children, but only a proof counts."""
        if not self.prove_dead(child):
            raise Abandoned(f"The fork server is gone while {work} ran, and its process {child.pid} cannot be killed.")
        keeper.child_ended(child)
        raise Unavailable(f"The fork server is gone; {work} was killed with it.", "Restart the daemon.")

    def prove_dead(self, child: ChildIdentity) -> bool:
        """See `Children.prove_dead`."""
        return processes.prove_dead(self._runtime, child)

    def close(self) -> None:
        """End the fork server; it kills what it still has."""
        self._socket.close()
        try:
            self._server.wait(5)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
