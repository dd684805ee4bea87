"""A read that fails is Unknown, wherever it fails: nothing is formatted, or called damaged or blank."""

import errno
import os

import pytest

from holdfast.host import formats, signatures
from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Again
from holdfast.model.observations import Unknown
from holdfast.model.resources import Formatted
from tests.host.parts import MIB, UUID, Keeper, attached, digest, opened
from tests.host.sickfs import Sick, sick

# No place of one file system is also a place of another at this size.
SIZE = 200 * MIB
# Where a read fails: (from, to) in bytes.
PLACES = {
    "head": (0, 512),
    "gpt": (512, 1024),
    "btrfs": (0x10000, 0x11000),
    "ext4-backup": (8 * MIB + 1024, 8 * MIB + 2048),
    "ext4-backup-of-group-3": (24 * MIB + 1024, 24 * MIB + 2048),
    "xfs-second-group": (SIZE // 4, SIZE // 4 + 512),
    "btrfs-mirror": (64 * MIB, 64 * MIB + 4096),
    "tail": (SIZE - 512, SIZE),
    "everywhere": (0, SIZE),
}
RECORDS: tuple[Formatted, ...] = ("never", "formatting", "formatted")


def assert_unknown(children: ForkServerChildren, fd: int, store: Sick) -> None:
    before, keeper = digest(store.backing), Keeper()
    assert isinstance(signatures.probe(fd), Unknown)
    for record in RECORDS:
        with pytest.raises(Again, match="Nothing was written"):
            formats.make(children, keeper, fd, "ext4", UUID, record)
    with pytest.raises(Again, match="cannot be read"):
        formats.check(fd, "ext4", UUID)
    assert keeper.started == []
    assert digest(store.backing) == before


@pytest.mark.parametrize("number", [errno.EIO, errno.ENODATA], ids=["EIO", "ENODATA"])
@pytest.mark.parametrize("place", PLACES)
def test_a_file_whose_read_fails_is_unknown(
    children: ForkServerChildren, scratch: str, place: str, number: int
) -> None:
    with sick(f"{scratch}/store", SIZE) as store:
        store.fail(number, PLACES[place])
        with opened(store.disk) as fd:
            assert_unknown(children, fd, store)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENODATA], ids=["EIO", "ENODATA"])
@pytest.mark.parametrize("place", PLACES)
def test_a_device_whose_read_fails_is_unknown(
    children: ForkServerChildren, scratch: str, place: str, number: int
) -> None:
    with sick(f"{scratch}/store", SIZE) as store:
        store.fail(number, PLACES[place])
        with attached(store.disk) as device, opened(device) as fd:
            assert_unknown(children, fd, store)


def test_the_same_disk_is_formatted_once_its_reads_succeed(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    """The control: it is the failing read, not the store, that made it Unknown."""
    with sick(f"{scratch}/store", SIZE) as store:
        store.fail(errno.EIO, PLACES["ext4-backup"])
        with opened(store.disk) as fd:
            assert_unknown(children, fd, store)
            store.fail(errno.EIO)
            formats.make(children, keeper, fd, "ext4", UUID, "never")
            formats.check(fd, "ext4", UUID)
            store.fail(errno.EIO, PLACES["head"])
            with pytest.raises(Again, match="cannot be read"):
                formats.check(fd, "ext4", UUID)


@pytest.mark.parametrize("over", ["file", "loop"])
def test_a_disk_whose_server_was_killed_and_started_again_is_unknown_on_the_old_descriptor(
    children: ForkServerChildren, keeper: Keeper, scratch: str, over: str
) -> None:
    with sick(f"{scratch}/store", SIZE) as store:
        if over == "loop":
            with attached(store.disk) as device, opened(device) as fd:
                kill_and_restart(children, fd, store)
        else:
            with opened(store.disk) as fd:
                kill_and_restart(children, fd, store)
        with opened(store.disk) as fd:  # looked at afresh it is what it was
            formats.make(children, keeper, fd, "ext4", UUID, "never")


def kill_and_restart(children: ForkServerChildren, fd: int, store: Sick) -> None:
    """Between the look and the format; what the look left in the cache is dropped, as under pressure."""
    before, keeper = digest(store.backing), Keeper()
    formats.guard(fd, "never")
    expected = formats.identity(fd)
    with opened(store.disk) as file:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    store.kill()
    with pytest.raises(Again, match="Nothing was written"):
        formats.make(children, keeper, fd, "ext4", UUID, "never", expected)
    store.restart()
    with pytest.raises(Again, match="Nothing was written"):
        formats.make(children, keeper, fd, "ext4", UUID, "never", expected)
    assert keeper.started == []
    assert digest(store.backing) == before
