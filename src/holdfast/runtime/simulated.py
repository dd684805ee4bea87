"""The simulated runtime: seeded greenlets on a virtual clock, several incarnations side by side.

One `Scheduler` is the universe: it owns the clock, the seed and the ready list, and runs one greenlet at a
time, chosen by the seed. A `SimulatedRuntime` is one incarnation of a daemon in it. Killing an incarnation
marks it dead first, so that whatever its greenlets do while they unwind (`finally`) meets `Killed` at the
next failpoint, lock or wait, before any effect.
"""

import heapq
import random
import uuid
from collections.abc import Callable

import greenlet

from holdfast.runtime.api import Condition, Killed, Runtime, T, Task


class Deadlock(RuntimeError):
    """Nothing is ready and no timer is set, yet somebody waits."""


class Scheduler:
    """The universe of one simulation."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = 0.0
        self.wall_offset = 1_700_000_000.0
        self._ready: list[SimulatedTask] = []
        self._timers: list[tuple[float, int, SimulatedTask, int]] = []
        self._serial = 0
        self.hub = greenlet.getcurrent()
        self.current: SimulatedTask | None = None

    def add(self, task: "SimulatedTask") -> None:
        """Make a task ready."""
        self._ready.append(task)

    def at(self, when: float, task: "SimulatedTask", ticket: int) -> None:
        """Wake `task` at virtual time `when`, if it still waits under `ticket`."""
        self._serial += 1
        heapq.heappush(self._timers, (when, self._serial, task, ticket))

    def run(self, until: Callable[[], bool], limit: float = 1e9) -> None:
        """Run tasks until `until()` holds; raise Deadlock if it cannot come true by itself."""
        self.hub = greenlet.getcurrent()
        end = self.clock + limit
        while not until():
            if self._ready:
                index = self.random.randrange(len(self._ready))
                task = self._ready.pop(index)
                self._switch(task)
            elif self._timers:
                when, _, task, ticket = heapq.heappop(self._timers)
                if task.ticket != ticket or task.finished:
                    continue
                if when > end:
                    raise Deadlock(f"nothing happened within {limit} virtual seconds")
                self.clock = max(self.clock, when)
                task.wake(timed_out=True)
            else:
                raise Deadlock("nothing is ready and no timer is set")

    def _switch(self, task: "SimulatedTask") -> None:
        self.current = task
        try:
            task.switch()
        finally:
            self.current = None

    def pause(self) -> None:
        """Give the turn back to the scheduler (called by a task)."""
        self.hub.switch()


class SimulatedTask(Task):
    """One greenlet."""

    def __init__(self, runtime: "SimulatedRuntime", name: str, fn: Callable[[], None]) -> None:
        self._runtime = runtime
        self.name = name
        self.finished = False
        self.ticket = 0
        self.timed_out = False
        self.failure: BaseException | None = None
        self._fn = fn
        # The hub is its parent: a greenlet that ends goes on in its parent, and that must not be its spawner.
        self._greenlet = greenlet.greenlet(self._main, parent=runtime.scheduler.hub)

    def _main(self) -> None:
        try:
            self._runtime.check()
            self._fn()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - kept, and raised by join
            self.failure = error
        finally:
            self.finished = True
            self._runtime.tasks.pop(self, None)

    def switch(self) -> None:
        """Run until it pauses or ends."""
        self._greenlet.switch()
        if self.failure is not None and not self._runtime.dead:
            failure, self.failure = self.failure, None
            raise failure

    def sleep_until(self, when: float | None) -> bool:
        """Wait for `wake`, or until `when`; False after a timeout."""
        self.ticket += 1
        self.timed_out = False
        if when is not None:
            self._runtime.scheduler.at(when, self, self.ticket)
        self._runtime.scheduler.pause()
        self._runtime.check()
        return not self.timed_out

    def wake(self, *, timed_out: bool = False) -> None:
        """Make it ready, once per wait."""
        self.ticket += 1
        self.timed_out = timed_out
        self._runtime.scheduler.add(self)

    def join(self, timeout: float | None = None) -> bool:
        """Wait in virtual time."""
        end = None if timeout is None else self._runtime.monotonic() + timeout
        while not self.finished and (end is None or self._runtime.monotonic() < end):
            self._runtime.sleep(0.01)
        return self.finished


class _SimulatedCondition(Condition):
    def __init__(self, runtime: "SimulatedRuntime") -> None:
        self._runtime = runtime
        self._held = False
        self._lockers: list[SimulatedTask] = []
        self._waiters: list[SimulatedTask] = []

    def __enter__(self) -> "_SimulatedCondition":
        self._runtime.check()
        task = self._runtime.scheduler.current
        while self._held:
            if task is None:
                raise Deadlock("a lock is held across a pause, and the scheduler itself wants it")
            self._lockers.append(task)
            task.sleep_until(None)
        self._held = True
        return self

    def __exit__(self, *exc: object) -> None:
        self._held = False
        if self._lockers and not self._runtime.dead:
            self._lockers.pop(0).wake()

    def wait(self, timeout: float | None = None) -> bool:
        task = self._runtime.task()
        when = None if timeout is None else self._runtime.scheduler.clock + timeout
        self._waiters.append(task)
        self.__exit__()
        notified = task.sleep_until(when)
        if not notified:
            self._waiters.remove(task)
        self.__enter__()
        return notified

    def notify(self) -> None:
        if self._waiters:
            self._waiters.pop(0).wake()

    def notify_all(self) -> None:
        waiters, self._waiters = self._waiters, []
        for task in waiters:
            task.wake()


class SimulatedRuntime(Runtime):
    """One incarnation. After `kill` nothing of it has any effect."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self.scheduler = scheduler
        self.dead = False
        self.tasks: dict[SimulatedTask, None] = {}  # in order: a set's would differ from run to run

    def check(self) -> None:
        """Raise Killed in a dead incarnation."""
        if self.dead:
            raise Killed

    def kill(self) -> None:
        """SIGKILL: from here on every failpoint, lock and wait of this incarnation raises Killed."""
        self.dead = True

    def unwind(self) -> None:
        """Let the dead incarnation's greenlets end; called by the scheduler's side after `kill`."""
        for task in list(self.tasks):
            task.switch()

    def task(self) -> SimulatedTask:
        """The task that runs."""
        if self.scheduler.current is None:
            raise Deadlock("waiting outside of a simulated task")
        return self.scheduler.current

    def now(self) -> float:
        """Virtual wall clock; tests move `scheduler.wall_offset`."""
        return self.scheduler.wall_offset + self.scheduler.clock

    def monotonic(self) -> float:
        """Virtual clock."""
        return self.scheduler.clock

    def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        self.check()
        self.task().sleep_until(self.scheduler.clock + seconds)

    def condition(self) -> Condition:
        """A lock on the virtual clock."""
        return _SimulatedCondition(self)

    def spawn(self, name: str, fn: Callable[[], None]) -> Task:
        """A new greenlet, ready to run."""
        self.check()
        task = SimulatedTask(self, name, fn)
        self.tasks[task] = None
        self.scheduler.add(task)
        return task

    def random(self) -> float:
        """From the universe's seed."""
        return self.scheduler.random.random()

    def new_id(self) -> str:
        """A UUID4 from the universe's seed."""
        return uuid.UUID(int=self.scheduler.random.getrandbits(128), version=4).hex

    def failpoint(self, name: str) -> None:
        """A failpoint of a dead incarnation raises Killed."""
        self.check()
        super().failpoint(name)

    def effect(self, name: str, call: Callable[[], T]) -> T:
        """Nothing, in a dead incarnation, also when the failpoint before it was the death."""
        self.failpoint(name + ".before")
        self.check()
        answer = call()
        self.failpoint(name + ".after")
        self.check()
        return answer
