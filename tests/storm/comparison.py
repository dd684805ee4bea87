"""What clients were told against what is there: each difference is a sentence, and a storm must end without any."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tests.storm.notes import Notes
from tests.storm.seen import Seen


class Difference(NamedTuple):
    """`lost`: acknowledged and not so; `leaked`: there and nobody's; `finding`: the daemon's own audit."""

    kind: Literal["lost", "leaked", "finding"]
    what: str


def compare(notes: Notes, seen: Seen) -> list[Difference]:
    """All differences, those of volumes first."""
    return [*_volumes(notes, seen), *_mounts(notes, seen), *_rest(seen)]


def _volumes(notes: Notes, seen: Seen) -> Iterator[Difference]:
    told = notes.known
    for uid, facts in told.items():
        recorded = seen.recorded.get(uid)
        if recorded is None:
            yield Difference("lost", f"the volume {facts.name} has no record")
        elif recorded != facts:
            yield Difference("lost", f"the volume {facts.name} is recorded as {recorded}, and was made as {facts}")
        if uid in seen.unready:
            yield Difference("lost", f"the volume {facts.name} is not ready")
        if uid not in seen.on_disk:
            yield Difference("lost", f"the volume {facts.name} is not in its pool")
    for uid in sorted(set(seen.recorded) - set(told)):
        yield _superfluous(notes, uid, f"a record of the volume {seen.recorded[uid].name}")
    for uid in sorted(set(seen.on_disk) - set(told)):
        yield _superfluous(notes, uid, f"{uid} in the pool")


def _superfluous(notes: Notes, uid: str, what: str) -> Difference:
    if uid in notes.gone:
        return Difference("lost", f"a delete: there is {what}")
    return Difference("leaked", what)


def _mounts(notes: Notes, seen: Seen) -> Iterator[Difference]:
    for uid, place in notes.mounts.items():
        name = notes.known[uid].name
        if seen.shown.get(uid) != place:
            yield Difference("lost", f"the mount of {name}: it is shown as {seen.shown.get(uid)}, and was {place}")
        if place.path not in seen.mount_points:
            yield Difference("lost", f"the mount of {name} at {place.path} is not in the kernel's table")
    for uid in sorted(set(seen.shown) - set(notes.mounts)):
        yield Difference("lost", f"an unmount: {seen.shown[uid].path} is shown as mounted")
    known = {place.path for place in notes.mounts.values()}
    for path, times in sorted(Counter(seen.mount_points).items()):
        if path not in known or times > 1:
            yield Difference("leaked", f"a mount at {path}")
    for uid, text in seen.cargo.items():
        if text != notes.written[uid]:
            name = notes.known[uid].name
            yield Difference("lost", f"data: {name} reads {text!r}, and was {notes.written[uid]!r}")
    needed = Counter(uid for uid in notes.mounts if notes.known[uid].content != "directory")
    for uid in (Counter(seen.devices) - needed).elements():
        yield Difference("leaked", f"a loop device on the disk of {uid}")
    for uid in (needed - Counter(seen.devices)).elements():
        yield Difference("lost", f"the loop device of {notes.known[uid].name}")
    wanted = Counter(uid for uid in notes.mounts if notes.known[uid].pool == "a")
    for uid in (Counter(seen.connected) - wanted).elements():
        yield Difference("leaked", f"a connection of {uid}")
    for uid in (wanted - Counter(seen.connected)).elements():
        yield Difference("lost", f"the connection of {notes.known[uid].name}")


def _rest(seen: Seen) -> Iterator[Difference]:
    for name in seen.temporary:
        yield Difference("leaked", f"the temporary {name}")
    for process in seen.processes:
        yield Difference("leaked", f"the process {process}")
    for finding in seen.audit:
        yield Difference("finding", finding)
