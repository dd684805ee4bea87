"""Operations by what each needs, and which two of them make a pair."""

from collections.abc import Callable

import msgspec

from holdfast.control.daemon import Daemon
from holdfast.model.resources import Content
from holdfast.operations.base import Asked


class Deed(msgspec.Struct, frozen=True):
    """An operation: from which state of its resource it can be done, and to which state that leads.

    `ask` makes the request, for a content; it may read the records, and raise NotFound like the request itself.
    One that `forgets` leaves in the world what there was.
    """

    name: str
    leads: dict[str, str]
    ask: Callable[[Daemon, Content], Asked]
    contents: tuple[Content, ...] = ("directory", "block", "filesystem")
    forgets: bool = False


class Pair(msgspec.Struct, frozen=True):
    """Two operations on one resource, from one state of it."""

    first: Deed
    second: Deed
    state: str
    content: Content

    def __str__(self) -> str:
        return f"{self.first.name}+{self.second.name}-{self.content}"


def pairs_of(deeds: tuple[Deed, ...], states: tuple[str, ...], *, every: bool) -> tuple[list[Pair], list[str]]:
    """Every ordered pair, in its most telling state; and a line for each that has none, with the rule that it fails.

    With one content of the volume that suits both, or with `every`.
    """
    pairs: list[Pair] = []
    left: list[str] = []
    for first in deeds:
        for second in deeds:
            contents: list[Content] = [content for content in first.contents if content in second.contents]
            state = next(iter(_telling(first, second, states)), None)
            if not contents:
                left.append(f"{first.name}+{second.name}: no content of a volume suits both")
            elif state is None:
                left.append(f"{first.name}+{second.name}: there is no state from which both could be done in any order")
            else:
                pairs.extend(Pair(first, second, state, content) for content in contents[: None if every else 1])
    return pairs, left


def _telling(first: Deed, second: Deed, states: tuple[str, ...]) -> list[str]:
    """States from which each could be done at once; then those from which one could be done after the other."""
    either = [state for state in states if state in first.leads and state in second.leads]
    later = [state for state in states if first.leads.get(state) in second.leads]
    sooner = [state for state in states if second.leads.get(state) in first.leads]
    return either + later + sooner
