"""Tokens in the database: whom the TCP face lets in. Only digests of their secrets are kept."""

import msgspec

from holdfast.model.errors import Exists
from holdfast.model.views import Role
from holdfast.records.contract import Tx


class TokenRow(msgspec.Struct, frozen=True):
    """One token. Times in seconds since the epoch; `expires` is 0 for never."""

    id: str
    name: str
    role: Role
    digest: str
    created: float
    expires: float


_COLUMNS = ", ".join(TokenRow.__struct_fields__)


def insert(tx: Tx, row: TokenRow) -> None:
    """Add a token; raise Exists if the name is taken."""
    if tx.run("SELECT 1 FROM tokens WHERE name=?", (row.name,)):
        raise Exists(f"There is a token {row.name} already.", "Revoke it first, or choose another name.")
    tx.run(f"INSERT INTO tokens({_COLUMNS}) VALUES(?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(row))


def every(tx: Tx) -> list[TokenRow]:
    """All tokens by name."""
    rows = tx.run(f"SELECT {_COLUMNS} FROM tokens ORDER BY name")
    return [msgspec.convert(dict(zip(TokenRow.__struct_fields__, row, strict=True)), TokenRow) for row in rows]


def delete(tx: Tx, token: str) -> None:
    """Remove a token, if it is there."""
    tx.run("DELETE FROM tokens WHERE id=?", (token,))
