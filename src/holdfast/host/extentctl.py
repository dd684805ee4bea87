"""Where a file's bytes lie, by ioctl (Documentation/filesystems/fiemap.rst)."""

import fcntl
import struct

from holdfast.host.facts import Extent

# linux/fs.h: _IOWR('f', 11, struct fiemap).
FS_IOC_FIEMAP = 0xC020660B
_FLAG_SYNC = 1
# Unknown, not written out, encoded, encrypted, unaligned, inline, with others' tails.
_NOT_EXACT = 0x2 | 0x4 | 0x8 | 0x80 | 0x100 | 0x200 | 0x400
_UNWRITTEN, _SHARED = 0x800, 0x2000
_HEAD = struct.Struct("=QQIIII")  # start, length, flags, mapped, count, reserved
_EXTENT = struct.Struct("=QQQ16xI12x")  # logical, physical, length, flags
_WHOLE = 2**64 - 1


def read(fd: int, start: int, most: int) -> list[Extent]:
    """See `Kernel.extents`."""
    buffer = bytearray(_HEAD.size + most * _EXTENT.size)
    _HEAD.pack_into(buffer, 0, start, _WHOLE - start, _FLAG_SYNC, 0, most, 0)
    fcntl.ioctl(fd, FS_IOC_FIEMAP, buffer)
    mapped = _HEAD.unpack_from(buffer)[3]
    found = memoryview(buffer)[_HEAD.size : _HEAD.size + mapped * _EXTENT.size]
    return [
        Extent(logical, length, place, not flags & _NOT_EXACT, bool(flags & _UNWRITTEN), bool(flags & _SHARED))
        for logical, place, length, flags in _EXTENT.iter_unpack(found)
    ]
