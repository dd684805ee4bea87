"""What is played: what is there before, what is asked, and in which weather."""

from collections.abc import Callable

import msgspec

from holdfast.control.daemon import Daemon
from holdfast.operations.base import Asked
from holdfast.testing.universe import Universe


class Broken(AssertionError):
    """An invariant did not hold."""


class Scenario(msgspec.Struct, frozen=True):
    """One plan, forward or driven into its undo.

    `crooked` says that records and world disagree beforehand, and so again if it is undone. `weather` are permanent
    errors at failpoints: they drive a plan into its undo. `twin` names one that differs only in the tool that a child
    becomes: the same steps, the same failpoints. `fs` is what it must be played on. `universe` is what it is played
    in; of its doubles `share` are played.
    """

    name: str
    setup: tuple[Asked, ...]
    request: Asked | Callable[[Daemon], Asked]
    weather: tuple[tuple[str, int], ...] = ()
    prepare: Callable[[str], None] = lambda _scratch: None
    between: Callable[[str], None] = lambda _scratch: None
    beside: tuple[Asked, ...] = ()
    cancel: bool = False
    crooked: bool = False
    twin: str = ""
    fs: str = ""
    universe: type[Universe] = Universe
    share: float = 1.0
