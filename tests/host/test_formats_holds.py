"""What holds anything is never formatted, whatever the record says of it, and not a byte of it changes."""

import pytest

from holdfast.host import formats, signatures
from holdfast.host.children import ForkServerChildren
from holdfast.host.signatures import Holds
from holdfast.model.errors import Damaged, Foreign, Refused
from holdfast.model.resources import FileSystem, Formatted
from tests.host.disks import DISKS, make_disk
from tests.host.parts import UUID, Keeper, digest, opened, run
from tests.needs import need

RECORDS: tuple[Formatted, ...] = ("never", "formatting", "formatted")
ALL: tuple[FileSystem, ...] = ("ext4", "xfs", "btrfs")


@pytest.mark.parametrize("disk", DISKS)
def test_a_disk_that_holds_something_is_foreign_and_untouched(
    children: ForkServerChildren, keeper: Keeper, scratch: str, disk: str
) -> None:
    path = f"{scratch}/disk"
    kind = make_disk(children, path, disk)
    before = digest(path)
    with opened(path) as fd:
        found = signatures.probe(fd)
        assert isinstance(found, Holds)
        assert found.kind == kind
        for record in RECORDS:
            with pytest.raises(Foreign, match="never formatted"):
                formats.guard(fd, record)
            for fs in ALL:
                with pytest.raises(Foreign):
                    formats.make(children, keeper, fd, fs, UUID, record)
    assert keeper.started == []
    assert digest(path) == before


@pytest.mark.parametrize("disk", [name for name, (_, kind) in DISKS.items() if kind not in ALL])
def test_a_disk_that_no_longer_shows_its_file_system_is_damage_before_attaching(
    children: ForkServerChildren, scratch: str, disk: str
) -> None:
    path = f"{scratch}/disk"
    make_disk(children, path, disk)
    before = digest(path)
    with opened(path) as fd:
        for fs in ALL:
            with pytest.raises(Damaged, match="left alone"):
                formats.check(fd, fs, UUID)
    assert digest(path) == before


def test_blkid_calls_an_ext4_with_a_zeroed_superblock_unrecognised_where_we_see_data(
    children: ForkServerChildren, scratch: str
) -> None:
    """The control of the table above: the exit status on which others formatted is 2, "nothing there"."""
    need("blkid")
    path = f"{scratch}/disk"
    make_disk(children, path, "ext4-zeroed-64k")
    assert run("blkid", "-p", path, check=False).returncode == 2
    with opened(path) as fd:
        assert isinstance(signatures.probe(fd), Holds)


@pytest.mark.parametrize(("record", "error"), [("formatted", Damaged), ("formatting", Refused)])
def test_zeros_where_the_record_says_otherwise_are_never_formatted(
    children: ForkServerChildren, keeper: Keeper, scratch: str, record: Formatted, error: type[Exception]
) -> None:
    path = f"{scratch}/disk"
    with open(path, "wb") as file:
        file.truncate(300 << 20)
    before = digest(path)
    with opened(path) as fd:
        with pytest.raises(error):
            formats.guard(fd, record)
        for fs in ALL:
            with pytest.raises(error):
                formats.make(children, keeper, fd, fs, UUID, record)
            with pytest.raises(Damaged, match="reads blank"):
                formats.check(fd, fs, UUID)
    assert keeper.started == []
    assert digest(path) == before
