"""What cannot be read is neither clean nor damaged, wherever and whenever a read fails."""

import errno
import os

import pytest

from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Again
from holdfast.model.resources import FileSystem
from tests.host.care import check, damaged, sound
from tests.host.parts import MIB, SIZES, digest, opened, run
from tests.host.sickfs import Sick, sick

# Bytes whose reads fail: where each tool stumbles over them, and says so in a status that also means damage.
PLACES: dict[FileSystem, tuple[tuple[int, int], ...]] = {
    "ext4": ((0, 4096), (160 << 10, MIB)),
    "xfs": ((0, 512), (4096, 65536), (75 * MIB, 80 * MIB)),
    "btrfs": ((65536, 69632), (20 * MIB, 120 * MIB)),
}
CASES = [(fs, place) for fs, places in PLACES.items() for place in places]


def forget(path: str) -> None:
    """Drop what is cached, as under pressure."""
    with opened(path, os.O_RDONLY) as fd:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


def stored(store: Sick, image: str) -> str:
    """The image in the store; its digest."""
    run("cp", image, store.backing)
    forget(store.disk)
    return digest(store.backing)


@pytest.mark.parametrize(("fs", "place"), CASES)
def test_a_volume_that_cannot_be_read_is_not_judged(
    children: ForkServerChildren, scratch: str, fs: FileSystem, place: tuple[int, int]
) -> None:
    image = sound(children, f"{scratch}/image", fs)
    with sick(f"{scratch}/store", SIZES[fs]) as store:
        before = stored(store, image)
        store.fail(errno.EIO, place)
        with pytest.raises(Again, match="cannot be read"):
            check(children, store.disk, fs)
        store.fail(errno.EIO)
        forget(store.disk)
        assert check(children, store.disk, fs).outcome == "clean", "the control: it is sound"
        assert digest(store.backing) == before


def test_damage_beside_something_unreadable_is_not_believed_before_all_can_be_read(
    children: ForkServerChildren, scratch: str
) -> None:
    image = damaged(children, f"{scratch}/image", "ext4")
    with sick(f"{scratch}/store", SIZES["ext4"]) as store:
        stored(store, image)
        with opened(store.backing, os.O_RDONLY) as fd:
            last = os.lseek(fd, 0, os.SEEK_END) - 4096
        store.fail(errno.EIO, (last, last + 4096))
        with pytest.raises(Again, match=f"at byte {last}"):
            check(children, store.disk, "ext4")
        store.fail(errno.EIO)
        forget(store.disk)
        assert check(children, store.disk, "ext4").outcome == "damaged"
