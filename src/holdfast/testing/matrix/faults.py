"""What can be broken at a failpoint, and which of it fits where.

kill        the daemon dies there; another starts
error       the call raises EIO, nothing was done (at a journal write: the daemon stops)
reply-lost  the call was done, yet raises EIO
hang        the call takes longer than the operation's whole allowance, then goes on; a child is killed
            at its deadline, having done nothing
late        a child cannot be killed at its deadline, and acts after it
child-kill  a child dies by SIGKILL, before it acted or (at .after) before it answered; the daemon lives
child-half  a mkfs dies by SIGKILL with half of its writes done
hold        nothing is broken: the other operation of a pair is asked for while this one stands there
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

# What goes on after its `.after`: a walk removes more.
_GO_ON = ("tree.remove.after",)
FAULTS = ("kill", "error", "reply-lost", "hang", "late", "child-kill", "child-half")


class Fault(msgspec.Struct, frozen=True):
    """Break the `nth` visit of a failpoint, counted from the fault before."""

    at: str
    nth: int
    kind: str

    def __str__(self) -> str:
        return f"{self.at}#{self.nth}:{self.kind}"


Faults = tuple[Fault, ...]


class Passed(NamedTuple):
    """Failpoints in the order in which they were passed, and when each was: virtual seconds."""

    visits: list[str]
    times: list[float]


def faults_for(visits: list[str], kinds: tuple[str, ...] = FAULTS) -> Iterator[Fault]:
    """Every fault of these kinds that fits, for every visit of a trace."""
    counts: dict[str, int] = {}
    for name in visits:
        counts[name] = counts.get(name, 0) + 1
        for kind in kinds:
            if _fits(name, kind):
                yield Fault(name, counts[name], kind)


def _fits(name: str, kind: str) -> bool:
    before = name.endswith(".before")
    work = name.startswith("child.") and not name.startswith("child.kill.")
    match kind:
        case "kill" | "hold":
            return True
        case "reply-lost":
            return not before and not name.startswith("records.")
        case "child-kill":
            return work
        case "child-half":
            return before and name.startswith("child.mkfs-")
        case "late":
            return before and work
        case "hang":
            return before and not name.startswith("records.")
    return before


def deaths(passed: Passed) -> dict[Fault, Fault]:
    """Every fault that is the daemon's death, and the first one at the same moment.

    An error at a commit is a death too.
    """
    found: dict[Fault, Fault] = {}
    counts: dict[str, int] = {}
    first: Fault | None = None
    for name, goes_on in zip(passed.visits, moments(passed), strict=True):
        counts[name] = counts.get(name, 0) + 1
        if not goes_on:
            first = None
        for kind in FAULTS:
            if _fits(name, kind) and is_death(name, kind):
                fault = Fault(name, counts[name], kind)
                first = first or fault
                found[fault] = first
    return found


def moments(passed: Passed) -> list[bool]:
    """Of each visit, whether it is of one moment with the visit before it.

    Whatever can be seen after a death is done between the `.before` and the `.after` of one effect. So what follows
    an effect immediately, without time passing, is of one moment until the next effect begins: the end of a commit
    and of the journal's write around it, and the beginnings of the next write and of its commit. That it is, a
    `Witness` looks after.
    """
    found = []
    before, then = "", -1.0
    for name, now in zip(*passed, strict=True):
        found.append(now == then and _one_moment(before, name))
        before, then = name, now
    return found


def alias(fault: Fault) -> Fault | None:
    """What is said of a child's act in the same way: that it was not done, or that nobody knows whether it was.

    A child that dies before its act and an act that fails; one that dies before it answers and an answer that is lost.
    """
    if fault.kind != "child-kill":
        return None
    return Fault(fault.at, fault.nth, "error" if fault.at.endswith(".before") else "reply-lost")


def _one_moment(before: str, name: str) -> bool:
    into = before.startswith("journal.") and before.endswith(".before") and name == "records.commit.before"
    out = before == "records.commit.after" and name.startswith("journal.") and name.endswith(".after")
    between = before.endswith(".after") and name.endswith(".before") and before not in _GO_ON
    return into or out or between


def is_death(name: str, kind: str) -> bool:
    """Whether the fault stops the daemon: a journal that cannot be written does."""
    return kind == "kill" or (name.startswith(("journal.", "records.")) and kind in ("error", "reply-lost"))


def sample(histories: list[Faults], share: float, seed: int) -> list[Faults]:
    """A seeded share of the histories, in their order."""
    chosen = random.Random(seed)
    return [faults for faults in histories if chosen.random() < share]
