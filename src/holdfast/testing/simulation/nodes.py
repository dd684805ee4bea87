"""Files and file systems of the simulated machine.

A file system forgets at a power cut as one with a metadata journal does: names and sizes come back in order, up to
the last sync of anything on it or further; data is there once its own file was synced, and by luck before.
"""

import errno
import os
import random
import stat
from collections import Counter
from collections.abc import Callable
from typing import Literal

from holdfast.host.facts import Extent

PAGE = 4096
# btrfs: the inode numbers of a subvolume's root, and of what a snapshot has in the place of a subvolume.
SUBVOLUME, NO_SUBVOLUME = 256, 2
# What a reader meets on a sick image: these bytes' absence, or an error.
Sickness = Literal["zeros"] | int
_ZERO = bytes(PAGE)
Kind = Literal["dir", "file", "link", "block"]
_MODES = {"dir": stat.S_IFDIR, "file": stat.S_IFREG, "link": stat.S_IFLNK, "block": stat.S_IFBLK}


def fault(code: int, path: str = "") -> OSError:
    """The error as the os module raises it."""
    return OSError(code, os.strerror(code), path or None)


class Node:
    """A directory, file, symlink or block device. A block device's `number` is its loop device's."""

    # How often a name of a directory or a device went: what is known of paths is old then.
    moves = 0

    __slots__ = (
        "born", "children", "dirty", "held", "inner", "ino", "kind", "lied", "limit", "links", "mode", "name", "number",
        "pages", "parent", "sickness", "size", "target", "volume",
    )  # fmt: skip

    def __init__(self, volume: "FileSystem", kind: Kind, ino: int, mode: int) -> None:
        self.volume = volume
        self.kind: Kind = kind
        self.ino = ino
        self.mode = _MODES[kind] | mode
        self.born = volume.birth()
        self.children: dict[str, Node] = {}
        self.pages: dict[int, bytes] = {}
        self.dirty: dict[int, bytes | None] = {}
        self.size = 0
        self.links = 0
        self.name = ""
        self.parent: Node | None = None
        self.target = ""
        self.number = -1
        # What mkfs made in this image.
        self.inner: FileSystem | None = None
        self.sickness: Sickness | None = None
        # Whether it is a copy of what a sick device told.
        self.lied = False
        self.held = 0
        # Of a subvolume, whose number is SUBVOLUME.
        self.limit = 0

    # -- content ---------------------------------------------------------------------------------

    def read(self, offset: int, length: int) -> bytes:
        """What is there, as a sick device tells it."""
        if self.sickness is not None and length and offset < self.size:
            self.volume.met("zeros" if self.sickness == "zeros" else "sick")
            if self.sickness != "zeros":
                raise fault(self.sickness)
            return bytes(max(0, min(length, self.size - offset)))
        length = max(0, min(length, self.size - offset))
        if not self.pages or not length:
            return bytes(length)
        first, last = offset // PAGE, (offset + length - 1) // PAGE
        if last - first > len(self.pages):
            whole = bytearray(length)
            for number, page in self.pages.items():
                if first <= number <= last:
                    start = number * PAGE - offset
                    cut = page[max(0, -start) : max(0, length - start)]
                    whole[max(0, start) : max(0, start) + len(cut)] = cut
            return bytes(whole)
        joined = b"".join(self.pages.get(number, _ZERO) for number in range(first, last + 1))
        return joined[offset - first * PAGE :][:length]

    def write(self, offset: int, data: bytes) -> None:
        """Into the page cache."""
        end = offset + len(data)
        at = offset
        while at < end:
            number, within = divmod(at, PAGE)
            part = data[at - offset : at - offset + PAGE - within]
            old = self.pages.get(number)
            self.dirty.setdefault(number, old)
            page = old or _ZERO
            self.pages[number] = page[:within] + part + page[within + len(part) :]
            at += len(part)
        if end > self.size:
            self.resize(end)

    def resize(self, size: int) -> None:
        """Metadata: it comes back in the journal's order. What is cut off reads as zeros ever after."""
        before = self.size
        self.size = size
        if size < before:
            self._cut(size)

        def undo() -> None:
            self.size = before

        self.volume.changed(undo)

    def _cut(self, size: int) -> None:
        last, within = divmod(size, PAGE)
        for number in [number for number in self.pages if number >= last]:
            page = self.pages.pop(number)
            self.dirty.pop(number, None)
            if number == last and within:
                self.pages[number] = page[:within] + bytes(PAGE - within)

    def data(self, offset: int) -> int:
        """The first place at or behind `offset` that was ever written, by pages; ENXIO where there is none."""
        later = [max(offset, number * PAGE) for number in self.pages if (number + 1) * PAGE > offset]
        found = min(later, default=self.size)
        if found >= self.size:
            raise fault(errno.ENXIO)
        return found

    def hole(self, offset: int) -> int:
        """The first place at or behind `offset` that was never written, by pages; the end of the file at the latest."""
        if offset >= self.size:
            raise fault(errno.ENXIO)
        number = offset // PAGE
        while number in self.pages:
            number += 1
        return min(max(offset, number * PAGE), self.size)

    def extents(self, offset: int) -> list[Extent]:
        """A page each; as long as anybody holds a page, no other lies where it does."""
        held = Counter(id(page) for node in self.volume.files.values() for page in node.pages.values())
        return [
            Extent(number * PAGE, PAGE, id(page) * PAGE, shared=held[id(page)] > 1)
            for number, page in sorted(self.pages.items())
            if (number + 1) * PAGE > offset
        ]

    def share(self, other: "Node") -> None:
        """Hold what the other file holds, whose data is written out for it: metadata."""
        before, size = dict(self.pages), self.size
        other.dirty.clear()
        self.pages, self.size = dict(other.pages), max(size, other.size)
        self.dirty.clear()

        def undo() -> None:
            self.pages, self.size = before, size
            self.dirty.clear()

        self.volume.changed(undo)

    def forget(self, chance: random.Random) -> None:
        """A power cut: each page that was not synced is the old or the new one."""
        for number, old in self.dirty.items():
            if chance.random() < 0.5:
                if old is None:
                    self.pages.pop(number, None)
                else:
                    self.pages[number] = old
        self.dirty.clear()

    # -- names -----------------------------------------------------------------------------------

    def put(self, name: str, child: "Node") -> None:
        """A name for the child, which has none."""
        self.children[name] = child
        child.parent, child.name = self, name
        child.links += 1

    def drop(self, name: str) -> "Node":
        """The name goes; what it named may still be open."""
        child = self.children.pop(name)
        child.links -= 1
        if child.kind != "file":
            Node.moves += 1
        return child

    def path(self) -> str:
        """From its file system's root."""
        parts: list[str] = []
        now: Node | None = self
        while now is not None and now.parent is not None:
            parts.append(now.name)
            now = now.parent
        return "/" + "/".join(reversed(parts))

    def is_below(self, other: "Node") -> bool:
        """Whether it is the other, or in it at any depth."""
        now: Node | None = self
        while now is not None and now is not other:
            now = now.parent
        return now is not None

    def gone(self) -> bool:
        """Whether no name leads here any more."""
        now: Node | None = self
        while now is not None and now.parent is not None:
            if now.parent.children.get(now.name) is not now:
                return True
            now = now.parent
        return now is not None and now is not now.volume.root

    def stat(self) -> os.stat_result:
        """As fstat(2)."""
        volume = self.volume
        rdev = os.makedev(7, self.number) if self.kind == "block" else 0
        size = self.size if self.kind != "dir" else PAGE
        blocks = len(self.pages) * 8 if self.kind != "dir" else 8
        return os.stat_result(
            (self.mode, self.ino, volume.number, self.links, 0, 0, size, 0, 0, 0),
            {"st_rdev": rdev, "st_blocks": blocks},
        )


def _nothing(_node: Node) -> None:
    """What an undo gives back."""


class FileSystem:
    """A tree of nodes. `number` is what stat(2) shows as its device; `met` is told when a fault of it is met.

    No two calls of `birth` give the same: no two files of a machine are born in one nanosecond.
    """

    def __init__(self, kind: str, uuid: str, number: int, birth: Callable[[], int], room: int = 1 << 40) -> None:
        self.kind = kind
        self.uuid = uuid
        self.birth = birth
        self.device = (os.major(number), os.minor(number))
        self.room = room
        self.full = False
        self.damaged = False
        self.frozen = False
        self.quotas = False
        # What every way to it answers, of a back end that is away.
        self.unreachable = 0
        # What directories showed when a cache began to answer for them.
        self.stale: dict[Node, dict[str, Node]] | None = None
        self.met: Callable[[str], None] = lambda _kind: None
        self._inos = 1
        self._journal: list[Callable[[], None]] = []
        self.files: dict[int, Node] = {}
        self.root = self.make("dir", 0o755)
        self.root.links = 1

    @property
    def number(self) -> int:
        """As stat(2) shows it."""
        return os.makedev(*self.device)

    def make(self, kind: Kind, mode: int) -> Node:
        """A node without a name; ENOSPC on a full one."""
        if self.full:
            self.met("pool-full")
            raise fault(errno.ENOSPC)
        self._inos += 1
        node = Node(self, kind, self._inos, mode)
        if kind == "file":
            self.files[node.ino] = node
        return node

    def changed(self, undo: Callable[[], None]) -> None:
        """A change of names or sizes, not synced yet."""
        self._journal.append(undo)

    def sync(self, node: Node) -> None:
        """fsync(2): the node's data, and the journal up to now."""
        node.dirty.clear()
        self._journal.clear()

    def sync_all(self) -> None:
        """syncfs(2)."""
        for node in self.files.values():
            node.dirty.clear()
        self._journal.clear()

    def become(self, other: "FileSystem") -> None:
        """A new one is what the other is on its disk: names are, data as far as it was written out."""
        self._inos = other._inos
        self.damaged = other.damaged
        self.root.born = other.root.born
        self._grow(other.root, self.root)

    def _grow(self, old: Node, new: Node) -> None:
        for name, child in old.children.items():
            node = Node(self, child.kind, child.ino, stat.S_IMODE(child.mode))
            node.born, node.size, node.target = child.born, child.size, child.target
            kept = {**child.pages, **child.dirty}
            node.pages = {number: page for number, page in kept.items() if page is not None}
            if child.kind == "file":
                self.files[node.ino] = node
            new.put(name, node)
            self._grow(child, node)

    def snapshot(self, source: Node, parent: Node, name: str) -> None:
        """A subvolume of what the other holds; what that holds is written out for it, and all of it is durable."""
        node = self.make("dir", stat.S_IMODE(source.mode))
        node.ino = SUBVOLUME
        self._share(source, node)
        parent.put(name, node)
        self._journal.clear()

    def _share(self, old: Node, new: Node) -> None:
        for name, child in old.children.items():
            node = self.make(child.kind, stat.S_IMODE(child.mode))
            node.target = child.target
            if child.kind == "file":
                child.dirty.clear()
                node.pages, node.size = dict(child.pages), child.size
            new.put(name, node)
            if child.ino == SUBVOLUME:
                node.ino = NO_SUBVOLUME
            else:
                self._share(child, node)

    def cut(self, chance: random.Random) -> None:
        """The power goes."""
        keep = chance.randint(0, len(self._journal))
        for undo in reversed(self._journal[keep:]):
            undo()
        self._journal.clear()
        for ino, node in list(self.files.items()):
            node.forget(chance)
            if node.gone():
                del self.files[ino]

    def link(self, parent: Node, name: str, child: Node) -> None:
        """Name a node."""
        parent.put(name, child)
        self.changed(lambda: _nothing(parent.drop(name)))

    def unlink(self, parent: Node, name: str) -> Node:
        """Take a name away."""
        child = parent.drop(name)
        self.changed(lambda: parent.put(name, child))
        return child
