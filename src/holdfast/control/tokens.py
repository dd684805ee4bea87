"""Tokens for the TCP face: made, revoked, and compared.

A token is `hf_ID_SECRET`: the id finds the row, the secret (256 random bits) is compared by its SHA-256 in constant
time. All tokens are held in memory too: this daemon is the only one that writes them, in the same breath.
"""

import hashlib
import hmac
import secrets

import msgspec

from holdfast.model.errors import NotFound, Unauthenticated
from holdfast.model.lifetimes import end_of
from holdfast.model.names import check_name
from holdfast.model.views import Role, TokenView
from holdfast.records import tokens
from holdfast.records.contract import Records
from holdfast.records.tokens import TokenRow
from holdfast.runtime.api import Runtime

PREFIX = "hf"


class Tokens:
    """Of one daemon."""

    def __init__(self, runtime: Runtime, records: Records) -> None:
        self._runtime = runtime
        self._records = records
        self._turn = runtime.condition()
        self._known = {row.id: row for row in records.read(tokens.every)}

    def create(self, name: str, role: Role, lifetime: float | None) -> tuple[TokenView, str]:
        """A new token and its secret form; `lifetime` in seconds, None for ever. Raises Invalid or Exists."""
        check_name("token", name)
        secret, now = secrets.token_hex(32), self._runtime.now()
        expires = end_of("A token", lifetime, now) or 0.0
        row = TokenRow(self._runtime.new_id()[:16], name, role, _digest(secret), now, expires)
        with self._turn:
            self._records.write(lambda tx: tokens.insert(tx, row))
            self._known[row.id] = row
        return _view(row), f"{PREFIX}_{row.id}_{secret}"

    def every(self) -> list[TokenView]:
        """All, by name."""
        with self._turn:
            return sorted((_view(row) for row in self._known.values()), key=lambda view: view.name)

    def revoke(self, which: str) -> TokenView:
        """By name or id; raise NotFound. From now on it lets nobody in."""
        with self._turn:
            found = next((row for row in self._known.values() if which in (row.name, row.id)), None)
            if found is None:
                raise NotFound(f"There is no token {ascii(which)}.", "`holdfast token list` shows them.")
            self._records.write(lambda tx: tokens.delete(tx, found.id))
            del self._known[found.id]
        return _view(found)

    def check(self, presented: str) -> TokenView:
        """Whose it is; raise Unauthenticated. An unknown id costs as much as a wrong secret."""
        prefix, _, rest = presented.partition("_")
        ident, _, secret = rest.partition("_")
        row = self._known.get(ident)
        same = hmac.compare_digest(_digest(secret), row.digest if row else _digest("nobody's"))
        if row is None or not same or prefix != PREFIX:
            raise Unauthenticated(
                "The token is not known.", "It may have been revoked; `holdfast token create` makes one."
            )
        if row.expires and row.expires < self._runtime.now():
            raise Unauthenticated("The token has expired.", "`holdfast token create` makes a new one.")
        return _view(row)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _view(row: TokenRow) -> TokenView:
    return msgspec.convert(
        {
            "id": row.id,
            "name": row.name,
            "role": row.role,
            "created_at": row.created,
            "expires_at": row.expires or None,
        },
        TokenView,
    )
