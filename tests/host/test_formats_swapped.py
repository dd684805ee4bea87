"""Between the look and the format another disk may have come: the name is no evidence, the descriptor is."""

import os

import pytest

from holdfast.host import formats, loops
from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Again, Foreign
from tests.host.parts import MIB, UUID, Keeper, attached, digest, lacking, opened, run, sparse, write_at


def test_a_file_replaced_by_another_of_the_same_size_is_foreign(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    path = sparse(f"{scratch}/disk", 8 * MIB)
    with opened(path) as fd:
        expected = formats.identity(fd)
    os.rename(sparse(f"{scratch}/other", 8 * MIB), path)
    with opened(path) as fd, pytest.raises(Foreign, match="swapped"):
        formats.make(children, keeper, fd, "ext4", UUID, "never", expected)
    assert keeper.started == []
    assert os.stat(path).st_blocks == 0


def test_a_file_that_was_resized_meanwhile_is_foreign(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    with opened(sparse(f"{scratch}/disk", 8 * MIB)) as fd:
        expected = formats.identity(fd)
        os.ftruncate(fd, 16 * MIB)
        with pytest.raises(Foreign, match="swapped"):
            formats.make(children, keeper, fd, "ext4", UUID, "never", expected)
    assert os.stat(f"{scratch}/disk").st_blocks == 0


def test_another_file_on_the_same_loop_number_is_foreign(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    other = sparse(f"{scratch}/other", 8 * MIB)
    for _ in range(20):  # others on this machine may take the number in between
        with attached(sparse(f"{scratch}/disk", 8 * MIB)) as device, opened(device) as fd:
            expected = formats.identity(fd)
        if run("losetup", device, other, check=False).returncode == 0:
            break
    else:
        lacking("no loop number could be kept")
    try:
        with opened(device) as fd, pytest.raises(Foreign, match="swapped"):
            formats.make(children, keeper, fd, "ext4", UUID, "never", expected)
    finally:
        with opened(other, os.O_RDONLY) as fd:
            assert all(loops.detach(loop) for loop in loops.of_backing(loops.backing_of(fd)))
    assert keeper.started == []
    assert os.stat(other).st_blocks == 0


def test_the_same_device_looked_at_again_is_the_one_expected(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    with attached(sparse(f"{scratch}/disk", 8 * MIB)) as device:
        with opened(device) as fd:
            expected = formats.identity(fd)
        with opened(device) as fd:
            formats.make(children, keeper, fd, "ext4", UUID, "never", expected)


def test_a_disk_written_between_the_look_and_the_format_is_foreign(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    path = sparse(f"{scratch}/disk", 8 * MIB)
    with opened(path) as fd:
        formats.guard(fd, "never")
        write_at(path, 4096, b"data")
        before = digest(path)
        with pytest.raises(Foreign):
            formats.make(children, keeper, fd, "ext4", UUID, "never")
    assert digest(path) == before


def test_a_device_whose_disk_is_gone_is_again_not_too_small(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    path = sparse(f"{scratch}/disk", 8 * MIB)
    with attached(path) as device, opened(device) as fd:
        os.truncate(path, 0)
        run("losetup", "-c", device)
        with pytest.raises(Again, match="size is 0"):
            formats.make(children, keeper, fd, "ext4", UUID, "never")
    assert keeper.started == []


def test_a_node_removed_after_the_look_changes_nothing_for_the_open_descriptor(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    """What is formatted is what was read, even if its name is gone or means another device by then."""
    other = sparse(f"{scratch}/other", 8 * MIB)
    with attached(sparse(f"{scratch}/disk", 8 * MIB)) as device:
        os.mknod(f"{scratch}/node", 0o60600, os.stat(device).st_rdev)
        with opened(f"{scratch}/node") as fd:
            expected = formats.identity(fd)
            os.unlink(f"{scratch}/node")
            os.symlink(other, f"{scratch}/node")
            formats.make(children, keeper, fd, "ext4", UUID, "never", expected)
            formats.check(fd, "ext4", UUID)
    assert os.stat(other).st_blocks == 0


def test_a_missing_node_cannot_even_be_looked_at(scratch: str) -> None:
    with pytest.raises(FileNotFoundError), opened(f"{scratch}/node"):
        pass
    os.mknod(f"{scratch}/node", 0o60600, os.makedev(240, 250))  # a number that no driver has
    with pytest.raises(OSError, match="No such device"), opened(f"{scratch}/node"):
        pass
