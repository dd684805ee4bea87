"""Idempotency keys: the same key and body give the same operation; another body is refused."""

from holdfast.model.errors import KeyReused
from holdfast.records.contract import Tx


def find(tx: Tx, scope: str, digest: str) -> str:
    """The operation made under this key, or an empty text; raise KeyReused for another body."""
    rows = tx.run("SELECT digest, op FROM keys WHERE scope=?", (scope,))
    if not rows:
        return ""
    if rows[0][0] != digest:
        raise KeyReused("This Idempotency-Key was used for another request.", "Make a new key for a new request.")
    return str(rows[0][1])


def insert(tx: Tx, scope: str, digest: str, op: str, now: float) -> None:
    """Bind the key."""
    tx.run("INSERT INTO keys(scope, digest, op, created) VALUES(?, ?, ?, ?)", (scope, digest, op, now))


def prune(tx: Tx, before: float) -> None:
    """Forget keys older than `before`."""
    tx.run("DELETE FROM keys WHERE created<?", (before,))
