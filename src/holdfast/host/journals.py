"""Whether a file system was left without an unmount: what its journal holds is then only replayed by a mount.

Told from the disk itself, one rule per file system, since only xfs_repair has an exit status for it. Sources:
the kernel's ext4/super.rst (s_feature_incompat), its btrfs on-disk format (log_root), and for xfs the kernel's
fs/xfs/libxfs/xfs_log_format.h, read as its log recovery does: the log is clean just where its newest record is
that of an unmount.
"""

import struct
from collections.abc import Callable
from functools import partial

import msgspec

from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.host.signatures import read_exactly
from holdfast.model.resources import FileSystem

# Bytes at an offset, of a length.
_Read = Callable[[int, int], bytes]

_EXT4_RECOVER = 0x4
_SECTOR = 512
_XLOG_MAGIC = 0xFEEDBABE
_XLOG_UNMOUNT = 0x20
_XLOG_VERSION_2 = 2
# Bytes of a log record that one block of its header describes.
_XLOG_CYCLES = 32 << 10
# Basic blocks back from the head within which the newest record's header lies: a log buffer has 256 KiB at most.
_XLOG_FARTHEST = 1024


def needs_replay(fd: int, fs: FileSystem, kernel: Kernel = LINUX) -> bool:
    """Whether the journal of the unmounted file system on the open image holds what a mount would replay.

    Raises OSError where it cannot be read.
    """
    return _RULES[fs](partial(_at, kernel, fd))


def _ext4(at: _Read) -> bool:
    (incompat,) = struct.unpack_from("<I", at(0x400, 1024), 0x60)
    return bool(incompat & _EXT4_RECOVER)


def _btrfs(at: _Read) -> bool:
    (log_root,) = struct.unpack_from("<Q", at(0x10000, 4096), 0x60)
    return bool(log_root)


def _xfs(at: _Read) -> bool:
    log = _Log.of(at)
    if log is None:
        return False
    head = log.head()
    for back in range(1, min(_XLOG_FARTHEST, log.blocks) + 1):
        block = log.block(head - back)
        if _word(block) == _XLOG_MAGIC:
            return not log.is_unmount(head - back, block, head)
    return True


class _Log(msgspec.Struct, frozen=True):
    """An internal xfs log: its first byte, and its length in blocks of 512 bytes, numbered round and round."""

    read: _Read
    start: int
    blocks: int

    @classmethod
    def of(cls, read: _Read) -> "_Log | None":
        """As the superblock says; None where it says nothing that a log could be, which is for the tool to find."""
        head = read(0, _SECTOR)
        size, group, length = (struct.unpack_from(">I", head, place)[0] for place in (4, 84, 96))
        (start,) = struct.unpack_from(">Q", head, 48)
        bits = head[124]
        if not (start and size and length):
            return None
        number, within = start >> bits, start & ((1 << bits) - 1)
        return cls(read, (number * group + within) * size, length * size // _SECTOR)

    def block(self, number: int) -> bytes:
        """One basic block."""
        return self.read(self.start + number % self.blocks * _SECTOR, _SECTOR)

    def _cycle(self, number: int) -> int:
        """How often the log had been round when the block was written; a header has it behind its magic."""
        block = self.block(number)
        return _word(block, 4) if _word(block) == _XLOG_MAGIC else _word(block)

    def head(self) -> int:
        """The first block that is older than block 0: there the next record would go."""
        newest, low, high = self._cycle(0), 0, self.blocks
        while high - low > 1:
            middle = (low + high) // 2
            if self._cycle(middle) == newest:
                low = middle
            else:
                high = middle
        return high

    def is_unmount(self, number: int, header: bytes, head: int) -> bool:
        """Whether the record is the one of an unmount, and ends at the head."""
        version, length = _word(header, 8), _word(header, 12)
        whole = _word(header, 320) if version & _XLOG_VERSION_2 else 0
        headers = max(1, -(-whole // _XLOG_CYCLES))
        if _word(header, 40) != 1 or number + headers + -(-length // _SECTOR) != head:
            return False
        return bool(self.block(number + headers)[9] & _XLOG_UNMOUNT)


def _word(block: bytes, at: int = 0) -> int:
    (found,) = struct.unpack_from(">I", block, at)
    return int(found)


def _at(kernel: Kernel, fd: int, offset: int, length: int) -> bytes:
    return read_exactly(fd, offset, length, kernel)


_RULES: dict[FileSystem, Callable[[_Read], bool]] = {"ext4": _ext4, "xfs": _xfs, "btrfs": _btrfs}
