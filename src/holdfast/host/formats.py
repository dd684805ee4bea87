"""Making file systems, once, on what is proven blank and was never formatted before.

The tool gets the descriptor that was probed (`/proc/self/fd/N`), so what is formatted is what was read, even
if its name means another device by then.
"""

import os
import stat

import msgspec

from holdfast.host import loops, signatures
from holdfast.host.children import Children, Keeper
from holdfast.host.facts import Backing
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.host.signatures import Blank, Holds, Signature
from holdfast.model.errors import Again, Damaged, Foreign, Refused
from holdfast.model.observations import Unknown
from holdfast.model.resources import FileSystem, Formatted

DEADLINE = 600.0
# What mke2fs, mkfs.xfs 6.1 and mkfs.btrfs 6.2 need at least, measured; bytes.
SMALLEST: dict[FileSystem, int] = {"ext4": 1 << 20, "xfs": 300 << 20, "btrfs": 114294784}


class Identity(msgspec.Struct, frozen=True):
    """A device or image on an open descriptor: device number (of a file: its disk and inode) and size in bytes.

    A loop device's number says nothing about what is behind it, so its backing file counts too.
    """

    device: int
    inode: int
    size: int
    backing: Backing | None = None


def identity(fd: int, kernel: Kernel = LINUX) -> Identity:
    """Who the open device or image is."""
    info = kernel.fstat(fd)
    if stat.S_ISBLK(info.st_mode):
        loop = kernel.loop_status(fd) if os.major(info.st_rdev) == loops.MAJOR else None
        return Identity(info.st_rdev, 0, signatures.size_of(fd, kernel), loop.backing if loop else None)
    return Identity(info.st_dev, info.st_ino, info.st_size)


def guard(fd: int, before: Formatted, expected: Identity | None = None, kernel: Kernel = LINUX) -> None:
    """Refuse to format unless the record says never and the device is proven blank and the one expected.

    Raises Damaged (recorded as formatted, yet blank: left alone), Foreign (it holds something), Again (a read
    failed), Refused (recorded as half-formatted: a half-made format is discarded, never resumed).
    """
    try:
        now = identity(fd, kernel)
    except OSError as error:
        raise Again(f"The device cannot be looked at: {error.strerror}. Nothing was written.") from error
    if expected is not None and now != expected:
        raise Foreign("The device is not the one that was looked at; it was swapped.", "Nothing was written.")
    found = signatures.probe(fd, kernel)
    if isinstance(found, Unknown):
        raise Again(f"Whether the device is blank cannot be told: {found.reason}. Nothing was written.")
    if isinstance(found, Holds):
        raise Foreign(f"The device holds {found.kind}; it is never formatted.", "Nothing was written.")
    if before == "formatted":
        raise Damaged("The volume was formatted, yet reads blank; it was left alone.", "Restore it from a backup.")
    if before == "formatting":
        raise Refused("A format was begun here and never proven; discard the image and make another.")


def make(
    children: Children, keeper: Keeper, fd: int, fs: FileSystem, uuid: str, before: Formatted,
    expected: Identity | None = None, kernel: Kernel = LINUX,
) -> None:  # fmt: skip
    """Format the open, writable device or image, and prove it; the errors of `guard`, and Refused by the tool."""
    guard(fd, before, expected, kernel)  # first: a device that vanished shows size 0, and is Again, not too small
    size = identity(fd, kernel).size
    if size < SMALLEST[fs]:
        raise Refused(f"{size} bytes are too small for {fs}; it needs at least {SMALLEST[fs]}.")
    children.run(keeper, f"mkfs-{fs}", {"fs": fs, "uuid": uuid}, (fd,), DEADLINE)
    kernel.fsync(fd)
    found = signatures.probe(fd, kernel)
    if found != Holds(fs, uuid):
        raise Again(f"mkfs.{fs} ended well, but the device shows {_say(found)}.")


def check(fd: int, fs: FileSystem, uuid: str, kernel: Kernel = LINUX) -> None:
    """Before attaching: the device must hold just the file system that was made. Raises Damaged or Again."""
    found = signatures.probe(fd, kernel)
    if isinstance(found, Unknown):
        raise Again(f"The volume cannot be read: {found.reason}. Nothing was changed.")
    if found != Holds(fs, uuid):
        raise Damaged(
            f"The volume was formatted as {fs} {uuid}, but shows {_say(found)}. It was left alone.",
            "Check the disk below it; repair a copy, or restore a backup.",
        )


def _say(found: Signature) -> str:
    if isinstance(found, Blank):
        return "nothing: it reads blank"
    if isinstance(found, Holds):
        return f"{found.kind} {found.uuid}".strip()
    return found.reason
