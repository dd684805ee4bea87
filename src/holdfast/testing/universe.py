"""The whole control plane on a virtual clock, over a real directory: incarnations that die and come back.

What is real: SQLite on a file, files, loop devices, mounts, mkfs. What is modelled: time, threads (seeded
greenlets), and death: a killed incarnation has no effect from that moment on. Children are forked for real and
run to their end at once; a child that hangs, or acts after its deadline, is modelled on the virtual clock.
"""

import contextlib
import os
from collections.abc import Callable
from typing import Any

from holdfast.control.daemon import Daemon, Settings
from holdfast.drivers.btrfs.driver import BtrfsDriver
from holdfast.drivers.dir.driver import DirDriver
from holdfast.drivers.registry import Drivers
from holdfast.host.children import Children, Keeper, answer_of
from holdfast.host.host import Host
from holdfast.model.errors import Abandoned, Again
from holdfast.model.resources import Snapshot, Volume
from holdfast.model.step import ChildIdentity
from holdfast.runtime.api import Killed
from holdfast.runtime.simulated import Scheduler, SimulatedRuntime
from holdfast.testing.forked import Moment, Said, forked, killed

Hook = Callable[["Universe", str], None]
# How long after its deadline a child that sleeps in the kernel does its work and ends; virtual seconds.
LATE = 30.0
# A child that hangs for longer is killed after so long: what hours show, minutes do. Virtual seconds.
LONGEST = 600.0


class ChildHangs(Exception):
    """Raised by a hook at `child.*.before`: the child does nothing until it is killed at its deadline."""


class ChildIsLate(Exception):
    """Raised by a hook at `child.*.before`: the child cannot be killed, acts after its deadline, and ends."""


class ChildDies(Exception):
    """Raised by a hook at `child.*`: the child dies by SIGKILL, at that moment of its work; the daemon lives."""

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment)
        self.moment: Moment = moment


class ForkedChildren(Children):
    """Real forks, waited for at once; the faults above on the virtual clock."""

    def __init__(self, universe: "Universe", runtime: SimulatedRuntime) -> None:
        self._universe = universe
        self._runtime = runtime

    def run(
        self, keeper: Keeper, work: str, args: dict[str, Any], fds: tuple[int, ...] = (), deadline: float = 60.0
    ) -> Any:
        """See `Children.run`."""
        self._universe.children += 1
        child = ChildIdentity(self._universe.children, 0, "simulated")
        keeper.child_started(child)
        try:
            raw, status = self._runtime.effect(f"child.{work}", lambda: self.do(work, args, fds))
        except ChildHangs:
            self._runtime.sleep(min(deadline, LONGEST))
            keeper.child_ended(child)
            raise Again(f"{work} did not answer within {deadline:g} s; its process was killed.") from None
        except ChildIsLate:
            self.later(child, work, args, fds, min(deadline, LONGEST) + LATE)
            self._runtime.sleep(min(deadline, LONGEST))
            raise Abandoned(f"{work} did not answer within {deadline:g} s and cannot be killed.") from None
        except ChildDies as death:
            raw, status = self.killed(death.moment, work, args, fds)
        except OSError:
            keeper.child_ended(child)
            raise
        keeper.child_ended(child)
        return answer_of(work, raw, status)

    def do(self, work: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
        """A piece of work in a process of its own; what that said, and its exit status."""
        return forked(work, args, fds)

    def killed(self, moment: Moment, work: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
        """The same for one that dies by SIGKILL."""
        return killed(moment, work, args, fds)

    def later(self, child: ChildIdentity, work: str, args: dict[str, Any], fds: tuple[int, ...], after: float) -> None:
        """The child acts after so many virtual seconds, and ends."""
        kept = tuple(os.dup(fd) for fd in fds)

        def act() -> None:
            with contextlib.suppress(OSError):
                forked(work, args, kept)
            for fd in kept:
                os.close(fd)

        self._universe.later(child, after, act)

    def prove_dead(self, child: ChildIdentity) -> bool:
        """Whether it is not one of those that act late."""
        return child.pid not in self._universe.alive


def only_dir(host: Host) -> Drivers:
    """The drivers that are proven here."""
    return Drivers({"btrfs": BtrfsDriver(host), "dir": DirDriver(host)})


class Universe:
    """One scratch directory, one clock, one daemon at a time. `hook` breaks things at failpoints."""

    def __init__(self, scratch: str, seed: int) -> None:
        self.scratch = scratch
        self.scheduler = Scheduler(seed)
        self.children = 0
        self.alive: set[int] = set()
        self.trace: list[str] = []
        self.hook: Hook | None = None
        self.incarnations = 0
        self.daemon: Daemon | None = None
        self.runtime = SimulatedRuntime(self.scheduler)
        # Of what lives on while daemons come and go.
        self.world = SimulatedRuntime(self.scheduler)

    # -- life and death ------------------------------------------------------------------------

    def start(self) -> bool:
        """A new incarnation; False if it was killed while it started."""
        self.incarnations += 1
        self.trace = []
        self.runtime = SimulatedRuntime(self.scheduler)
        self.runtime.hook = self._failpoint
        self.daemon = None
        runtime = self.runtime

        def begin() -> None:
            daemon = Daemon.__new__(Daemon)
            self.daemon = daemon  # known before it is whole, so that one killed in the making is buried too
            self.make(daemon, runtime)
            daemon.start()

        self.run(begin)
        return not runtime.dead

    def make(self, daemon: Daemon, runtime: SimulatedRuntime) -> None:
        """Initialise the incarnation's control plane."""
        daemon.__init__(  # type: ignore[misc]  # it exists before it is whole, see `start`
            runtime, Settings(os.path.join(self.scratch, "state"), os.path.join(self.scratch, "run"), threads=2),
            children=ForkedChildren(self, runtime), fatal=self.fatal, drivers=self.drivers,
        )  # fmt: skip

    def drivers(self, host: Host) -> Drivers:
        """Those of the daemon."""
        return only_dir(host)

    def furnish(self) -> None:
        """What is there before the first daemon."""

    def memory(self) -> object:
        """What of this universe is in no file."""
        return None

    def recall(self, memory: object) -> None:
        """As it was when that was its memory."""

    def image(self, volume: Volume | Snapshot) -> str:
        """The file of a volume's, or a snapshot's, file system."""
        found = [f"{self.scratch}/{pool}/volumes/{volume.uid}/disk.raw" for pool in ("pool", "second")]
        return found[1] if os.path.exists(found[1]) else found[0]

    def disagreement(self, _daemon: Daemon) -> str:
        """How back ends that are in no file differ from the records, or an empty text."""
        return ""

    def fatal(self, _reason: str) -> None:
        """What a daemon does that must not go on."""
        self.kill()

    def _failpoint(self, name: str) -> None:
        self.trace.append(name)
        if self.hook is not None:
            self.hook(self, name)

    def kill(self) -> None:
        """SIGKILL, from inside or outside; raises Killed inside."""
        self.runtime.kill()
        raise Killed

    def bury(self) -> None:
        """After a kill: unwind the dead, and close what the kernel would have closed."""
        self.runtime.dead = True
        self.runtime.unwind()
        daemon, self.daemon = self.daemon, None
        if daemon is not None and hasattr(daemon, "records"):
            daemon.records.close()
        if daemon is not None and hasattr(daemon, "state_dir"):
            daemon.state_dir.close()

    def run(self, fn: Callable[[], Any], limit: float = 1e7) -> Any:
        """Run `fn` in the incarnation; its answer, or None if that died meanwhile."""
        answer: list[Any] = []
        task = self.runtime.spawn("test", lambda: answer.append(fn()))
        self.scheduler.run(lambda: self.runtime.dead or getattr(task, "finished", False), limit)
        return answer[0] if answer else None

    # -- faults that outlive an incarnation ----------------------------------------------------

    def later(self, child: ChildIdentity, after: float, act: Callable[[], None]) -> None:
        """The child acts after so many virtual seconds, whoever lives then, and ends."""
        self.alive.add(child.pid)

        def wait() -> None:
            self.world.sleep(after)
            if child.pid in self.alive:  # else the machine lost its power meanwhile
                act()
            self.alive.discard(child.pid)

        self.world.spawn("late child", wait)
