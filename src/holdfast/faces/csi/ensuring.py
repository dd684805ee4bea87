"""How a call of CSI has something done: it joins who does it, or asks for it, and waits as long as its caller does."""

from collections.abc import Callable

from holdfast.control import asking
from holdfast.control.daemon import Daemon
from holdfast.engine.submit import Caller
from holdfast.model.errors import HoldfastError, Waiting, by_code
from holdfast.model.operations import OperationView, Problem
from holdfast.operations.base import Asked
from holdfast.records import claims

CALLER = Caller("csi")
# Seconds: how long a call waits whose caller says no deadline; and before a deadline, for the answer's way.
LONGEST, WAY = 60.0, 0.2


class Ensuring:
    """Of one call. `left` says how many seconds its caller still waits."""

    def __init__(self, daemon: Daemon, left: Callable[[], float | None]) -> None:
        self._daemon = daemon
        self._left = left

    def asked(self, request: Asked) -> None:
        """Have it done. Raises the error of the look, of the submission, or of the operation's end; Waiting."""
        self.ended(asking.ask(self._daemon, request, CALLER, begun=lambda _op: None))

    def joined(self, uid: str, *kinds: str) -> bool:
        """Whether an operation of one of these kinds has the resource; then it is over now. Raises as `asked`."""
        found = next((op for op, kind in self.holders(uid) if kind in kinds), "")
        if found:
            self.ended(self._daemon.engine.get(found))
        return bool(found)

    def holders(self, uid: str) -> list[tuple[str, str]]:
        """Operations that have the resource to themselves, or wait for it, and their kinds; oldest first."""
        return self._daemon.records.read(lambda tx: claims.holders(tx, claims.on_uid(uid)))

    def ended(self, view: OperationView) -> None:
        """Wait for it, unless it is parked: that is told at once."""
        left = self._left()
        seconds = LONGEST if left is None else max(0.0, left - WAY)
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
    return by_code().get(problem.code, HoldfastError)(problem.detail, problem.hint)
