"""How the array says no, and the checks that all nouns share."""

import re
from typing import TypeVar

from holdfast.testing.flasharray.model import Volume

T = TypeVar("T")
LONGEST = 63
_NAME = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?::)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


class Refusal(Exception):
    """HTTP 400 unless said otherwise: `errors[0]` has context and message."""

    def __init__(self, context: str | None, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.context, self.message, self.status = context, message, status


def named(query: dict[str, str], key: str = "names") -> list[str]:
    """The names asked for; Refusal if there are none."""
    found = [name for name in query.get(key, "").split(",") if name]
    if not found:
        raise Refusal(None, f"{key} is required.")
    return found


def by_id(known: dict[str, Volume], query: dict[str, str], ids: str, names: str, message: str) -> Volume:
    """The one that is asked for, by `ids` or by `names`; Refusal with that message."""
    if not query.get(ids):
        return of(known, named(query, names)[0], message)
    found = next((volume for volume in known.values() if volume.id == query[ids]), None)
    if found is None:
        raise Refusal(query[ids], message)
    return found


def check_name(name: str) -> None:
    """Refusal unless it could be one."""
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise Refusal(name, "Name must be between 1 and 63 characters of letters, digits, '_' and '-'.")


def flag(query: dict[str, str], key: str) -> bool:
    """A boolean parameter, false if it is not there."""
    return query.get(key, "false").lower() == "true"


def of(known: dict[str, T], name: str, message: str) -> T:
    """By name; Refusal with that message."""
    if name not in known:
        raise Refusal(name, message)
    return known[name]
