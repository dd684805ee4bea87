"""The array's filter language, as far as it is used: comparisons of dotted fields, `and` and `or`, `*` in values."""

import fnmatch
import re
from typing import Any

_TERM = re.compile(r"\s*([a-z_.]+)\s*(!?=)\s*(?:'([^']*)'|\"([^\"]*)\"|(\S+))\s*")


class BadFilter(ValueError):
    """It cannot be parsed."""


def matches(item: dict[str, Any], text: str) -> bool:
    """Whether the item is what the filter asks for; raise BadFilter. `and` binds closer than `or`."""
    return any(all(_term(item, term) for term in part.split(" and ")) for part in text.split(" or "))


def _term(item: dict[str, Any], term: str) -> bool:
    found = _TERM.fullmatch(term)
    if found is None:
        raise BadFilter(term)
    wanted = next(value for value in found.group(3, 4, 5) if value is not None)
    value: Any = item
    for part in found[1].split("."):
        value = value.get(part) if isinstance(value, dict) else None
    values = value if isinstance(value, list) else [value]
    hit = any(_equal(each, wanted) for each in values)
    return hit if found[2] == "=" else not hit


def _equal(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return str(value).lower() == wanted.lower()
    # Names have no character that fnmatch takes for more than itself, but for the star.
    return value is not None and fnmatch.fnmatchcase(str(value).lower(), wanted.lower().replace("[", "[[]"))
