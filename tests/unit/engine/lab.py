"""An engine in the simulated universe, over real SQLite in memory, that can be killed and started again."""

import itertools
from collections.abc import Callable

import apsw

from holdfast.engine.codec import Codec
from holdfast.engine.engine import Engine
from holdfast.engine.request import Request
from holdfast.engine.submit import Caller
from holdfast.model.operations import ENDED, OperationView
from holdfast.model.resources import Pool
from holdfast.model.step import ChildIdentity
from holdfast.records import claims, operations, resources
from holdfast.records.operations import OperationRow
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.simulated import Scheduler, SimulatedRuntime
from tests.unit.engine.world import World, codec

_serial = itertools.count()


class Lab:
    """`world` outlives the incarnations; `alive` are children that nobody could prove dead."""

    def __init__(self, seed: int = 1) -> None:
        self.scheduler = Scheduler(seed)
        self.bystander = SimulatedRuntime(self.scheduler)
        self.world = World()
        self.alive: set[int] = set()
        self.fatal: list[str] = []
        self._name = f"/lab-{next(_serial)}"
        self._keeps = apsw.Connection(self._name, vfs="memdb")
        self.start()

    def start(self, *, suspended: str = "", known: Codec | None = None) -> None:
        """A new incarnation."""
        self.runtime = SimulatedRuntime(self.scheduler)
        self.records = SqliteRecords(self.runtime, self._name, vfs="memdb", twice=True)
        self.engine = Engine(
            self.runtime, self.records, known or codec(), {World: self.world}, self._bury,
            member="m", owner="m", threads=3, fatal=self.fatal.append,
        )  # fmt: skip
        self.engine.suspended = suspended
        self.engine.start()

    def _bury(self, child: ChildIdentity) -> bool:
        return child.pid not in self.alive

    def kill(self) -> None:
        """SIGKILL."""
        self.runtime.kill()
        self.runtime.unwind()
        self.records.close()

    def restart(self, *, suspended: str = "", known: Codec | None = None) -> None:
        """Killed, and started again."""
        self.kill()
        self.start(suspended=suspended, known=known)

    def close(self) -> None:
        """The end of the universe."""
        self.kill()
        self.bystander.kill()
        self.bystander.unwind()
        self._keeps.close()

    def submit(self, request: Request, *, key: str = "", allowance: float | None = None) -> str:
        """Ask; the operation's id."""
        return self.engine.submit(request, Caller("me", "POST /x"), key=key, allowance=allowance).id

    def get(self, op: str) -> OperationView:
        """The operation."""
        return self.engine.get(op)

    def until(self, holds: Callable[[], bool], limit: float = 1e6) -> None:
        """Let the universe go on until that holds."""
        self.scheduler.run(holds, limit)
        assert not self.fatal

    def ended(self, op: str) -> OperationView:
        """The operation once it is over."""
        self.until(lambda: self.get(op).state in ENDED)
        return self.get(op)

    def parked(self, op: str) -> OperationView:
        """The operation once it waits."""
        self.until(lambda: self.get(op).state == "parked")
        return self.get(op)

    def run(self, request: Request) -> OperationView:
        """Ask, and wait for the end."""
        return self.ended(self.submit(request))

    def sleep(self, seconds: float) -> None:
        """Let so much virtual time pass."""
        task = self.bystander.spawn("sleeper", lambda: self.bystander.sleep(seconds))
        self.until(lambda: getattr(task, "finished", False))

    def break_at(self, failpoint: str, act: Callable[[], None], nth: int = 1) -> None:
        """Do `act` when that failpoint is met for the nth time."""
        left = [nth]

        def hook(name: str) -> None:
            if name == failpoint:
                left[0] -= 1
                if left[0] == 0:
                    act()

        self.runtime.hook = hook

    def die_at(self, failpoint: str, nth: int = 1) -> None:
        """Go on until that failpoint is met for the nth time; SIGKILL there, and start again."""
        self.break_at(failpoint, self.runtime.kill, nth)
        self.until(lambda: self.runtime.dead)
        self.restart()

    def row(self, op: str) -> OperationRow:
        """The operation as the journal holds it."""
        row = self.records.read(lambda tx: operations.get(tx, op))
        assert row is not None
        return row

    def claims(self) -> list[tuple[str, str, str]]:
        """All that are held or queued for."""
        return self.records.read(claims.held)

    def pool(self, name: str) -> Pool | None:
        """The pool of that name."""
        return self.records.read(lambda tx: resources.by_name(tx, Pool, "", name))
