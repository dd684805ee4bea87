"""A file on a disk that forgets: what programs see, what is durable, and the writes between the two."""

from random import Random
from typing import TYPE_CHECKING

from holdfast.testing.power.events import Event

if TYPE_CHECKING:
    from holdfast.testing.power.disk import Disk

SECTOR = 512
# These bytes at that offset; without bytes, cut or grown to that size.
Piece = tuple[int, bytes | None]


class File:
    """One file. `data` is what programs see."""

    __slots__ = ("_disk", "_durable", "_pending", "data", "number")

    def __init__(self, disk: "Disk", number: int, content: bytes = b"") -> None:
        self._disk = disk
        self.number = number
        self.data = bytearray(content)
        self._durable = bytearray(content)
        self._pending: list[Piece] = []

    def write(self, data: bytes, offset: int, *, fits: bool = False) -> None:
        """Into the page cache. Raises OSError (ENOSPC) unless it `fits` anyway, and whatever `Disk.alive` raises."""
        disk, content = self._disk, self.data
        disk.alive()
        if offset + len(data) > len(content) and not fits:
            disk.take(offset + len(data) - len(content))
        _put(content, offset, data)
        self._pending.append((offset, data))
        if disk.log is not None:
            disk.log.append(Event("write", self.number, offset=offset, data=data))

    def truncate(self, size: int) -> None:
        """Cut or grow; in the page cache, as a write."""
        self._disk.alive()
        _put(self.data, size, None)
        self._pending.append((size, None))
        if self._disk.log is not None:
            self._disk.log.append(Event("truncate", self.number, offset=size))

    def sync(self) -> None:
        """Content and size are durable from here on; the name is not, see `Disk.sync_directory`."""
        self._disk.alive()
        for offset, data in self._pending:
            _put(self._durable, offset, data)
        self._pending.clear()
        if self._disk.log is not None:
            self._disk.log.append(Event("sync", self.number))

    @property
    def pending(self) -> bool:
        """Whether it has writes that were not synced."""
        return bool(self._pending)

    def image(self, random: Random | None) -> bytes:
        """What a power cut would leave: what was synced, and by a generator some of what was not."""
        if random is None or not self._pending:
            return bytes(self._durable)
        content = bytearray(self._durable)
        for piece in self._pending:
            for offset, data in _surviving(piece, random):
                _put(content, offset, data)
        return bytes(content)

    def cast_off(self, nowhere: "Disk") -> "File":
        """The file, for its disk; whoever has it open keeps a copy, which is on the disk `nowhere`."""
        heir = File(self._disk, self.number)
        heir.data, heir._durable, heir._pending = self.data, self._durable, self._pending
        self.data, self._durable, self._pending = bytearray(self.data), bytearray(), []
        self._disk = nowhere
        return heir


def _put(content: bytearray, offset: int, data: bytes | None) -> None:
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    if data is None:
        del content[offset:]
    else:
        content[offset : offset + len(data)] = data


def _surviving(piece: Piece, random: Random) -> list[Piece]:
    """All of it, nothing of it, or some of its sectors."""
    fate = random.randrange(3)
    offset, data = piece
    if fate == 0:
        return []
    if fate == 1 or data is None:
        return [piece]
    ends = [*range(SECTOR - offset % SECTOR, len(data), SECTOR), len(data)]
    starts = [0, *ends[:-1]]
    return [
        (offset + start, data[start:end]) for start, end in zip(starts, ends, strict=True) if random.random() < 1 / 2
    ]
