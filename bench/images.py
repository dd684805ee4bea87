"""Images by themselves: a copy beside `cp --sparse=always`, and what changed in a small and in a large one."""

import contextlib
import fcntl
import os
import random
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from bench import ours
from bench.bars import Bar, Limit
from bench.daemon import running
from bench.face import BenchError
from bench.ours import HoldfastFace
from bench.round import Measures
from holdfast.host import changed
from holdfast.host.linux import FICLONE

GIB, PIECE = 1 << 30, 64 << 10
# A block volume's: 500 MiB of 1 GiB, in pieces of a MiB.
HELD, CHUNK = 500, 1 << 20
BARS = (
    Bar("a copy on ext4, to cp --sparse=always and sync", "copy.cp_sync_s", "copy.holdfast_s", True, 0.8),
    Bar("what changed, 64 GiB to 4 GiB", "changes.large_s", "changes.small_s", False, 1.3),
)
LIMITS = (
    Limit("what changed in 4 GiB, 1 %", "changes.small_s", False, 0.02),
    Limit("what a copy takes more than its source", "copy.more_bytes", False, 1 << 20),
)


def copies(where: Path, rounds: int) -> Measures:
    """On an ext4, which shares no blocks: seconds of each, and the bytes that ours takes more than its source."""
    mine, cp, cp_sync, more = [], [], [], 0
    with running(ours.peer, where) as peer:
        face = cast("HoldfastFace", peer.face())
        face.create_block("v", "1GiB")
        (disk,) = peer.source.glob("volumes/*/disk.raw")
        with disk.open("r+b") as file:
            for number in range(HELD):
                file.seek(number * 2 * CHUNK)
                file.write(os.urandom(CHUNK))
        os.sync()
        for _ in range(rounds + 1):
            begin = time.monotonic()
            face.clone("v", "", "w")
            mine.append(time.monotonic() - begin)
            (copy,) = [path for path in peer.source.glob("volumes/*/disk.raw") if path != disk]
            more = max(more, (copy.stat().st_blocks - disk.stat().st_blocks) * 512)
            face.delete("w")
            os.sync()
            begin = time.monotonic()
            subprocess.run(["cp", "--sparse=always", disk, where / "copy"], check=True)
            cp.append(time.monotonic() - begin)
            subprocess.run(["sync", where / "copy"], check=True)
            cp_sync.append(time.monotonic() - begin)
            (where / "copy").unlink()
            os.sync()
        face.delete("v")
        face.close()
    medians = [statistics.median(each[1:]) for each in (mine, cp, cp_sync)]  # the first one warms up
    return dict(zip(("copy.holdfast_s", "copy.cp_s", "copy.cp_sync_s"), medians, strict=True)) | {
        "copy.more_bytes": more
    }


def changes(where: Path, rounds: int) -> Measures:
    """The same data and the same changes, in images of 4 GiB and of 64 GiB."""
    found: Measures = {}
    for name, size in (("small", 4 * GIB), ("large", 64 * GIB)):
        with _images(where, size) as (older, newer):
            took, told = [], 0
            for _ in range(rounds + 1):
                begin = time.monotonic()
                told = sum(each.end - each.start for each in changed.between(older, newer).stretches if each.changed)
                took.append(time.monotonic() - begin)
            if told != _CHANGES * PIECE:
                raise BenchError(f"{told} bytes are told to have changed instead of {_CHANGES * PIECE}")
            found[f"changes.{name}_s"] = statistics.median(took[1:])
    return found


# 1 % of 4 GiB.
_CHANGES = 4 * GIB // 100 // PIECE


@contextlib.contextmanager
def _images(where: Path, size: int) -> Iterator[tuple[int, int]]:
    older = os.open(where / "older", os.O_RDWR | os.O_CREAT)
    newer = os.open(where / "newer", os.O_RDWR | os.O_CREAT)
    try:
        os.truncate(older, size)
        piece = os.urandom(1 << 20)
        for start in range(0, 2 * GIB, len(piece)):
            os.pwrite(older, piece, start)
        os.fsync(older)
        fcntl.ioctl(newer, FICLONE, older)
        chance = random.Random(1)  # noqa: S311 - the same each time
        for number in chance.sample(range(2 * GIB // PIECE), _CHANGES):
            os.pwrite(newer, os.urandom(PIECE), number * PIECE)
        os.fsync(newer)
        yield older, newer
    finally:
        for fd, name in ((older, "older"), (newer, "newer")):
            os.close(fd)
            (where / name).unlink()
