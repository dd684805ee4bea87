"""Where two images of one volume differ: by where their bytes lie, if their file system shares blocks, else by reading.

Bytes that lie at one place of the disk for both images are the same, as long as neither is written to: what is shared
is never written in place. Whatever is not plainly so counts as changed. The images may be moved about meanwhile
(defragmentation, btrfs balance), and a place that one of them left may be the other's next: so the older one's extents
are asked for before the newer one's, and again behind them.
"""

import errno
import os
from collections.abc import Iterator
from typing import Literal, NamedTuple

from holdfast.host.facts import Extent
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX

# File systems whose files share blocks. An xfs that was made without reflink shares none: then all its data changed.
SHARING = frozenset({"xfs", "btrfs"})
# Extents that are asked for at once.
MOST = 2048
# Bytes that are read of each image at once, and bytes that are told apart in what differs.
_PIECE, _BLOCK = 1 << 20, 4096
# Bytes of one stretch at the most, so that who stops in between has come a way.
_LONGEST = 64 << 20


class Stretch(NamedTuple):
    """The bytes from `start` to before `end`: whether they changed."""

    start: int
    end: int
    changed: bool


class Changes(NamedTuple):
    """All of the newer image from a byte on, in order and without a gap: to stop and to go on anywhere is safe.

    Told `by` extents, which costs as much as there are of them and may tell more than changed; or by the bytes, all of
    which are read, and each of their blocks is told exactly.
    """

    by: Literal["extents", "bytes"]
    stretches: Iterator[Stretch]


def between(older: int, newer: int, at: int = 0, kernel: Kernel = LINUX) -> Changes:
    """What changed, from byte `at` on. Both are open files, and nobody writes to them.

    An older one that is shorter counts as zeros behind its end. Raises OSError, also while the stretches are taken.
    """
    size = kernel.fstat(newer).st_size
    if shares(newer, kernel) and kernel.fstat(older).st_dev == kernel.fstat(newer).st_dev:
        return Changes("extents", _joined(_by_place(older, newer, at, size, kernel)))
    return Changes("bytes", _joined(_by_reading(older, newer, at, size, kernel)))


def shares(fd: int, kernel: Kernel = LINUX) -> bool:
    """Whether the open file is on a file system whose files share blocks."""
    mount = kernel.statx(fd).mount
    return any(each.id == mount and each.fs in SHARING for each in kernel.mounts())


def _joined(pieces: Iterator[Stretch]) -> Iterator[Stretch]:
    """Neighbours that changed as one, a piece at a time: none is held back for longer than the next one takes."""
    held: Stretch | None = None
    for piece in pieces:
        if piece.start == piece.end:
            continue
        if held and held.changed == piece.changed and piece.end - held.start <= _LONGEST:
            held = Stretch(held.start, piece.end, held.changed)
            continue
        if held:
            yield held
        held = piece
    if held:
        yield held


# -- by place ------------------------------------------------------------------------------------


def _by_place(older: int, newer: int, at: int, size: int, kernel: Kernel) -> Iterator[Stretch]:
    while at < size:
        maps = [kernel.extents(fd, at, MOST) for fd in (older, newer, older)]
        end = min([size, *(found[-1].end for found in maps if len(found) == MOST)])
        yield from _compared(maps, at, end)
        at = end


def _compared(maps: list[list[Extent]], at: int, end: int) -> Iterator[Stretch]:
    """One stretch for each border of an extent, between `at` and `end`."""
    numbers = [0, 0, 0]
    while at < end:
        for which, found in enumerate(maps):
            while numbers[which] < len(found) and found[numbers[which]].end <= at:
                numbers[which] += 1
        here = [_here(found, number, at, end) for found, number in zip(maps, numbers, strict=True)]
        until = min(border for _extent, border in here)
        old, new, still = (extent for extent, _border in here)
        yield Stretch(at, until, not (_same(old, new) and _same(still, new)))
        at = until


def _here(found: list[Extent], number: int, at: int, end: int) -> tuple[Extent | None, int]:
    """The extent at byte `at`, if there is one, and where that changes."""
    if number == len(found):
        return None, end
    extent = found[number]
    return (extent, min(end, extent.end)) if extent.start <= at else (None, min(end, extent.start))


def _same(one: Extent | None, other: Extent | None) -> bool:
    if one is None or one.zeros:
        return (other is None or other.zeros) and _exact(one) and _exact(other)
    if other is None or other.zeros:
        return False
    return one.exact and other.exact and one.place - one.start == other.place - other.start


def _exact(extent: Extent | None) -> bool:
    return extent is None or extent.exact


# -- by reading ----------------------------------------------------------------------------------


def _by_reading(older: int, newer: int, at: int, size: int, kernel: Kernel) -> Iterator[Stretch]:
    while at < size:
        start = min(size, _data(kernel, older, at), _data(kernel, newer, at))
        yield Stretch(at, start, changed=False)
        end = min(size, start + _PIECE)
        before, after = _bytes(kernel, older, start, end), _bytes(kernel, newer, start, end)
        if before == after:
            yield Stretch(start, end, changed=False)
        else:
            for block in range(start, end, _BLOCK):
                last = min(end, block + _BLOCK)
                part = slice(block - start, last - start)
                yield Stretch(block, last, before[part] != after[part])
        at = end


def _data(kernel: Kernel, fd: int, at: int) -> int:
    """Where the next data of the open file begins: lseek(2)."""
    try:
        return kernel.lseek(fd, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return 2**63
        raise


def _bytes(kernel: Kernel, fd: int, start: int, end: int) -> bytes:
    """Those bytes of the open file, with zeros behind its end."""
    buffer = bytearray(end - start)
    got = 0
    while got < len(buffer):
        more = kernel.preadv(fd, [memoryview(buffer)[got:]], start + got)
        if not more:
            break
        got += more
    kernel.uncache(fd, start, end - start)
    return bytes(buffer)
