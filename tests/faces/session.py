"""Plays a document: types its commands one after another into one shell, and compares what comes with what is shown."""

import re
import time
from collections.abc import Mapping, Sequence

from tests.faces.documents import IDS, Command, Same
from tests.faces.shell import Shell

# Seconds that a command which only looks has to show what the document shows.
SOON = 20.0
# What only looks may be typed again; so may an abandon that was told to try again.
_LOOKS = re.compile(
    r"holdfast (?:status|audit$|(?:pool|volume|op|token) (?:list|show)|op abandon)|"
    r"(?:cat|curl -s|findmnt|grep|losetup -l|ls|tail) "
)
_SERVES = re.compile(r"holdfast serve\b.*&$")


class Untrue(AssertionError):
    """The document says what is not so."""


def play(machine: Shell, commands: Sequence[Command], stand_ins: Mapping[str, str]) -> None:
    """Type all of them; raise Untrue at the first that does not show what the document shows.

    `stand_ins` has what is typed instead of a command.
    """
    same = Same()
    for command, after in zip(commands, [*commands[1:], None], strict=True):
        typed = stand_ins.get(command.text) or same.typed(command.text)
        end = time.monotonic() + SOON
        while wrong := _wrong(same, command, after, *machine.type(typed)):
            if not _LOOKS.match(command.text) or time.monotonic() > end:
                raise Untrue(f"line {command.line}: # {typed}\n{wrong}")
            time.sleep(0.1)
        if _SERVES.search(typed):
            machine.type("until holdfast status; do sleep 0.1; done")


def try_each(
    machine: Shell, commands: Sequence[Command], before: Mapping[str, str], stand_ins: Mapping[str, str]
) -> None:
    """Type examples, each of which must succeed; what is shown is not compared. Who is asked to agree does.

    `before` has what is typed before a command; the last id that this shows is the one that examples name.
    """
    op = ""
    for command in commands:
        if command.text in before:
            op = ([op, *IDS.findall(machine.type(before[command.text])[1])])[-1]
        typed = stand_ins.get(command.text) or IDS.sub(op, command.text)
        status, said = machine.type(typed)
        if status and "Add --yes to agree." in said:
            status, said = machine.type(f"{typed} --yes")
        if status:
            raise Untrue(f"line {command.line}: # {typed}\nit ended with status {status}:\n{said}")


def _wrong(same: Same, command: Command, after: Command | None, status: int, came: str) -> str:
    """Empty if it is as the document says."""
    if not command.fails and status and not (after and after.asks_status):
        return f"it ended with status {status}:\n{came}"
    if command.fails and not status:
        return f"it did not fail:\n{came}"
    return same.difference(command.shown, came)
