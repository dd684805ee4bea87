"""What a device or image holds, by reading it: Blank, Holds, or Unreadable.

blkid's exit status is no evidence (docs/guarantees.md). Here `Blank` needs direct reads of the head, the tail
and every place where ext4, xfs or btrfs keep a copy of their superblock, all successful and all zero. Anything
else that is not zero is something, known or not. Layouts: ext4 (kernel's ext4/super.rst), xfs (xfs_mkfs
calc_default_ag_geometry), btrfs (kernel's btrfs on-disk format), LUKS (cryptsetup's on-disk format), GPT (UEFI 5.3).
"""

import mmap
import os
import uuid
from collections.abc import Iterator

import msgspec

from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.model.observations import Unknown

_HEAD = 1 << 20
_TAIL = 1 << 20
_BLOCK = 4096
_BTRFS_MIRRORS = (64 << 10, 64 << 20, 256 << 30)
_PROBE = 64 << 10


class Blank(msgspec.Struct, frozen=True):
    """All places were read, and all were zero."""


class Holds(msgspec.Struct, frozen=True):
    """Something is there. `uuid` is set for the file systems that we make."""

    kind: str
    uuid: str = ""


Signature = Blank | Holds | Unknown


def _ext4_copies(size: int) -> Iterator[int]:
    """Byte offsets of backup superblocks: groups 1 and powers of 3, 5 and 7, for every block size."""
    for block in (1024, 2048, 4096, 65536):
        group = block * block * 8  # one block of bitmap covers its bits' worth of blocks
        first = 1024 if block == 1024 else 0
        numbers = {1}
        for base in (3, 5, 7):
            power = base
            while power * group < size:
                numbers.add(power)
                power *= base
        for number in sorted(numbers):
            yield number * group + first


def _xfs_copies(size: int) -> Iterator[int]:
    """Byte offsets of allocation groups for every default count of groups, and for groups of 1 TiB."""
    for block in (512, 1024, 2048, 4096, 16384, 65536):
        blocks = size // block
        for shift in range(1, 8):
            group = -(-blocks // (1 << shift))
            for number in range(1, min(1 << shift, 8)):
                yield number * group * block
    yield from range(1 << 40, min(size, 64 << 40), 1 << 40)


def places(size: int) -> list[tuple[int, int]]:
    """(offset, length) of everything that must be zero for a device of `size` bytes to be blank; aligned."""
    found = {(0, _HEAD), (max(0, size - _TAIL), _TAIL)}
    for offset in (*_BTRFS_MIRRORS, *_ext4_copies(size), *_xfs_copies(size)):
        if offset < size:
            found.add((offset // _BLOCK * _BLOCK, 2 * _BLOCK))
    clipped = set()
    for offset, length in found:
        start = offset // _BLOCK * _BLOCK
        clipped.add((start, min(size - start, length + offset - start)))
    return sorted(clipped)


def size_of(fd: int, kernel: Kernel = LINUX) -> int:
    """Bytes of an open block device or image."""
    return kernel.lseek(fd, 0, os.SEEK_END)


def read_exactly(fd: int, offset: int, length: int, kernel: Kernel = LINUX) -> bytes:
    """All `length` bytes; OSError, also for a short read."""
    with mmap.mmap(-1, max(length, 1)) as buffer:  # page-aligned, as direct reads want
        done = 0
        while done < length:
            with memoryview(buffer) as whole, whole[done:length] as view:  # else an error could not close the buffer
                got = kernel.preadv(fd, [view], offset + done)
            if got == 0:
                raise OSError(5, f"short read at {offset + done}")
            done += got
        return buffer[:length]


def _direct(fd: int, kernel: Kernel) -> int:
    """The same open file for direct reads, or (tmpfs) for plain ones."""
    try:
        return kernel.reopen(fd, os.O_RDONLY | os.O_DIRECT)
    except OSError as error:
        if error.errno != 22:
            raise
        return kernel.reopen(fd, os.O_RDONLY)


def probe(fd: int, kernel: Kernel = LINUX) -> Signature:
    """What the open device or image holds. Any failed read is Unknown, whatever the others say."""
    try:
        size = size_of(fd, kernel)
        if size == 0:
            return Unknown("its size is 0, so nothing can be read")
        direct = _direct(fd, kernel)
    except OSError as error:
        return Unknown(f"it cannot be opened for reading: {error.strerror}")
    try:
        head = read_exactly(direct, 0, min(size, _PROBE * 2), kernel)
        found = recognise(head, size, direct, kernel)
        if found is not None:
            return found
        for offset, length in places(size):
            if not _all_zero(read_exactly(direct, offset, length, kernel)):
                return Holds("unknown data")
    except OSError as error:
        return Unknown(f"a read failed: {error.strerror}")
    finally:
        kernel.close(direct)
    return Blank()


_ZEROS = bytes(_HEAD)


def _all_zero(data: bytes) -> bool:
    return data == _ZEROS[: len(data)]


def recognise(head: bytes, size: int, fd: int, kernel: Kernel = LINUX) -> Holds | None:
    """What the head says, or a GPT's copy in the tail; None if nothing known."""
    if len(head) >= 0x500 and head[0x438:0x43A] == b"\x53\xef":
        return Holds(_ext_kind(head), _uuid(head[0x468:0x478]))
    if head[:4] == b"XFSB":
        return Holds("xfs", _uuid(head[32:48]))
    if head[0x10040:0x10048] == b"_BHRfS_M":
        return Holds("btrfs", _uuid(head[0x10020:0x10030]))
    if head[:6] in (b"LUKS\xba\xbe", b"SKUL\xba\xbe"):
        return Holds("LUKS")
    if head[512:520] == b"EFI PART" or head[4096:4104] == b"EFI PART":
        return Holds("GPT partition table")
    if head[510:512] == b"\x55\xaa":
        return Holds("MBR partition table")
    if size >= 1024:
        last = (size - 1) // 512 * 512
        start = last // _BLOCK * _BLOCK
        if read_exactly(fd, start, size - start, kernel)[-512:][:8] == b"EFI PART":
            return Holds("GPT partition table (copy)")
    return None


def _ext_kind(head: bytes) -> str:
    """ext4 has features that its elders do not (incompat extents, or a 64-bit layout)."""
    incompat = int.from_bytes(head[0x460:0x464], "little")
    return "ext4" if incompat & 0x2C0 else "ext2/ext3"


def _uuid(raw: bytes) -> str:
    return uuid.UUID(bytes=raw).hex
