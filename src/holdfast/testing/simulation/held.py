"""What operations have claimed at a moment, and what may therefore be in a pool."""

from collections.abc import Iterator

import msgspec


class Held(msgspec.Struct):
    """The claims of a moment."""

    exclusive: dict[str, str]
    by_kind: dict[str, str]


def paths(item: str) -> Iterator[str]:
    """The path of a claim on one: name:MEMBER:PATH."""
    if item.startswith("name:"):
        yield item.split(":", 2)[2]


def stray_of(name: str, owner: str, known: set[str], recorded: set[str], held: Held) -> str:
    """Why an entry should not be there, or an empty text."""
    parts = name.split(".")
    if name.startswith(".making.") and len(parts) == 6 and parts[2] == owner:
        return "" if parts[3] in known else f"was left by operation {parts[3]}, which is over"
    if name.startswith(".restoring.") and len(parts) == 5 and parts[2] == owner:
        return "" if parts[3] in known else f"was left by operation {parts[3]}, which is over"
    if name.startswith(".removing.") and len(parts) == 4 and parts[2] == owner:
        return "" if parts[3] in held.exclusive else "was left by a removal that is over"
    return "" if name in recorded or len(name) != 32 else "is recorded nowhere"
