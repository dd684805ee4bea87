"""The daemon's own rounds, one thread for all: reconcile, stamp, expire, prune, collect, keep the reserve."""

from collections.abc import Callable

import structlog

from holdfast.control.connections import Connections
from holdfast.control.counters import Counters
from holdfast.control.expiry import Expiry
from holdfast.control.reconcile import Reconciler
from holdfast.engine.engine import Engine
from holdfast.model.errors import HoldfastError
from holdfast.runtime.api import Runtime, Task

log = structlog.get_logger()
EVERY = 5.0
MINUTE = 60.0
HOUR = 3600.0


class Rounds:
    """Each round is a look and a decision; a round that fails is logged and tried again."""

    def __init__(
        self,
        runtime: Runtime,
        engine: Engine,
        reconciler: Reconciler,
        counters: Counters,
        connections: Connections,
        expiry: Expiry,
        reserve: Callable[[], bool],
    ) -> None:
        self._runtime = runtime
        self._engine = engine
        self._jobs: list[tuple[float, Callable[[], object]]] = [
            (EVERY, reconciler.tick),
            (EVERY, reserve),
            (0.0, connections.collect),
            (MINUTE, self._count(counters)),
            (MINUTE, expiry.tick),
            (HOUR, engine.prune),
        ]
        self._turn = runtime.condition()
        self._stopped = False
        self._task: Task | None = None
        self._changes = 0

    def changed(self) -> None:
        """Something was committed; the next minute counts on."""
        self._changes += 1

    def wake(self) -> None:
        """What is due each round is due now."""
        with self._turn:
            self._turn.notify_all()

    def _count(self, counters: Counters) -> Callable[[], None]:
        counted = [0]

        def job() -> None:
            if counted[0] != self._changes:
                counted[0] = self._changes
                counters.advance()
            else:
                counters.stamp()

        return job

    def start(self) -> None:
        """Begin; the first round is at once."""
        self._task = self._runtime.spawn("rounds", self._run)

    def _run(self) -> None:
        # What forgets waits its hour: a clock that is wrong at boot has been set by then.
        due = [0.0 if every < HOUR else self._runtime.monotonic() + every for every, _ in self._jobs]
        while not self._stopped:
            now = self._runtime.monotonic()
            for index, (every, job) in enumerate(self._jobs):
                if now >= due[index] and not self._engine.suspended:
                    due[index] = now + every
                    self._guarded(job)
            with self._turn:
                if not self._stopped:
                    self._turn.wait(EVERY)

    @staticmethod
    def _guarded(job: Callable[[], object]) -> None:
        try:
            job()
        except (HoldfastError, OSError) as error:
            log.warning("a round failed; it is tried again", error=str(error))
        except Exception:
            log.exception("a round met a fault of Holdfast itself; it is tried again")

    def stop(self) -> None:
        """End after the round under way."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()
        if self._task is not None:
            self._task.join(30)
