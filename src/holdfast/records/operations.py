"""Operations in the database. Every change by a runner is conditional on its epoch (rule 10)."""

import msgspec

from holdfast.model.errors import HoldfastError
from holdfast.records import meta
from holdfast.records.contract import Row, Tx, Value


class StaleEpoch(HoldfastError):
    """Somebody else resumed the operation; whoever sees this stops at once and writes nothing."""

    code = "stale-epoch"


class OperationRow(msgspec.Struct, frozen=True):
    """One row of `operations`. Times in seconds; `allowance` is 0 for no deadline; empty texts mean none.

    `changed` numbers the last change of any operation: larger is later.
    """

    id: str
    seq: int
    kind: str
    member: str
    state: str
    direction: str
    epoch: int
    cursor: int
    request: str
    ids: str
    ref_kind: str
    ref_uid: str
    ref_path: str
    actor: str
    reason: str
    error: str
    created: float
    ended: float
    next_try: float
    tries: int
    allowance: float
    spent: float
    cancel: int
    changed: int = 0


_COLUMNS = ", ".join(OperationRow.__struct_fields__)
_MARKS = ", ".join("?" for _ in OperationRow.__struct_fields__)
# The next number of a change. Pruning keeps the largest, so that none is given twice.
# A number that was given is never given again, though a loss of power took back whose it was.
_CHANGES, _STRIDE = "changes", 1 << 20
_LAST = f"""(SELECT MAX(number) FROM (SELECT COALESCE(MAX(changed), 0) AS number FROM operations
    UNION ALL SELECT value FROM meta WHERE name='{_CHANGES}') AS numbers)"""
_NEXT = f"{_LAST} + 1"
_UNENDED = "('queued', 'running', 'undoing', 'parked')"


def _row(row: Row) -> OperationRow:
    return msgspec.convert(dict(zip(OperationRow.__struct_fields__, row, strict=True)), OperationRow)


def numbered(tx: Tx, row: OperationRow) -> OperationRow:
    """With the next number of the queue, and of the changes."""
    seq, changed = tx.run(f"SELECT COALESCE(MAX(seq), 0) + 1, {_NEXT} FROM operations")[0]
    return msgspec.structs.replace(row, seq=int(seq), changed=int(changed))


def insert(tx: Tx, row: OperationRow) -> OperationRow:
    """Add an operation, numbered now unless it was before; return it."""
    row = row if row.seq else numbered(tx, row)
    tx.run(f"INSERT INTO operations({_COLUMNS}) VALUES({_MARKS})", msgspec.structs.astuple(row))
    return row


def get(tx: Tx, op: str) -> OperationRow | None:
    """The operation, if it is recorded."""
    rows = tx.run(f"SELECT {_COLUMNS} FROM operations WHERE id=?", (op,))
    return _row(rows[0]) if rows else None


def change(tx: Tx, op: str, epoch: int, **columns: Value) -> int:
    """Set columns of an operation that is not over, under its epoch; the number of the change. Else StaleEpoch."""
    names = ", ".join(f"{name}=?" for name in columns)
    sql = f"UPDATE operations SET changed={_NEXT}, {names} WHERE id=? AND epoch=? AND state IN {_UNENDED}"
    rows = tx.run(f"{sql} RETURNING changed", (*columns.values(), op, epoch))
    if not rows:
        raise StaleEpoch(f"The operation {op} is no longer run under epoch {epoch}.")
    return int(rows[0][0])


def new_epoch(tx: Tx, op: str) -> int:
    """Take the operation over; whoever ran it before can write nothing any more."""
    tx.run("UPDATE operations SET epoch=epoch+1 WHERE id=?", (op,))
    return int(tx.run("SELECT epoch FROM operations WHERE id=?", (op,))[0][0])


def unended(tx: Tx, member: str) -> list[OperationRow]:
    """All operations of a member that are not over, oldest first."""
    rows = tx.run(f"SELECT {_COLUMNS} FROM operations WHERE state IN {_UNENDED} AND member=? ORDER BY seq", (member,))
    return [_row(row) for row in rows]


def page(tx: Tx, *, state: str = "", ref: str = "", before: int = 1 << 60, most: int = 100) -> list[OperationRow]:
    """Operations, newest first, of one state or one resource, below a number of the queue."""
    where, values = ["seq<?"], list[Value]([before])
    for column, value in (("state", state), ("ref_uid", ref)):
        if value:
            where.append(f"{column}=?")
            values.append(value)
    rows = tx.run(
        f"SELECT {_COLUMNS} FROM operations WHERE {' AND '.join(where)} ORDER BY seq DESC LIMIT ?", (*values, most)
    )
    return [_row(row) for row in rows]


def begin(tx: Tx) -> None:
    """Whoever runs from now on numbers changes beyond all that could have been given before."""
    meta.put(tx, _CHANGES, int(tx.run(f"SELECT {_LAST}")[0][0]) + _STRIDE)


def latest(tx: Tx) -> int:
    """The number of the last change, 0 before the first."""
    return int(tx.run("SELECT COALESCE(MAX(changed), 0) FROM operations")[0][0])


def since(tx: Tx, change: int, most: int) -> list[OperationRow]:
    """Operations changed after that number, each once, as it is now, in the order of their last change."""
    rows = tx.run(f"SELECT {_COLUMNS} FROM operations WHERE changed>? ORDER BY changed LIMIT ?", (change, most))
    return [_row(row) for row in rows]


def prune(tx: Tx, before: float, most: int, keep: int = 10) -> int:
    """Forget ended operations older than `before`, or beyond the newest `most`; a resource keeps its last `keep`."""
    total = int(tx.run("SELECT COUNT(*) FROM operations")[0][0])
    rows = tx.run(
        f"""SELECT id, ended FROM operations o WHERE state NOT IN {_UNENDED}
            AND changed < (SELECT MAX(changed) FROM operations)
            AND NOT EXISTS (SELECT 1 FROM keys WHERE keys.op=o.id) AND
            (SELECT COUNT(*) FROM operations n WHERE n.ref_uid=o.ref_uid AND n.seq>o.seq) >= ?
            ORDER BY seq LIMIT 1000""",
        (keep,),
    )
    pruned = 0
    for op, ended in rows:
        if float(ended) < before or total - pruned > most:
            for table in ("steps", "children"):
                tx.run(f"DELETE FROM {table} WHERE op=?", (op,))
            tx.run("DELETE FROM operations WHERE id=?", (op,))
            pruned += 1
    return pruned
