"""The steps and the children of an operation in the database; the caller holds the operation's epoch."""

import msgspec

from holdfast.model.step import ChildIdentity
from holdfast.records.contract import Tx, Value


class StepRow(msgspec.Struct, frozen=True):
    """One step: its encoding, how far it is, the first verdict, the typed result. Empty texts mean none."""

    idx: int
    body: str
    state: str = "pending"
    attempt: int = 0
    baseline: str = ""
    result: str = ""
    progress: str = ""


_COLUMNS = ", ".join(StepRow.__struct_fields__)


def insert(tx: Tx, op: str, row: StepRow) -> None:
    """Add a step to the plan."""
    tx.run(f"INSERT INTO steps(op, {_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?)", (op, *msgspec.structs.astuple(row)))


def of(tx: Tx, op: str) -> list[StepRow]:
    """The plan in order."""
    rows = tx.run(f"SELECT {_COLUMNS} FROM steps WHERE op=? ORDER BY idx", (op,))
    return [msgspec.convert(dict(zip(StepRow.__struct_fields__, row, strict=True)), StepRow) for row in rows]


def change(tx: Tx, op: str, idx: int, **columns: Value) -> None:
    """Set columns of one step."""
    names = ", ".join(f"{name}=?" for name in columns)
    tx.run(f"UPDATE steps SET {names} WHERE op=? AND idx=?", (*columns.values(), op, idx))


def add_child(tx: Tx, op: str, child: ChildIdentity) -> None:
    """Record a child before it may act."""
    what = (op, child.pid, child.start, child.boot)
    # A worker does one work after another.
    tx.run("INSERT INTO children(op, pid, start, boot) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING", what)


def forget_children(tx: Tx, op: str) -> None:
    """The operation ended; all its children are proven dead."""
    tx.run("DELETE FROM children WHERE op=?", (op,))


def children(tx: Tx, op: str) -> list[ChildIdentity]:
    """Children not yet proven dead."""
    rows = tx.run("SELECT pid, start, boot FROM children WHERE op=?", (op,))
    return [ChildIdentity(int(pid), int(start), str(boot)) for pid, start, boot in rows]
