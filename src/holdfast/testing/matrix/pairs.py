"""Two operations on one resource: whatever comes between them, it is as if one had come after the other."""

from collections.abc import Callable

import msgspec

from holdfast.control.daemon import Daemon
from holdfast.model.errors import HoldfastError, NoSpace, Suspended, Unavailable
from holdfast.model.operations import OperationView
from holdfast.operations.base import Asked
from holdfast.testing.matrix import checks
from holdfast.testing.matrix.asking import ended, rest, submit
from holdfast.testing.matrix.breaking import Breaker
from holdfast.testing.matrix.deeds import Deed, Pair
from holdfast.testing.matrix.faults import Faults
from holdfast.testing.matrix.outcome import Outcome, outcome_of
from holdfast.testing.matrix.scenario import Broken
from holdfast.testing.matrix.stage import Stage

# While the first stands at its failpoint, virtual seconds: all that can go on goes on, and nothing is tried again.
_STANDS = 0.01
# From the first's end until the second is asked for anyway, virtual seconds.
_SETTLES = 1.0


class Side(msgspec.Struct):
    """One of the two: its request once it could be made, its operation once it was accepted.

    `asked` and `answered` are of this life of the daemon.
    """

    deed: Deed
    key: str
    request: Asked | None = None
    view: OperationView | None = None
    asked: bool = False
    answered: bool = False


class PairHistory:
    """Ask for one; ask for the other where a `hold` says, or once the one is over; break, recover, check.

    `alone` are the visits until the one is over, `queued` tells whether the other was accepted while it was held.
    """

    def __init__(self, pair: Pair, stage: Stage, faults: Faults, *, swapped: bool = False) -> None:
        self.pair = pair
        self.faults = faults
        self.breaker = Breaker(faults, (), self._hold)
        self.sides = (Side(pair.first, "the-first"), Side(pair.second, "the-second"))
        self.alone: list[str] = []
        self.queued = False
        self._one, self._other = self.sides[::-1] if swapped else self.sides
        self.universe = stage.lay()

    def run(self, between: Callable[[str], None]) -> Outcome:
        """Who was done, and what there is. Raises Broken."""
        universe, breaker = self.universe, self.breaker
        between(universe.scratch)
        universe.hook = breaker
        breaker.armed = True
        done = self._until_ended()
        breaker.armed = False
        universe.hook = None
        if universe.runtime.dead or universe.daemon is None:
            raise Broken("the daemon was killed after the end")
        self._check(universe.daemon)
        return outcome_of(universe.daemon, done)

    def _until_ended(self) -> tuple[bool, bool]:
        """Ask for both with the same keys, through as many deaths as it takes; which of them were done."""
        for _ in range(len(self.faults) + 3):
            if self.universe.daemon is None and not self.universe.start():
                self.universe.bury()
                continue
            done = self._attempt()
            if not self.universe.runtime.dead and done is not None:
                return done
            self.universe.bury()
        raise Broken("they never ended")

    def _attempt(self) -> tuple[bool, bool] | None:
        daemon = self.universe.daemon
        if daemon is None:
            return None
        for side in self.sides:
            side.asked = side.answered = False
        done: tuple[bool, bool] | None = self.universe.run(lambda: self._asking(daemon))
        return done

    def _asking(self, daemon: Daemon) -> tuple[bool, bool]:
        self._ask(daemon, self._one)
        self._end(daemon, self._one)
        self.alone = self.alone or list(self.breaker.visits)
        daemon.runtime.sleep(_SETTLES)
        if not self._other.asked:
            self._ask(daemon, self._other)
        while not self._other.answered:
            daemon.runtime.sleep(_SETTLES)
        self._end(daemon, self._other)
        rest(daemon)
        one, other = self.sides
        return _is_done(one), _is_done(other)

    def _hold(self) -> None:
        daemon = self.universe.daemon
        if daemon is None:
            raise Broken("no daemon")
        if self._other.asked:
            return  # the one was refused, and this failpoint is the other's
        daemon.runtime.spawn("the other", lambda: self._ask(daemon, self._other))
        daemon.runtime.sleep(_STANDS)
        self.queued = self._other.view is not None

    def _ask(self, daemon: Daemon, side: Side) -> None:
        """Ask; what is refused is not done, like what is undone."""
        side.asked = True
        view = None
        try:
            side.request = side.request or side.deed.ask(daemon, self.pair.content)
            view = submit(daemon, side.request, side.key)
        except (Unavailable, Suspended, NoSpace):
            raise  # it refuses everybody
        except HoldfastError:
            pass
        if side.view is not None and (view is None or view.id != side.view.id):
            raise Broken(f"the same idempotency key gave another answer to {side.deed.name}")
        side.view = view
        side.answered = True

    @staticmethod
    def _end(daemon: Daemon, side: Side) -> None:
        if side.view is not None:
            side.view = ended(daemon, side.view)

    def _check(self, daemon: Daemon) -> None:
        for side in self.sides:
            if side.view is not None and side.view.state not in ("done", "undone"):
                raise Broken(f"{side.deed.name} ended as {side.view.state}")
        checks.check_records(daemon)
        checks.check_audit(self.universe, daemon)
        forgotten = any(side.deed.forgets and _is_done(side) for side in self.sides)
        checks.check_world(self.universe, daemon, forgotten=forgotten)

    def close(self) -> None:
        """End the incarnation, and leave nothing mounted or attached."""
        checks.tidy(self.universe.scratch)
        self.universe.bury()


def _is_done(side: Side) -> bool:
    return side.view is not None and side.view.state == "done"


def while_queued(visits: list[str]) -> list[str]:
    """Of what was visited after a hold, what came before the other's turn, and that; all, if it never waited.

    One that waits may ask for its turn in vain before; it has it once the one is over.
    """
    over = visits.index("journal.end.after") if "journal.end.after" in visits else len(visits)
    turns = [at for at, name in enumerate(visits) if at > over and name == "journal.grant.after"]
    return visits[: turns[0] + 1] if turns else visits
