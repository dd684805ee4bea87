"""The machine's furniture: pool disks, places to mount at, and what tenants keep in their volumes.

All of it reaches the machine behind Holdfast's back, as its administrators, tenants and neighbours do.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec

from holdfast.drivers.dir.marks import OBJECT_MARK, VOLUMES, ObjectMark
from holdfast.testing.simulation.machine import Machine
from holdfast.testing.simulation.model import KnownSnapshot, KnownVolume
from holdfast.testing.simulation.mounting import Mount
from holdfast.testing.simulation.nodes import PAGE, FileSystem, Kind, Node

# Where a tenant of a block volume writes; beyond what any superblock or copy of one takes.
_PLACE = 300 << 10
_FILE = "precious"


class Kept(msgspec.Struct, frozen=True):
    """A volume where its pool keeps it: its image, or its tree, and what marks it shows: its name and its uid."""

    image: Node | None
    tree: Node | None
    marked: Callable[[], tuple[str, str] | None]


class Place(Protocol):
    """Where a pool is. `source` tells it from others."""

    source: str

    def kept(self, uid: str) -> Kept | None:
        """The volume there, if it is."""
        ...

    def wipe(self) -> None:
        """Its administrator makes it anew for another use."""
        ...


class Disk:
    """A pool's disk: a file system at a path, mounted or away."""

    def __init__(self, machine: Machine, source: str, kind: str, number: int) -> None:
        self._machine = machine
        self.source = source
        above = directory(machine.root.root, "srv")
        self.at = directory(above, source.rpartition("/")[2])
        file(self.at, "not mounted", b"so that nobody takes the place for the disk")
        uuid = f"{number:032x}"
        self.system = machine.format(kind, uuid, None if kind == "btrfs" else (8 << 8) | (16 * number))
        self.mount: Mount | None = None
        self.wipes = 0
        # Whether what a forgotten pool left may be there.
        self.used = False
        self.wiped: dict[Node, None] = {}
        self.appear()

    def appear(self) -> None:
        """It is mounted."""
        if self.mount is None or self.mount not in self._machine.namespace.table:
            namespace = self._machine.namespace
            self.mount = namespace.new(self.system.root, self.source)
            namespace.attach(self.mount, (namespace.home, self.at))

    def vanish(self) -> bool:
        """It is unmounted, unless somebody holds it."""
        if self.mount is None or self.mount.held or self.mount not in self._machine.namespace.table:
            return False
        if any(other.parent is self.mount for other in self._machine.namespace.table):
            return False
        self._machine.namespace.detach(self.mount)
        self.mount = None
        return True

    def wipe(self) -> None:
        """Its administrator makes it anew for another use."""
        self.wipes += 1
        self.wiped.update(dict.fromkeys(below(self.system.root)))
        self.system.root.children.clear()

    def volumes(self) -> dict[str, Node]:
        """What is in its `volumes`, on the disk itself."""
        found = self.system.root.children.get(VOLUMES)
        return found.children if found is not None else {}

    def kept(self, uid: str) -> Kept | None:
        """See `Place`."""
        entry = self.volumes().get(uid)
        if entry is None:
            return None
        return Kept(entry.children.get("disk.raw"), entry.children.get("data"), lambda: _marked(entry))


def _marked(entry: Node) -> tuple[str, str] | None:
    mark = mark_of(entry)
    return None if mark is None else (mark.name, mark.uid)


def below(node: Node) -> list[Node]:
    """The node and all that is in it."""
    return [node, *(found for child in node.children.values() for found in below(child))]


def directory(above: Node, name: str) -> Node:
    """The directory of that name, made if there is none."""
    if name not in above.children:
        above.put(name, fresh(above, "dir"))
    return above.children[name]


def fresh(above: Node, kind: Kind) -> Node:
    """A node on the same file system, for which there is always room."""
    system = above.volume
    full, system.full = system.full, False
    try:
        return system.make(kind, 0o755)
    finally:
        system.full = full


def file(above: Node, name: str, content: bytes = b"") -> Node:
    """A file with that short content, all of it durable by itself: nothing else is synced with it."""
    node = fresh(above, "file")
    above.put(name, node)
    node.pages[0], node.size = content.ljust(PAGE, b"\0"), len(content)
    return node


def mark_of(entry: Node) -> ObjectMark | None:
    """The mark in a volume's directory, if it has a whole one."""
    node = entry.children.get(OBJECT_MARK)
    try:
        return None if node is None else msgspec.json.decode(node.read(0, node.size), type=ObjectMark)
    except (msgspec.DecodeError, OSError):
        return None


def tree_of(kept: Kept) -> Node | None:
    """Where the tenant's files are."""
    if kept.image is None:
        return kept.tree
    inner = kept.image.inner
    return inner.root if inner is not None else None


def settle_in(kept: Kept, volume: KnownVolume, token: bytes) -> None:
    """The tenant writes something, and syncs it."""
    volume.token = token
    if volume.content == "block" and kept.image is not None:
        image = kept.image
        pages = dict(image.dirty)
        image.write(_PLACE, token)
        image.dirty = pages
        return
    tree = tree_of(kept)
    if tree is not None:
        file(tree, _FILE, token)


def has_token(kept: Kept, volume: KnownVolume | KnownSnapshot) -> bool:
    """Whether the tenant's data is there; by the pages themselves, whatever a sick device would tell."""
    if volume.content == "block":
        return kept.image is not None and bare(kept.image, _PLACE, len(volume.token)) == volume.token
    tree = tree_of(kept)
    found = tree.children.get(_FILE) if tree is not None else None
    return found is not None and bare(found, 0, len(volume.token)) == volume.token


def bare(node: Node, offset: int, length: int) -> bytes:
    """A read that no fault reaches."""
    sickness, node.sickness = node.sickness, None
    try:
        return node.read(offset, length)
    finally:
        node.sickness = sickness


class World:
    """One machine's furniture."""

    def __init__(self, machine: Machine, kinds: tuple[str, ...], places: int) -> None:
        self.machine = machine
        self.disks = [Disk(machine, f"/srv/p{n}", kind, n + 1) for n, kind in enumerate(kinds)]
        self.places: dict[str, Place] = {disk.source: disk for disk in self.disks}
        mnt = directory(machine.root.root, "mnt")
        for number in range(places):
            directory(mnt, f"d{number}")
            file(mnt, f"f{number}")
        machine.root.sync(machine.root.root)

    def wipe(self, name: str) -> None:
        """What a forgotten pool left is its administrator's; a place is called as the pool that it is for."""
        for place in self.places.values():
            if place.source.rpartition("/")[2] == name:
                place.wipe()

    def keep(self, name: str) -> None:
        """The same, where what is left is kept for now; of other places than disks nothing is imported."""
        mine = [disk for disk in self.disks if disk.source.rpartition("/")[2] == name]
        for disk in mine:
            disk.used = True
        if not mine:
            self.wipe(name)

    def systems(self) -> list[FileSystem]:
        """Of the pools."""
        return [disk.system for disk in self.disks]
