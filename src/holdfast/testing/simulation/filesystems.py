"""What the simulated machine's file systems are on their images, and how a mount holds one.

A superblock is bytes where the real one has them: magic and uuid, and of ext4 the flag that its journal wants a
replay (see `holdfast.host.signatures` and `journals` for the sources). The tree is beside the bytes, and is found by
the uuid: where the bytes are gone or another's, there is nothing to mount.
"""

import errno

from holdfast.testing.simulation.machine import MAJOR_LOOP, Machine
from holdfast.testing.simulation.mounting import Mount
from holdfast.testing.simulation.nodes import FileSystem, Node, fault

KINDS = ("ext4", "xfs", "btrfs")
_EXTENTS, _RECOVER = 0x40, 0x4


def superblock(fs: str, uuid: str, *, dirty: bool = False) -> tuple[int, bytes]:
    """Where it lies, and its bytes."""
    raw = bytes.fromhex(uuid)
    if fs == "xfs":
        return 0, b"XFSB" + bytes(28) + raw
    if fs == "btrfs":
        return 0x10020, raw + bytes(16) + b"_BHRfS_M"
    block = bytearray(1024)
    block[0x38:0x3A] = b"\x53\xef"
    block[0x60:0x64] = (_EXTENTS | (_RECOVER if dirty else 0)).to_bytes(4, "little")
    block[0x68:0x78] = raw
    return 0x400, bytes(block)


def holds(image: Node, fs: str) -> str:
    """The uuid of the file system whose superblock the image shows, or an empty text; raises as its reads do."""
    if fs == "xfs":
        head = image.read(0, 48)
        return head[32:48].hex() if head[:4] == b"XFSB" else ""
    if fs == "btrfs":
        head = image.read(0x10020, 40)
        return head[:16].hex() if head[32:40] == b"_BHRfS_M" else ""
    head = image.read(0x400, 1024)
    return head[0x68:0x78].hex() if head[0x38:0x3A] == b"\x53\xef" else ""


def mount(machine: Machine, fs: str, device: Node, source: str, *, read_only: bool, sealed: bool = False) -> Mount:
    """A detached mount of what is on a loop device; EINVAL where its superblock is not there.

    Read-only is the mount, not the file system: a second mount may write. So a read-only device is refused (EACCES),
    but for a `sealed` one; and that if its journal wants a replay (EROFS).
    """
    if fs not in KINDS:
        raise fault(errno.ENODEV, fs)
    if device.kind != "block":
        raise fault(errno.ENOTBLK, f"{fs} ({source} is no block device)")
    state, users = machine.loops.get(device.number), machine.users_of(device.number)
    if users.alone:
        raise fault(errno.EBUSY, fs)
    if state is None:
        raise fault(errno.EIO, f"{fs} (unable to read superblock)")
    if state.read_only and not sealed:
        raise fault(errno.EACCES, fs)
    inner = state.image.inner
    if inner is None or fs != inner.kind or holds(state.image, fs) != inner.uuid:
        raise fault(errno.EINVAL, f"{fs} (Can't find a valid superblock)")
    if inner.damaged:
        raise fault(errno.EBADMSG, f"{fs} (the root directory is damaged)")
    if fs != "btrfs":
        inner.device = (MAJOR_LOOP, device.number)
    made = machine.namespace.new(inner.root, source, read_only=read_only)
    made.disk = device.number
    if state.read_only and fs == "ext4" and state.image.read(0x400, 1024)[0x60] & _RECOVER:
        raise fault(errno.EROFS, f"{fs} (write access unavailable, cannot proceed)")
    if fs == "ext4" and not state.read_only:
        state.image.write(*superblock(fs, inner.uuid, dirty=True))
    hold(machine, made)
    return made


def clone(machine: Machine, found: Mount, root: Node) -> Mount:
    """A detached mount of a part of what a mount shows."""
    made = machine.namespace.new(root, found.source, read_only=found.read_only)
    made.disk, made.flags = found.disk, found.flags
    hold(machine, made)
    return made


def hold(machine: Machine, found: Mount) -> None:
    """A mount uses its device, and claims it."""
    if found.disk is not None:
        users = machine.users_of(found.disk)
        users.all += 1
        users.mounts += 1


def let_go(machine: Machine, found: Mount) -> None:
    """A mount is gone; with the last one the file system was left in order."""
    if found.disk is None:
        return
    users, state = machine.users_of(found.disk), machine.loops[found.disk]
    image = state.image
    users.mounts -= 1
    whole = (
        not state.read_only
        and found.volume.kind == "ext4"
        and image.sickness is None
        and found.volume.uuid == holds(image, "ext4")
    )
    if whole and not users.mounts:
        image.write(*superblock("ext4", found.volume.uuid))
    machine.unuse(found.disk)


def listing(directory: Node) -> dict[str, Node]:
    """What a directory shows: as it is now, or, of a back end that answers from a cache, as it was."""
    if directory.volume.stale is not None and directory in directory.volume.stale:
        directory.volume.met("stale-list")
        return directory.volume.stale[directory]
    return dict(directory.children)


def freeze(machine: Machine, number: int, volume: FileSystem) -> None:
    """All of it is on its disk, and its journal wants nothing."""
    volume.sync_all()
    volume.frozen = True
    if volume.kind == "ext4":
        machine.loops[number].image.write(*superblock("ext4", volume.uuid))


def thaw(machine: Machine, number: int, volume: FileSystem) -> None:
    """As any that is mounted."""
    volume.frozen = False
    if volume.kind == "ext4":
        machine.loops[number].image.write(*superblock("ext4", volume.uuid, dirty=True))


def exchange(above: Node, one: str, other: str) -> None:
    """One entry of the journal."""

    def swap() -> None:
        first, second = above.drop(one), above.drop(other)
        above.put(one, second)
        above.put(other, first)

    if one == other:
        return
    swap()
    above.volume.changed(swap)


def rename(source: Node, old: str, target: Node, new: str) -> None:
    """One entry of the journal."""
    node = source.children[old]
    there = target.children.get(new)

    def undo() -> None:
        target.drop(new)
        source.put(old, node)
        if there is not None:
            target.put(new, there)

    if there is not None:
        target.drop(new)
    source.drop(old)
    target.put(new, node)
    source.volume.changed(undo)
