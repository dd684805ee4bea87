"""What a drill shows: what was broken on purpose, what Holdfast did, what was found afterwards."""

from typing import Literal

import msgspec

Result = Literal["passed", "failed", "skipped"]


class Failed(Exception):
    """Holdfast did not do what the drill demands, or something is not as it must be."""


class Row(msgspec.Struct, frozen=True):
    """One thing that was broken."""

    broken: str
    did: str
    found: str
    passed: bool


class Report(msgspec.Struct, frozen=True):
    """A drill that was run. `reason` says why it failed or was skipped."""

    drill: str
    incident: str
    story: str
    rows: list[Row]
    result: Result
    reason: str = ""


class Scene:
    """One row while it is played."""

    def __init__(self, broken: str) -> None:
        self._broken = broken
        self._did: list[str] = []
        self._found: list[str] = []

    def did(self, what: str) -> None:
        """Holdfast did that."""
        self._did.append(what)

    def found(self, holds: bool, what: str, instead: str) -> None:
        """A look found `what`; raise Failed with what it found `instead`."""
        if not holds:
            raise Failed(instead)
        self._found.append(what)

    def row(self, *, passed: bool) -> Row:
        """As it is shown."""
        found = self._found if passed else [*self._found, "FAILED"]
        return Row(self._broken, "; ".join(self._did), "; ".join(found), passed)
