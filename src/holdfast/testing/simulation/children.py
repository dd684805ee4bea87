"""Children of the simulated machine: the real pieces of work, over a kernel of their own process."""

import json
import signal
from typing import Any

from holdfast.host import tools, work
from holdfast.host.children import SAID, say
from holdfast.model.errors import HoldfastError
from holdfast.model.step import ChildIdentity
from holdfast.runtime.api import Killed
from holdfast.runtime.simulated import SimulatedRuntime
from holdfast.testing.forked import Moment, Said
from holdfast.testing.simulation.kernel import SimulatedKernel
from holdfast.testing.simulation.machine import Machine
from holdfast.testing.simulation.tools import TOOLS
from holdfast.testing.universe import ForkedChildren, Universe


class _Dying:
    """Lets a process make so many calls, then kills it."""

    def __init__(self, calls: int | None) -> None:
        self._left = calls

    def __call__(self) -> None:
        if self._left is None:
            return
        if self._left == 0:
            raise Killed
        self._left -= 1


class SimulatedChildren(ForkedChildren):
    """Each runs to its end at once; its faults are those of `ForkedChildren`."""

    def __init__(
        self, universe: Universe, runtime: SimulatedRuntime, machine: Machine, parent: SimulatedKernel
    ) -> None:
        super().__init__(universe, runtime)
        self._machine = machine
        self._parent = parent

    def _process(self, fds: tuple[int, ...], calls: int | None = None) -> tuple[SimulatedKernel, tuple[int, ...]]:
        kernel = SimulatedKernel(self._machine, _Dying(None), lambda _seconds: None)
        given = tuple(self._parent.give(fd, kernel) for fd in fds)
        kernel.alive = _Dying(calls)
        return kernel, given

    def do(self, work: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
        """See `ForkedChildren.do`."""
        return _run(*self._process(fds), work, args)

    def killed(self, moment: Moment, work: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
        """In the midst: after any number of its calls."""
        if moment != "idle":
            calls = None if moment == "mute" else self._machine.random.randrange(1, 12)
            _run(*self._process(fds, calls), work, args)
        return b"", -signal.SIGKILL

    def later(self, child: ChildIdentity, work: str, args: dict[str, Any], fds: tuple[int, ...], after: float) -> None:
        """See `ForkedChildren.later`: it keeps its descriptors, whatever becomes of the daemon."""
        kernel, given = self._process(fds)
        self._universe.later(child, after, lambda: _nothing(_run(kernel, given, work, args)))


def _nothing(_said: Said) -> None:
    """Nobody listens."""


def _run(kernel: SimulatedKernel, fds: tuple[int, ...], name: str, args: dict[str, Any]) -> Said:
    try:
        if name in tools.TOOLS:
            said, status = TOOLS[name](kernel, args, *fds)
            return said.encode(), status
        answer: dict[str, Any] = {"answer": work.TABLE[name](kernel, args, fds)}
        return json.dumps(answer).encode(), 0
    except Killed:
        return b"", -signal.SIGKILL
    except (HoldfastError, OSError) as error:  # what else it meets is a fault of ours, and ends the simulation
        return json.dumps(say(error, name)).encode(), SAID if name in tools.TOOLS else 0
    finally:
        kernel.exit()
