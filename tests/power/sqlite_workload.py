"""Real transactions through SqliteRecords on a recording disk: several writers, checkpoints, a full disk, a kill."""

import dataclasses
from collections.abc import Callable
from random import Random

import msgspec

from holdfast.model.errors import NoSpace
from holdfast.records import claims, meta, operations, resources, steps
from holdfast.records.claims import Claim
from holdfast.records.contract import Records, Tx
from holdfast.records.sqlite import SqliteRecords
from holdfast.records.steps import StepRow
from holdfast.runtime.api import Killed
from holdfast.runtime.simulated import Scheduler, SimulatedRuntime, SimulatedTask
from holdfast.testing.power.disk import Disk
from holdfast.testing.power.events import Event
from holdfast.testing.power.vfs import Handle, MemoryVfs
from tests.conformance.records.rows import operation, volume

PATH = "/holdfast.db"
TURN = "turn"
# Pages in the log before a checkpoint; SQLite's own 1,000 would never come.
CHECKPOINT = 60
# A log's head, which is synced by itself before the first transaction in it: https://sqlite.org/fileformat2.html
HEAD = 32
# So many transactions before the end of its life a process is killed.
FEW = 3
Write = Callable[[Records, int], int]


def transaction(n: int, drawn: int = 0) -> Callable[[Tx], int]:
    """Rows in many tables, and now and then much that goes away; the answer is its turn among all transactions."""

    def fn(tx: Tx) -> int:
        turn = drawn or meta.advance(tx, TURN)
        chosen = Random(n)
        op = f"op-{n:04}"
        labels = {f"label-{i}": "x" * chosen.randrange(200) for i in range(3)}
        row = volume(f"uid-{n:04}", f"v{n:04}")
        resources.insert(tx, msgspec.structs.replace(row, spec=msgspec.structs.replace(row.spec, labels=labels)))
        operations.insert(tx, operation(op, request="r" * chosen.randrange(6000)))
        for idx in range(chosen.randrange(1, 4)):
            steps.insert(tx, op, StepRow(idx, "b" * chosen.randrange(900)))
        claims.insert(tx, op, turn, (Claim(f"uid:{n}"), Claim("shared", "shared")))
        if turn % 3 == 0:
            _end_one(tx, chosen)
        if turn % 40 == 0:
            _forget_most(tx)
        meta.put(tx, f"turn-of-{n}", turn)
        return turn

    return fn


def _end_one(tx: Tx, chosen: Random) -> None:
    rows = operations.page(tx, state="queued")
    row = rows[chosen.randrange(len(rows))]
    claims.release(tx, row.id)
    operations.change(tx, row.id, row.epoch, state="done")
    resources.delete(tx, row.id.replace("op-", "uid-"))


def _forget_most(tx: Tx) -> None:
    for row in operations.page(tx, state="done"):
        tx.run("DELETE FROM steps WHERE op=?", (row.id,))
        tx.run("DELETE FROM operations WHERE id=?", (row.id,))


def plainly(records: Records, n: int) -> int:
    """One transaction for one request."""
    return records.write(transaction(n))


def every_third_durably(records: Records, n: int) -> int:
    """One for each request, of which a loss of power may take back what no durable one comes after."""
    return records.write(transaction(n), durable=n % 3 == 0)


def in_two(records: Records, n: int) -> int:
    """The control: the same rows, in two commits."""
    turn = records.write(lambda tx: meta.advance(tx, TURN))
    return records.write(transaction(n, turn))


@dataclasses.dataclass
class Workload:
    """What runs, and what it saw. `tune` is done to each connection; `vfs` is what it is on."""

    seed: int
    transactions: int = 120
    write: Write = plainly
    tune: Callable[[SqliteRecords], None] = lambda _records: None
    vfs: type[MemoryVfs] = MemoryVfs
    disk: Disk = dataclasses.field(default_factory=lambda: Disk(record=True))
    log: list[Event] = dataclasses.field(default_factory=list)
    acknowledged: dict[int, int] = dataclasses.field(default_factory=dict)
    refused: list[int] = dataclasses.field(default_factory=list)
    commits: int = 0

    def run(self) -> "Workload":
        """A third each: to a proper stop; through a full disk to a kill between write and sync; to a stop."""
        third = self.transactions // 3
        self._incarnation(range(third))
        self._incarnation(range(third, 2 * third), full=True, killed=True)
        self._incarnation(range(2 * third, self.transactions))
        self.log = self.disk.log or []
        return self

    def _incarnation(self, numbers: range, *, full: bool = False, killed: bool = False) -> None:
        _Life(self, numbers, full=full, killed=killed).run()


class _Life:
    """One process: four writers on a virtual clock."""

    def __init__(self, work: Workload, numbers: range, *, full: bool, killed: bool) -> None:
        self.work = work
        self.full, self.killed = full, killed
        self.scheduler = Scheduler(work.seed)
        self.runtime = SimulatedRuntime(self.scheduler)
        self.runtime.hook = self._hook
        self.left = list(numbers)
        self.most = len(self.left)
        self.dying = False
        self.vfs = _vfs_of(self)
        self.records = SqliteRecords(self.runtime, PATH, vfs=self.vfs.name)
        self.records._raw.wal_autocheckpoint(CHECKPOINT)
        work.tune(self.records)

    def _hook(self, name: str) -> None:
        if name == "records.commit.before":
            self.work.commits += 1
            self.runtime.sleep(0.005)  # others gather behind it
            self.dying = self.killed and len(self.left) < FEW
        elif name == "records.commit.after" and self.dying:
            self.die()  # nothing was synced: a control

    def die(self) -> None:
        """SIGKILL: what was written stays in the page cache."""
        self.dying = False
        self.runtime.kill()
        self.work.disk.kill()
        raise Killed

    def run(self) -> None:
        """Until all is written, or to the death."""
        tasks = [self.runtime.spawn(f"writer-{n}", self._writer) for n in range(4)]
        writers = [task for task in tasks if isinstance(task, SimulatedTask)]
        self.scheduler.run(lambda: self.runtime.dead or all(writer.finished for writer in writers))
        assert self.runtime.dead == self.killed
        self.runtime.unwind()
        self.records.close()
        self.vfs.close()

    def _writer(self) -> None:
        while self.left:
            n = self.left.pop(0)
            self.runtime.sleep(self.runtime.random() * 0.005)
            self._once(n)

    def _once(self, n: int) -> None:
        disk = self.work.disk
        disk.room = 0 if self.full and self.most // 4 < len(self.left) < self.most * 3 // 4 else None
        disk.mark(f"begun {n}")
        try:
            turn = self.work.write(self.records, n)
        except NoSpace:
            self.work.refused.append(n)
            disk.mark(f"refused {n}")
            return
        loose = self.work.write is every_third_durably and n % 3 > 0
        disk.mark(f"{'answered' if loose else 'acknowledged'} {turn}")
        self.work.acknowledged[n] = turn


def _vfs_of(life: _Life) -> MemoryVfs:
    base: type[Handle] = life.work.vfs.handle

    class Mortal(base):  # type: ignore[valid-type, misc]  # a class chosen at run time
        def xSync(self, flags: int) -> None:
            log = life.work.disk.log or [Event("mark")]
            if life.dying and len(log[-1].data) > HEAD:  # a whole transaction is there, and none of it is synced
                life.die()
            super().xSync(flags)

    class Vfs(life.work.vfs):  # type: ignore[name-defined, misc]  # see above
        handle = Mortal

    vfs = Vfs(life.work.disk)
    assert isinstance(vfs, MemoryVfs)
    return vfs
