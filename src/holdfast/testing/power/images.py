"""Every state that a power cut can leave, from the log of a recording disk."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Literal, NamedTuple

from holdfast.testing.power.disk import Disk
from holdfast.testing.power.events import Event

Kind = Literal["strictest", "fullest", "torn"]


class Image(NamedTuple):
    """The files after a cut. `events` is how many of the log came before it.

    `files` is the very same object as in the image of that kind before, where nothing changed.
    """

    events: int
    kind: Kind
    files: dict[str, bytes]


class Replay:
    """A log, done again on a disk of its own, event by event. `before` is what it held when the log began."""

    def __init__(self, before: dict[str, bytes] | None = None) -> None:
        self.disk = Disk.holding(before or {})
        self._files = {file.number: file for file in map(self.disk.find, before or {}) if file is not None}

    def do(self, event: Event) -> None:
        """One event."""
        match event.kind:
            case "create":
                self._files[event.file] = self.disk.create(event.name)
            case "write":
                self._files[event.file].write(event.data, event.offset)
            case "truncate":
                self._files[event.file].truncate(event.offset)
            case "sync":
                self._files[event.file].sync()
            case "delete":
                self.disk.delete(event.name)
            case "sync-directory":
                self.disk.sync_directory()
            case "mark":
                pass


def images(log: Sequence[Event], *, torn: float, seed: int, before: dict[str, bytes] | None = None) -> Iterator[Image]:
    """For every prefix of a log the strictest and the fullest image, and torn ones.

    The disk was empty when the log began, or held `before`.
    `torn` is how many torn and reordered ones there are, on average, after each event that leaves something unsynced;
    those of one seed are always the same.
    """
    random = Random(seed)
    replay = Replay(before)
    strictest = replay.disk.image()
    fullest = replay.disk.contents()
    yield Image(0, "strictest", strictest)
    yield Image(0, "fullest", fullest)
    for events, event in enumerate(log, start=1):
        replay.do(event)
        if event.kind in {"sync", "sync-directory"}:
            strictest = replay.disk.image()
        elif event.kind != "mark":
            fullest = replay.disk.contents()
            for _ in range(int(torn + random.random())):
                yield Image(events, "torn", replay.disk.image(random))
        yield Image(events, "strictest", strictest)
        yield Image(events, "fullest", fullest)
