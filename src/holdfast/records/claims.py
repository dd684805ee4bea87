"""Claims: durable locks of operations, granted all together, strictly first come first served.

A claim conflicts with an earlier one on the same item unless both are shared. Since an operation's claims
are stored together and its number orders it on every item alike, no two can wait for each other.
"""

from typing import Literal

import msgspec

from holdfast.records.contract import Tx

Mode = Literal["shared", "exclusive"]


class Claim(msgspec.Struct, frozen=True):
    """What an operation locks: a uid, or a name below a parent."""

    item: str
    mode: Mode = "exclusive"


def on_uid(uid: str, mode: Mode = "exclusive") -> Claim:
    """A claim on a resource."""
    return Claim(f"uid:{uid}", mode)


def on_name(parent: str, name: str) -> Claim:
    """A claim on a name below a parent."""
    return Claim(f"name:{parent}:{name}")


def insert(tx: Tx, op: str, seq: int, claims: tuple[Claim, ...]) -> None:
    """Queue for all of them."""
    for claim in claims:
        tx.run("INSERT INTO claims(op, seq, item, mode) VALUES(?, ?, ?, ?)", (op, seq, claim.item, claim.mode))


def blocker(tx: Tx, op: str) -> str:
    """An operation that must end before `op` may begin, or an empty text: then it is granted."""
    rows = tx.run(
        """SELECT theirs.op FROM claims mine JOIN claims theirs ON theirs.item=mine.item AND theirs.seq<mine.seq
           WHERE mine.op=? AND (mine.mode='exclusive' OR theirs.mode='exclusive') LIMIT 1""",
        (op,),
    )
    return str(rows[0][0]) if rows else ""


def release(tx: Tx, op: str) -> list[str]:
    """Drop all claims of `op`; return the operations that queue behind one of them, oldest first."""
    rows = tx.run(
        """SELECT DISTINCT theirs.op, theirs.seq FROM claims mine
           JOIN claims theirs ON theirs.item=mine.item AND theirs.seq>mine.seq
           JOIN operations o ON o.id=theirs.op AND o.state='queued'
           WHERE mine.op=? ORDER BY theirs.seq""",
        (op,),
    )
    tx.run("DELETE FROM claims WHERE op=?", (op,))
    return [str(row[0]) for row in rows]


def holders(tx: Tx, claim: Claim) -> list[tuple[str, str]]:
    """Operations that have, or wait for, the claim's item exclusively, and their kinds; oldest first."""
    rows = tx.run(
        """SELECT o.id, o.kind FROM claims c JOIN operations o ON o.id=c.op
           WHERE c.item=? AND c.mode='exclusive' ORDER BY c.seq""",
        (claim.item,),
    )
    return [(str(op), str(kind)) for op, kind in rows]


def held(tx: Tx) -> list[tuple[str, str, str]]:
    """All claims as (operation, item, mode), for the audit and the tests."""
    return [(str(op), str(item), str(mode)) for op, item, mode in tx.run("SELECT op, item, mode FROM claims")]
