"""A disk that forgets: named files in memory, what programs see of them, and what a power cut leaves.

The model is stricter than any real disk. What was synced stays. Of what was not, any subset may stay, in any
combination and torn at sectors: each sector of a write is old or new by itself. A file's name comes and goes for
good only when the directory is synced; a sync of the file does not bring it. There is one directory.
"""

import errno
import os
from collections.abc import Callable
from random import Random

from holdfast.testing.power.events import Event
from holdfast.testing.power.file import File


class Disk:
    """See the module. Without `record` it keeps no log.

    `alive` is called before every effect, and what it raises is its caller's. `room` is how many bytes all files
    may take together; None is endless. `life` counts the processes that died on it.
    """

    def __init__(self, *, record: bool = False, alive: Callable[[], None] = lambda: None) -> None:
        self.alive = alive
        self.room: int | None = None
        self.log: list[Event] | None = [] if record else None
        self.life = 0
        self._numbers = 0
        self._names: dict[str, File] = {}
        self._durable_names: dict[str, File] = {}
        self._changes: list[tuple[str, File | None]] = []

    @classmethod
    def holding(cls, files: dict[str, bytes], *, record: bool = False) -> "Disk":
        """With these files, all durable; a log begins after them."""
        disk = cls(record=record)
        disk._fill(files)
        return disk

    # -- what programs do ----------------------------------------------------------------------

    def find(self, name: str) -> File | None:
        """The file of that name."""
        return self._names.get(name)

    def unsynced(self, name: str) -> bool:
        """Whether the file has writes that were not synced."""
        file = self._names.get(name)
        return file is not None and file.pending

    def create(self, name: str) -> File:
        """A new empty file under a free name."""
        self.alive()
        self._numbers += 1
        file = File(self, self._numbers)
        self._names[name] = file
        self._changes.append((name, file))
        self._note(Event("create", file.number, name))
        return file

    def delete(self, name: str) -> None:
        """Take the name away; raise KeyError if there is none."""
        self.alive()
        file = self._names.pop(name)
        self._changes.append((name, None))
        self._note(Event("delete", file.number, name))

    def sync_directory(self) -> None:
        """All names are durable as they are now."""
        self.alive()
        self._durable_names = dict(self._names)
        self._changes.clear()
        self._note(Event("sync-directory"))

    def take(self, size: int) -> None:
        """Raise OSError (ENOSPC) if so many bytes more do not fit."""
        if self.room is not None and size + sum(len(file.data) for file in self._names.values()) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    # -- what happens to it --------------------------------------------------------------------

    def contents(self) -> dict[str, bytes]:
        """What programs see."""
        return {name: bytes(file.data) for name, file in self._names.items()}

    def image(self, random: Random | None = None) -> dict[str, bytes]:
        """What a power cut would leave: exactly what was synced, or by a generator some of the rest too."""
        names: dict[str, File | None] = dict(self._durable_names)
        if random is not None:
            names |= {name: file for name, file in self._changes if random.random() < 1 / 2}
        return {name: file.image(random) for name, file in names.items() if file is not None}

    def crash(self, random: Random | None = None) -> None:
        """The power goes: what is left is `image(random)`, and all of it is durable."""
        if self.log is not None:
            raise ValueError("a disk that keeps a log is not crashed: `images` has all that a cut could leave")
        left = self.image(random)
        self.kill()
        self._fill(left)

    def _fill(self, files: dict[str, bytes]) -> None:
        first, self._numbers = self._numbers + 1, self._numbers + len(files)
        self._names = {name: File(self, first + n, content) for n, (name, content) in enumerate(files.items())}
        self._durable_names = dict(self._names)
        self._changes.clear()

    def kill(self) -> None:
        """The process dies and nothing is lost; what it has open reaches nothing any more, and it opens nothing."""
        self.life += 1
        known = {*self._names.values(), *self._durable_names.values(), *(file for _, file in self._changes if file)}
        heirs = {file: file.cast_off(Disk()) for file in known}
        self._names = {name: heirs[file] for name, file in self._names.items()}
        self._durable_names = {name: heirs[file] for name, file in self._durable_names.items()}
        self._changes = [(name, heirs[file] if file else None) for name, file in self._changes]

    # -- what is written down ------------------------------------------------------------------

    def mark(self, text: str) -> None:
        """A line of the test's own in the log."""
        self._note(Event("mark", name=text))

    def _note(self, event: Event) -> None:
        if self.log is not None:
            self.log.append(event)
