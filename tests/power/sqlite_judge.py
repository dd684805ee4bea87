"""Is an image what it must be: the first so many transactions in their order, all that were acknowledged among them?"""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import apsw

from holdfast.model.errors import DatabaseDamaged
from holdfast.records import meta
from holdfast.records.contract import Row, Tx
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.power.disk import Disk
from holdfast.testing.power.events import Event
from holdfast.testing.power.images import Image, Replay
from holdfast.testing.power.vfs import MemoryVfs
from tests.power.sqlite_workload import PATH, TURN, transaction

TABLES = ("meta", "resources", "labels", "operations", "steps", "claims", "children", "keys", "tokens")
Contents = tuple[tuple[Row, ...], ...]


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a fresh SqliteRecords finds: how many transactions, and all rows; or why there is nothing to read."""

    turn: int = 0
    contents: Contents = ()
    damage: str = ""


def contents(tx: Tx) -> Contents:
    """All rows of all tables."""
    return tuple(tuple(tx.run(f"SELECT * FROM {table} ORDER BY 1, 2")) for table in TABLES)


def read(disk: Disk) -> Reading:
    """Open, check, read, close, as the next process would."""
    vfs = MemoryVfs(disk)
    try:
        records = SqliteRecords(ThreadRuntime(), PATH, vfs=vfs.name)
        try:
            problems = [str(row[0]) for row in records._raw.execute("PRAGMA integrity_check")]
            turn, rows = records.read(lambda tx: (meta.get(tx, TURN), contents(tx)))
        finally:
            records.close()
    except (DatabaseDamaged, apsw.CorruptError, apsw.NotADBError) as error:
        return Reading(damage=str(error))
    finally:
        vfs.close()
    return Reading(turn, rows, "" if problems == ["ok"] else problems[0])


def states(order: Sequence[int]) -> list[Contents]:
    """The contents after the first 0, 1, 2 … of these transactions, each made alone where nothing happens."""
    vfs = MemoryVfs(Disk())
    records = SqliteRecords(ThreadRuntime(), PATH, vfs=vfs.name)
    found = [records.read(contents)]
    for n in order:
        records.write(transaction(n))
        found.append(records.read(contents))
    records.close()
    vfs.close()
    return found


def order_of(final: Reading) -> list[int]:
    """The transactions in the order of their turns, as they themselves wrote it."""
    turns = {str(name): int(turn) for name, turn in final.contents[0]}
    numbers = {turn: int(name.removeprefix("turn-of-")) for name, turn in turns.items() if name.startswith("turn-of-")}
    return [numbers[turn] for turn in sorted(numbers)]


class Judge:
    """Of the images of one log. `marks` say of which transactions it was promised that they stay."""

    def __init__(self, log: Sequence[Event], marks: tuple[str, ...] = ("acknowledged",)) -> None:
        replay = Replay()
        for event in log:
            replay.do(event)
        self.order = order_of(read(replay.disk))
        self.states = states(self.order)
        # The largest turn promised before each length of the log.
        self.promised = [0]
        for event in log:
            said = event.name.split() if event.kind == "mark" else []
            turn = int(said[1]) if said and said[0] in marks else 0
            self.promised.append(max(self.promised[-1], turn))
        self.seen: Counter[str] = Counter()
        self.opened: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.lost = 0
        self.broken: list[str] = []
        self._last: dict[str, tuple[dict[str, bytes], Reading]] = {}

    def judge(self, image: Image, promised: int | None = None) -> str:
        """`right`, or what is wrong with it; `promised` is the largest turn that must be there, else the log tells."""
        promised = self.promised[image.events] if promised is None else promised
        verdict = self.verdict(self._reading(image), promised)
        self.seen[image.kind] += 1
        self.verdicts[verdict] += 1
        if verdict != "right":
            self.broken.append(f"the {image.kind} image after {image.events} events: {verdict}")
        return verdict

    def _reading(self, image: Image) -> Reading:
        files, reading = self._last.get(image.kind, (None, Reading()))
        if files is not image.files:
            reading = read(Disk.holding(image.files))
            self.opened[image.kind] += 1
            self._last[image.kind] = image.files, reading
        return reading

    def verdict(self, reading: Reading, promised: int) -> str:
        """The same of a reading."""
        if reading.damage:
            self.lost = max(self.lost, promised)
            return "damaged"
        if reading.turn < promised:
            self.lost = max(self.lost, promised - reading.turn)
            return "lost"
        if reading.turn >= len(self.states) or reading.contents != self.states[reading.turn]:
            return "half a transaction"
        return "right"

    def figures(self) -> str:
        """A line for people."""
        kinds = ", ".join(f"{self.seen[kind]} {kind} ({self.opened[kind]} different)" for kind in sorted(self.seen))
        return (
            f"{self.seen.total()} images, {self.opened.total()} opened: {kinds}; "
            f"{self.promised[-1]} transactions acknowledged, {self.lost} lost at most; {dict(self.verdicts)}"
        )
