"""References to secrets. A plan or a record holds where a secret is, never the secret."""

from typing import Literal

import msgspec


class SecretRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a secret is read at the moment of use: a file, an environment variable, a systemd credential."""

    source: Literal["file", "environment", "credential"]
    name: str


class Secret:
    """A secret in memory. It has no encoding and no readable form, so no journal or log can hold it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is never serialised")
