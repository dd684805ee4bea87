"""Counters and marks of the database itself."""

from holdfast.records.contract import Tx


def get(tx: Tx, name: str) -> int:
    """The value, 0 if never set."""
    rows = tx.run("SELECT value FROM meta WHERE name=?", (name,))
    return int(rows[0][0]) if rows else 0


def put(tx: Tx, name: str, value: int) -> None:
    """Set the value."""
    if not tx.change("UPDATE meta SET value=? WHERE name=?", (value, name)):
        tx.run("INSERT INTO meta(name, value) VALUES(?, ?)", (name, value))


def advance(tx: Tx, name: str) -> int:
    """Add one and return the new value."""
    value = get(tx, name) + 1
    put(tx, name, value)
    return value
