"""What changed between two images is told exactly, or as more; never as less: checked byte by byte."""

import ctypes
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.host import changed, usage
from holdfast.host.changed import Stretch
from holdfast.host.children import ForkServerChildren
from holdfast.host.facts import Extent
from holdfast.host.linux import FICLONE, Linux
from holdfast.model.resources import FileSystem
from tests.host.parts import MIB, UUID, Keeper, eventually, formatted, loops_of, opened, run, unmount
from tests.needs import need

SIZE, BLOCK = 1 * MIB, 4096
# linux/fs.h, linux/falloc.h.
_FICLONERANGE, _KEEP, _PUNCH, _ZERO = 0x4020940D, 1, 2, 16
_LIBC = ctypes.CDLL(None, use_errno=True)


class Place(NamedTuple):
    """Where two images are, and what `holdfast.host.changed` can rely on there."""

    path: str
    kind: str


SYSTEMS: dict[str, FileSystem] = {"xfs": "xfs", "btrfs": "btrfs", "btrfs-compressed": "btrfs", "ext4": "ext4"}


@pytest.fixture(params=SYSTEMS)
def place(request: pytest.FixtureRequest, children: ForkServerChildren, scratch: str) -> Iterator[Place]:
    """A mounted file system."""
    kind: str = request.param
    fs = SYSTEMS[kind]
    if fs == "btrfs":
        need("btrfs")
    image, path = formatted(children, f"{scratch}/disk", fs, 512 * MIB), f"{scratch}/at"
    os.mkdir(path)
    with opened(image) as fd, opened(path, os.O_PATH) as target:
        children.run(Keeper(), "mount-image", {"fs": fs, "uuid": UUID, "read_only": False}, (fd, target))
    if kind == "btrfs-compressed":
        run("mount", "-o", "remount,compress-force=zstd", path)
    yield Place(path, kind)
    unmount(path)
    assert eventually(lambda: loops_of(image) == [])


def _allocate(fd: int, mode: int, start: int, length: int) -> None:
    if _LIBC.fallocate(fd, mode, ctypes.c_long(start), ctypes.c_long(length)):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _share(fd: int, start: int, to: int, length: int) -> None:
    """Within the file, by whole blocks; as far as the file reaches, and not over itself."""
    source, target = start // BLOCK * BLOCK, to // BLOCK * BLOCK
    length = max(BLOCK, length // BLOCK * BLOCK)
    if source + length <= os.fstat(fd).st_size and abs(source - target) >= length:
        fcntl.ioctl(fd, _FICLONERANGE, struct.pack("=qQQQ", fd, source, length, target))


class Images:
    """The newer one is changed; the older one is what it was at some time."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.older = os.open(f"{place.path}/older", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self.newer = os.open(f"{place.path}/newer", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.truncate(self.newer, SIZE)

    def close(self) -> None:
        """Both."""
        os.close(self.older)
        os.close(self.newer)

    def do(self, verb: str, start: int, length: int, seed: int) -> None:
        """One of VERBS."""
        fd = self.newer
        match verb:
            case "write":
                os.pwrite(fd, (seed.to_bytes(4) * (length // 4 + 1))[:length], start)
            case "again":  # the same bytes, written anew
                os.pwrite(fd, os.pread(fd, length, start), start)
            case "zeros":
                os.pwrite(fd, bytes(length), start)
            case "punch":
                _allocate(fd, _PUNCH | _KEEP, start, length)
            case "reserve":
                _allocate(fd, 0, start, length)
            case "shorten":
                os.truncate(fd, start)
            case "lengthen":
                os.truncate(fd, max(os.fstat(fd).st_size, start + length))
            case "share":
                if self.place.kind != "ext4":
                    _share(fd, start, seed % SIZE, length)
            case "sync":
                os.fsync(fd)
            case "take":
                self.take()
            case _:
                raise AssertionError(verb)

    def take(self) -> None:
        """From now on the older one is what the newer one is now."""
        os.truncate(self.older, 0)
        try:
            fcntl.ioctl(self.older, FICLONE, self.newer)
        except OSError:
            assert self.place.kind == "ext4"
            os.pwrite(self.older, os.pread(self.newer, os.fstat(self.newer).st_size, 0), 0)

    def check(self) -> list[Stretch]:
        """Against the bytes; what is told."""
        told = list(changed.between(self.older, self.newer).stretches)
        size = os.fstat(self.newer).st_size
        borders = [0, *(each.end for each in told)]
        assert [each.start for each in told] == borders[:-1]
        assert borders[-1] == size
        now = os.pread(self.newer, size, 0)
        before = os.pread(self.older, size, 0).ljust(size, b"\0")
        for stretch in told:
            part = slice(stretch.start, stretch.end)
            assert stretch.changed or before[part] == now[part], f"{stretch} did change"
        return told


@contextmanager
def images(place: Place) -> Iterator[Images]:
    """Two."""
    both = Images(place)
    try:
        yield both
    finally:
        both.close()


VERBS = ["write", "again", "zeros", "punch", "reserve", "shorten", "lengthen", "share", "sync", "take"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(VERBS), st.integers(0, SIZE - 1), st.one_of(st.integers(1, 9000), st.integers(1, SIZE)),
        st.integers(0, 2**32 - 1),
    ),
    min_size=1, max_size=12,
)  # fmt: skip
EXAMPLES = settings(
    max_examples=400 if os.environ.get("HOLDFAST_PROOF") else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def test_whatever_is_done_to_an_image_nothing_that_changed_is_kept_from_view(place: Place) -> None:
    @EXAMPLES
    @given(STEPS)
    def play(steps: list[tuple[str, int, int, int]]) -> None:
        with images(place) as both:
            for step in steps:
                both.do(*step)
                both.check()

    play()


def _scattered(fd: int) -> None:
    """Data in every other 64 KiB."""
    for start in range(0, SIZE, 1 << 17):
        os.pwrite(fd, os.urandom(1 << 16), start)
    os.fsync(fd)


def test_one_write_is_told_by_its_blocks(place: Place) -> None:
    with images(place) as both:
        _scattered(both.newer)
        both.take()
        assert [each.changed for each in both.check()] == [False]
        os.pwrite(both.newer, b"new", 5 * BLOCK)
        os.pwrite(both.newer, b"new", (1 << 16) + 3 * BLOCK)
        told = [(each.start // BLOCK, each.end // BLOCK) for each in both.check() if each.changed]
        assert told == [(5, 6), (19, 20)]


def test_it_goes_on_from_any_byte(place: Place) -> None:
    with images(place) as both:
        _scattered(both.newer)
        both.take()
        for block in (1, 7, 40):
            os.pwrite(both.newer, b"new", block * BLOCK)
        whole = both.check()
        for number, stretch in enumerate(whole):
            assert list(changed.between(both.older, both.newer, stretch.start).stretches) == whole[number:]
        assert list(changed.between(both.older, both.newer, SIZE).stretches) == []


@pytest.mark.parametrize("place", ["xfs", "btrfs", "btrfs-compressed"], indirect=True)
def test_another_part_of_one_extent_is_another(place: Place) -> None:
    """Of a compressed one FIEMAP tells the place of the whole, whichever part of it the file holds."""
    with images(place) as both:
        os.pwrite(both.newer, b"a" * (1 << 16) + b"b" * (1 << 16), 0)
        os.fsync(both.newer)
        both.take()
        _share(both.newer, 1 << 16, 0, 1 << 16)
        assert both.check()[0].changed


MOVES: dict[str, Callable[[str], object]] = {
    "defragment": lambda path: run("btrfs", "filesystem", "defragment", "-t", "1G", f"{path}/newer"),
    "balance": lambda path: run("btrfs", "balance", "start", "--full-balance", path),
    "fsr": lambda path: run("xfs_fsr", f"{path}/newer"),
}


@pytest.mark.parametrize(
    ("place", "move"),
    [("xfs", "fsr"), *((kind, move) for kind in ("btrfs", "btrfs-compressed") for move in ("defragment", "balance"))],
    indirect=["place"],
)
def test_what_moves_about_is_told_right(place: Place, move: str) -> None:
    with images(place) as both:
        _scattered(both.newer)
        both.take()
        for start in range(0, SIZE, 1 << 15):
            os.pwrite(both.newer, os.urandom(100), start + 77)
            os.fsync(both.newer)
        MOVES[move](place.path)
        both.check()


@pytest.mark.parametrize("place", ["xfs", "btrfs"], indirect=True)
def test_what_moves_while_it_is_looked_at_counts_as_changed(place: Place) -> None:
    """The older one's place is the newer one's next, and nothing shows that but the older one's extents."""

    class Moving(Linux):
        asked = 0

        def extents(self, fd: int, start: int, most: int) -> list[Extent]:
            self.asked += 1
            return [Extent(0, BLOCK, BLOCK if fd != both.older or self.asked < 3 else 9 * BLOCK)]

    with images(place) as both:
        os.truncate(both.newer, BLOCK)
        assert list(changed.between(both.older, both.newer, 0, Moving()).stretches) == [Stretch(0, BLOCK, changed=True)]


def test_thousands_of_extents_are_asked_for_in_parts(place: Place) -> None:
    with images(place) as both:
        os.truncate(both.newer, 64 * MIB)
        for start in range(0, 64 * MIB, 2 * BLOCK):
            os.pwrite(both.newer, start.to_bytes(8), start)
        both.take()
        os.pwrite(both.newer, b"new", 60 * MIB)
        told = both.check()
        assert sum(each.end - each.start for each in told if each.changed) == BLOCK


def test_an_image_on_another_file_system_is_read(place: Place, scratch: str) -> None:
    """A place on one disk says nothing of another."""
    with images(place) as both:
        os.pwrite(both.newer, b"x" * BLOCK, 0)
        other = os.open(f"{scratch}/other", os.O_RDWR | os.O_CREAT)
        try:
            os.pwrite(other, b"x" * BLOCK, 0)
            os.truncate(other, SIZE)
            assert list(changed.between(other, both.newer).stretches) == [Stretch(0, SIZE, changed=False)]
        finally:
            os.close(other)


def test_what_only_one_of_them_has_is_counted(place: Place) -> None:
    """A btrfs shares or does not share what was written at once, as a whole."""
    with images(place) as both:
        _scattered(both.newer)
        both.take()
        before = usage.of_still_image(both.older)
        assert before.own == (before.real if place.kind == "ext4" else 0)
        os.pwrite(both.newer, os.urandom(BLOCK), 5 * BLOCK)
        os.fsync(both.newer)
        after = usage.of_still_image(both.older)
        assert after.own == {"ext4": before.real, "xfs": BLOCK}.get(place.kind, 0)
        os.truncate(both.newer, 0)
        os.fsync(both.newer)
        alone = usage.of_still_image(both.older)
        assert alone.own == alone.real > 0


def test_whether_blocks_are_shared_there_is_known(place: Place) -> None:
    with images(place) as both:
        by = "bytes" if place.kind == "ext4" else "extents"
        assert changed.between(both.older, both.newer).by == by
