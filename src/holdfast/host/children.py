"""Worker processes with deadlines: what can hang runs in a child (rule 9).

A child of the fork server's waits until its identity is durable. Then it does one piece of work from the table in
`holdfast.host.work`, or becomes a tool, and says how it went. When its deadline passes it is killed; then only a
proven death counts.
"""

import abc
import errno
import json
import os
from typing import Any, Protocol

from holdfast.host import processes, tools
from holdfast.host.forks import Child, ForkServer, Tool, Worker, Workers
from holdfast.model import errors
from holdfast.model.errors import Abandoned, Again, HoldfastError, Refused, Unavailable, from_os_error
from holdfast.model.step import ChildIdentity
from holdfast.runtime.api import Runtime

# Exit status of a child that could not become its tool, and says why as JSON.
SAID = 250


class Keeper(Protocol):
    """Who journals children; a step's context is one."""

    def child_started(self, child: ChildIdentity) -> None:
        """Make the child's identity durable."""
        ...

    def child_ended(self, child: ChildIdentity) -> None:
        """The child has ended what it did: it answered, or is proven dead."""
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
        self.server = ForkServer(runtime.condition(), server)
        self._workers = Workers(runtime.condition(), self.server)

    def run(
        self, keeper: Keeper, work: str, args: dict[str, Any], fds: tuple[int, ...] = (), deadline: float = 60.0
    ) -> Any:
        """See `Children.run`."""
        child: Child = Tool(self.server, work, args, fds) if work in tools.TOOLS else self._workers.take()
        answered = False
        try:
            keeper.child_started(child.identity)
            try:
                self._runtime.effect(f"child.{work}", lambda: child.begin(work, args, fds))
            except OSError:  # it died while it waited
                if self._is_dead(child.identity):
                    keeper.child_ended(child.identity)
                raise
            raw, ended = child.listen(deadline, self._runtime.monotonic)
            if ended is None:
                self._abandon(keeper, work, child.identity, deadline)
            elif not ended:
                self._orphaned(keeper, work, child.identity)
            keeper.child_ended(child.identity)
            answered = ended == b"0"
            return answer_of(work, raw, int(ended or b"0"))
        finally:
            self._leave(child, answered=answered)

    def _leave(self, child: Child, *, answered: bool) -> None:
        if not isinstance(child, Worker):
            child.close()
        elif answered:
            self._workers.put(child)
        else:
            self._workers.drop(child)

    def _abandon(self, keeper: Keeper, work: str, child: ChildIdentity, deadline: float) -> None:
        if not self._is_dead(child):
            self.abandoned += 1
            raise Abandoned(
                f"{work} did not answer within {deadline:g} s, and its process {child.pid} cannot be killed "
                "(it sleeps in the kernel). It is looked at again until it is dead."
            )
        keeper.child_ended(child)
        raise Again(f"{work} did not answer within {deadline:g} s; its process was killed.")

    def _orphaned(self, keeper: Keeper, work: str, child: ChildIdentity) -> None:
        """The fork server died. The kernel kills its children, but only a proof counts."""
        if not self._is_dead(child):
            raise Abandoned(f"The fork server is gone while {work} ran, and its process {child.pid} cannot be killed.")
        keeper.child_ended(child)
        raise Unavailable(f"The fork server is gone; {work} was killed with it.", "Restart the daemon.")

    def _is_dead(self, child: ChildIdentity) -> bool:
        return processes.prove_dead(self._runtime, child)

    def prove_dead(self, child: ChildIdentity) -> bool:
        """See `Children.prove_dead`. A worker that is still used has answered whoever asks; another has it now."""
        return child in self._workers or self._is_dead(child)

    def close(self) -> None:
        """End the fork server; it kills what it still has."""
        self._workers.close()
        self.server.close()
