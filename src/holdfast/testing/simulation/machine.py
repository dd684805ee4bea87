"""The simulated machine: file systems, mounts and loop devices, and who uses them."""

import errno
import itertools
import os
import random
from collections.abc import Callable

import msgspec

from holdfast.host.facts import Backing, Loop
from holdfast.testing.simulation.mounting import Mount, Namespace
from holdfast.testing.simulation.nodes import FileSystem, Node, fault

MAJOR_LOOP = 7
# Nodes that there are from the boot on; more are made as they are asked for.
LOOPS = 64
SECTOR = 512


class LoopState(msgspec.Struct):
    """An attached loop device: it holds its image, `size` bytes of it, and goes with its last user if `autoclear`."""

    image: Node
    seen_at: Callable[[], str]
    autoclear: bool
    read_only: bool
    size: int


class Users(msgspec.Struct):
    """Of one loop device, attached or not: open descriptors and mounts, the mounts among them, and who has it alone."""

    all: int = 0
    mounts: int = 0
    alone: int = 0


class OpenFile:
    """What descriptors share: the place, the flags, and where it stands."""

    __slots__ = ("boot", "flags", "mount", "node", "offset", "users")

    def __init__(self, mount: Mount, node: Node, flags: int, boot: int) -> None:
        self.mount = mount
        self.node = node
        self.flags = flags
        self.boot = boot
        self.offset = 0
        self.users = 1

    @property
    def is_place(self) -> bool:
        """Opened by O_PATH."""
        return bool(self.flags & os.O_PATH)

    @property
    def writable(self) -> bool:
        """Opened for writing."""
        return bool(self.flags & (os.O_WRONLY | os.O_RDWR))


class Machine:
    """One machine, `boot` times switched on."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._minors = 0
        self._births = itertools.count(1)
        self.boot = 0
        self.systems: list[FileSystem] = []
        self.root = self.format("ext4", "0" * 32, os.makedev(8, 1))
        self.dev = self.format("devtmpfs", "", os.makedev(0, 5))
        self.namespace = Namespace(self.root)
        self.loops: dict[int, LoopState] = {}
        self.users: dict[int, Users] = {}
        self.nodes: dict[int, Node] = {}
        self._boot()

    def format(self, kind: str, uuid: str, number: int | None = None) -> FileSystem:
        """A new file system, on a device of that number or of an anonymous one."""
        if number is None:
            self._minors += 1
            number = os.makedev(0, 100 + self._minors)
        made = FileSystem(kind, uuid, number, self._births.__next__)
        self.systems.append(made)
        return made

    def _boot(self) -> None:
        for name in ("dev", "mnt", "srv", "state", "run"):
            if name not in self.root.root.children:
                self.root.root.put(name, self.root.make("dir", 0o755))
        for number in range(LOOPS):
            self._node(number)
        self.namespace.attach(
            self.namespace.new(self.dev.root, "dev"), (self.namespace.home, self.root.root.children["dev"])
        )

    def _node(self, number: int) -> None:
        if number not in self.nodes:
            node = self.nodes[number] = self.dev.make("block", 0o660)
            node.number = number
            self.dev.root.put(f"loop{number}", node)

    def power_cut(self) -> None:
        """Off and on again: mounts and loop devices are gone, and what was not synced, in part."""
        self.boot += 1
        self.loops.clear()
        self.users.clear()
        for system in self.systems:
            system.cut(self.random)
        self.namespace = Namespace(self.root)
        self._boot()

    # -- opening and closing ---------------------------------------------------------------------

    def open(self, mount: Mount, node: Node, flags: int) -> OpenFile:
        """Count the users of what must not go away under them."""
        if node.kind == "block" and not flags & os.O_PATH:
            users = self.users_of(node.number)
            if flags & os.O_EXCL:
                if users.mounts or users.alone:
                    raise fault(errno.EBUSY, f"/dev/loop{node.number}")
                users.alone += 1
            users.all += 1
        mount.held += 1
        return OpenFile(mount, node, flags, self.boot)

    def release(self, file: OpenFile) -> None:
        """The last descriptor is closed."""
        if file.boot != self.boot:
            return
        file.mount.held -= 1
        if file.node.kind == "block" and not file.is_place:
            if file.flags & os.O_EXCL:
                self.users_of(file.node.number).alone -= 1
            self.unuse(file.node.number)

    def users_of(self, number: int) -> Users:
        """The users of a loop device."""
        return self.users.setdefault(number, Users())

    def unuse(self, number: int) -> None:
        """One user of a loop device less."""
        users, state = self.users_of(number), self.loops.get(number)
        users.all -= 1
        if state is not None and state.autoclear and not users.all:
            del self.loops[number]

    def inherit(self, target: Node, source: Node) -> None:
        """An image that becomes a copy has a copy of the file system, as it is on the disk at this moment."""
        if source.inner is not None and target.inner is None:
            target.inner = self.format(source.inner.kind, source.inner.uuid)
            target.inner.become(source.inner)

    # -- loop devices ----------------------------------------------------------------------------

    def free(self) -> int:
        """The lowest number that is attached to nothing."""
        number = next(number for number in range(len(self.nodes) + 1) if number not in self.loops)
        self._node(number)
        return number

    def loop(self, number: int) -> Loop | None:
        """What the device is attached to."""
        state = self.loops.get(number)
        if state is None:
            return None
        image = state.image
        where = Backing(image.volume.number, image.ino)
        return Loop(number, where, state.autoclear, state.read_only, state.seen_at())

    def content(self, node: Node) -> Node:
        """Where a file's or a device's bytes are; EIO for a device that is attached to nothing."""
        if node.kind != "block":
            return node
        state = self.loops.get(node.number)
        if state is None:
            raise fault(errno.EIO)
        return state.image

    # -- bytes of files and devices --------------------------------------------------------------

    def size(self, node: Node) -> int:
        """How far it can be read."""
        if node.kind != "block":
            return node.size
        state = self.loops.get(node.number)
        return state.size if state else 0

    def read(self, node: Node, offset: int, length: int) -> bytes:
        """What is there; nothing of a device that is attached to nothing."""
        if node.kind != "block":
            return node.read(offset, length)
        length = min(length, self.size(node) - offset)
        return self.content(node).read(offset, length) if length > 0 else b""

    def write(self, node: Node, offset: int, data: bytes) -> int:
        """How much of it found room; ENOSPC on a full file system and at the end of a device, EPERM if read-only."""
        target = node
        if node.kind == "block":
            state = self.loops.get(node.number)
            if state is not None and state.read_only:
                raise fault(errno.EPERM)
            data = data[: max(0, self.size(node) - offset)]
            if state is None or not data:
                raise fault(errno.ENOSPC)
            target = state.image
        if target.volume.full:
            target.volume.met("pool-full")
            raise fault(errno.ENOSPC)
        target.write(offset, data)
        return len(data)
