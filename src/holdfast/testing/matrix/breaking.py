"""The hook: notes what is passed, and breaks what is to be broken."""

import errno
import os
from collections.abc import Callable

from holdfast.testing.matrix.faults import Faults, Passed, is_death
from holdfast.testing.universe import ChildDies, ChildHangs, ChildIsLate, Universe

# Longer than the allowance that the matrix gives, and that longer than any child's deadline; virtual seconds.
HANG = 1100.0


class Breaker:
    """Fires its faults one after the other, while armed.

    `visits` are all that were passed, and `times` when; `after` those since the first fault fired. `hold` is called
    where a fault of that kind stands.
    """

    def __init__(self, faults: Faults, weather: tuple[tuple[str, int], ...], hold: Callable[[], None]) -> None:
        self.faults = faults
        self.fired = 0
        self.armed = False
        self.visits: list[str] = []
        self.times: list[float] = []
        self._first = 0
        self._weather = weather
        self._hold = hold
        self._counts: dict[str, int] = {}

    def __call__(self, universe: Universe, name: str) -> None:
        """A failpoint is passed."""
        if not self.armed:
            return
        self.visits.append(name)
        self.times.append(universe.scheduler.clock)
        if self.fired < len(self.faults):
            self._maybe_fire(universe, name)
        for at, code in self._weather:
            if at == name:
                raise OSError(code, os.strerror(code))

    @property
    def after(self) -> Passed:
        """What was passed since the first fault fired, and when."""
        return Passed(self.visits[self._first :], self.times[self._first :])

    @property
    def passed(self) -> Passed:
        """All that was passed, and when."""
        return Passed(self.visits, self.times)

    def _maybe_fire(self, universe: Universe, name: str) -> None:
        fault = self.faults[self.fired]
        if fault.at != name:
            return
        self._counts[name] = self._counts.get(name, 0) + 1
        if self._counts[name] < fault.nth:
            return
        self.fired += 1
        self._first = self._first or len(self.visits)
        self._counts = {}
        self._fire(universe, name, fault.kind)

    def _fire(self, universe: Universe, name: str, kind: str) -> None:
        if is_death(name, kind):
            universe.kill()
        match kind:
            case "hold":
                self._hold()
            case "error" | "reply-lost":
                raise OSError(errno.EIO, f"injected at {name}")
            case "late":
                raise ChildIsLate
            case "child-kill":
                raise ChildDies("idle" if name.endswith(".before") else "mute")
            case "child-half":
                raise ChildDies("half")
            case "hang" if name.startswith("child.") and name != "child.kill.before":
                raise ChildHangs
            case "hang" if universe.scheduler.current is not None:
                universe.runtime.sleep(HANG)
