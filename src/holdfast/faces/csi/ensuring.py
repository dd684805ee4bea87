"""How a call of CSI has something done: it joins who does it, or asks for it, and waits as long as its caller does."""

from collections.abc import Callable
from typing import NoReturn

from holdfast.control import asking
from holdfast.control.daemon import Daemon
from holdfast.engine.submit import Caller
from holdfast.model.errors import Again, HoldfastError, Waiting, WrongState, by_code
from holdfast.model.operations import OperationView, Problem
from holdfast.operations.base import Asked
from holdfast.records import claims
from holdfast.records.claims import Claim

CALLER = Caller("csi")
# Seconds: how long a call waits whose caller says no deadline; and before a deadline, for the answer's way. A deadline
# beyond a day is none: so gRPC tells of a caller that says nothing.
LONGEST, WAY, DAY = 60.0, 0.2, 86400.0


class Ensuring:
    """Of one call. `left` says how many seconds its caller still waits; `operations` are those that it waited for."""

    def __init__(self, daemon: Daemon, left: Callable[[], float | None]) -> None:
        self._daemon = daemon
        self._left = left
        self.operations: list[str] = []

    def asked(self, request: Asked, *, durable: bool = True) -> None:
        """Have it done. Raises the error of the look, of the submission, or of the operation's end; Waiting.

        `durable` as of `Engine.submit`: an orchestrator that has no answer asks again.
        """
        self.ended(asking.ask(self._daemon, request, CALLER, begun=lambda _op: None, durable=durable))

    def joined(self, claim: Claim, *kinds: str) -> bool:
        """Whether an operation of one of these kinds has what is claimed; then it is over now. Raises as `asked`."""
        return self.followed(self.holders(claim), *kinds)

    def followed(self, holders: list[tuple[str, str]], *kinds: str) -> bool:
        """The same of holders that were read with something else."""
        found = next((op for op, kind in holders if kind in kinds), "")
        if found:
            self.ended(self._daemon.engine.get(found))
        return bool(found)

    def holders(self, claim: Claim) -> list[tuple[str, str]]:
        """Operations that have it to themselves, or wait for it, and their kinds; oldest first."""
        return self._daemon.records.read(lambda tx: claims.holders(tx, claim))

    def cancelled(self, operation: str, kind: str) -> NoReturn:
        """Call back one that does the opposite, and have the call asked again once it ended. Raises Again."""
        try:
            self._daemon.engine.exits.cancel(operation)
        except WrongState as error:
            raise Again(f"Operation {operation} ({kind}) does the opposite: {error.detail}") from error
        raise Again(f"Operation {operation} ({kind}) did the opposite, and is being undone.")

    def _parked_before(self, operation: str) -> str:
        """The operation whose turn is first, and why it waits, if it does."""
        before = self._daemon.records.read(lambda tx: claims.blocker(tx, operation))
        view = self._daemon.engine.get(before) if before else None
        return f"{view.id} ({view.kind}), and that for: {view.reason}" if view and view.state == "parked" else ""

    def ended(self, view: OperationView) -> None:
        """Wait for it, unless it is parked, or waits for one that is: that is told at once."""
        self.operations.append(view.id)
        if view.state == "queued" and (first := self._parked_before(view.id)):
            raise Waiting(f"Operation {view.id} ({view.kind}) waits for {first}")
        if not view.ended:
            left = self._left()
            seconds = LONGEST if left is None or left > DAY else max(0.0, left - WAY)
            view = self._daemon.engine.watch.wait(view.id, seconds)
        match view.state:
            case "done":
                return
            case "undone" | "abandoned" if view.error is not None:
                raise _error(view.error)
            case "undone" | "abandoned":
                raise Waiting(f"Operation {view.id} is {view.state}: {view.reason}")
            case "parked":
                raise Waiting(f"Operation {view.id} waits: {view.reason}")
            case _:
                raise Waiting(f"Operation {view.id} ({view.kind}) is still under way.")


def _error(problem: Problem) -> HoldfastError:
    """As it was; that it was cancelled, or not in time, is a reason to ask again."""
    return by_code().get(problem.code, Again)(problem.detail, problem.hint)
