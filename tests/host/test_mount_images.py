"""File systems in images: mounted through a loop device that nobody has to remember."""

import os
from typing import get_args

import pytest

from holdfast.host import mountpoints, mounttable
from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Damaged, HoldfastError, InUse
from holdfast.model.observations import Absent, ForeignObject, Present
from holdfast.model.resources import FileSystem
from tests.host.parts import (
    MIB,
    UUID,
    Keeper,
    attached,
    bind,
    eventually,
    formatted,
    loops_of,
    opened,
    sparse,
    unmount,
)

FILE_SYSTEMS: tuple[FileSystem, ...] = get_args(FileSystem)


def mount(children: ForkServerChildren, image: str, target: str, fs: FileSystem, *, read_only: bool = False) -> None:
    os.makedirs(target, exist_ok=True)
    with opened(image) as one, opened(target, os.O_PATH) as other:
        children.run(Keeper(), "mount-image", {"fs": fs, "uuid": UUID, "read_only": read_only}, (one, other))


def umount(children: ForkServerChildren, path: str) -> None:
    top = mounttable.top_at(path)
    assert top is not None
    children.run(Keeper(), "umount", {"path": path, "mount": top.id})


@pytest.mark.parametrize("fs", FILE_SYSTEMS)
def test_an_image_is_mounted_proven_ours_and_its_loop_device_goes_with_the_last_unmount(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    image = formatted(children, f"{scratch}/disk", fs)
    one, two = f"{scratch}/one", f"{scratch}/two"
    with opened(image) as fd:
        assert mountpoints.look_image(one, fd, fs) == Absent()
        mount(children, image, one, fs)
        assert isinstance(mountpoints.look_image(one, fd, fs), Present)
    with open(f"{one}/file", "w") as file:
        file.write("kept")
    mount(children, image, two, fs, read_only=True)
    try:
        assert len(loops_of(image)) == 1, "two loop devices would be two caches over one disk"
        with open(f"{two}/file") as file:
            assert file.read() == "kept"
        with pytest.raises(OSError, match="Read-only"):
            os.mkdir(f"{two}/new")
    finally:
        umount(children, one)
        assert len(loops_of(image)) == 1
        umount(children, two)
    assert eventually(lambda: loops_of(image) == [])
    mount(children, image, one, fs)
    with open(f"{one}/file") as file:
        assert file.read() == "kept"
    umount(children, one)
    assert eventually(lambda: loops_of(image) == [])


@pytest.mark.parametrize("fs", FILE_SYSTEMS)
def test_a_read_only_mount_of_an_image_refuses_writes(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    image = formatted(children, f"{scratch}/disk", fs)
    mount(children, image, f"{scratch}/at", fs, read_only=True)
    try:
        with opened(image) as fd:
            look = mountpoints.look_image(f"{scratch}/at", fd, fs)
        assert isinstance(look, Present)
        assert look.facts.read_only
        with pytest.raises(OSError, match="Read-only"):
            os.mkdir(f"{scratch}/at/new")
    finally:
        umount(children, f"{scratch}/at")
    assert eventually(lambda: loops_of(image) == [])


def test_a_busy_image_is_in_use(children: ForkServerChildren, scratch: str) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    mount(children, image, f"{scratch}/at", "ext4")
    with open(f"{scratch}/at/file", "w"), pytest.raises(InUse):
        umount(children, f"{scratch}/at")
    umount(children, f"{scratch}/at")
    assert eventually(lambda: loops_of(image) == [])


@pytest.mark.parametrize("fs", ["xfs", "btrfs"])
def test_an_image_of_another_kind_than_recorded_is_damage_and_nothing_stays_attached(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    with pytest.raises(Damaged, match="does not show"):
        mount(children, image, f"{scratch}/at", fs)
    assert mounttable.below(scratch) == []
    assert eventually(lambda: loops_of(image) == [])


def test_a_blank_image_is_damage_and_is_not_formatted(children: ForkServerChildren, scratch: str) -> None:
    image = sparse(f"{scratch}/disk", 8 * MIB)
    with pytest.raises(Damaged):
        mount(children, image, f"{scratch}/at", "ext4")
    assert os.stat(image).st_blocks == 0
    assert eventually(lambda: loops_of(image) == [])


def test_a_file_system_that_the_kernel_refuses_leaves_nothing_mounted_or_attached(
    children: ForkServerChildren, scratch: str
) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    os.truncate(image, 4 * MIB)  # shorter than its superblock says
    with pytest.raises(HoldfastError, match="ext4"):
        mount(children, image, f"{scratch}/at", "ext4")
    assert mounttable.below(scratch) == []
    assert eventually(lambda: loops_of(image) == [])


@pytest.mark.parametrize("fs", FILE_SYSTEMS)
def test_a_copy_of_the_volume_mounted_at_the_path_is_foreign(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    """Same kind, same uuid, another disk: what backs the loop device decides."""
    image = formatted(children, f"{scratch}/disk", fs)
    copy = formatted(children, f"{scratch}/copy", fs)
    mount(children, copy, f"{scratch}/at", fs)
    try:
        with opened(image) as fd:
            assert isinstance(mountpoints.look_image(f"{scratch}/at", fd, fs), ForeignObject)
    finally:
        umount(children, f"{scratch}/at")
    assert eventually(lambda: loops_of(copy) == [])


def test_a_directory_of_the_volume_bound_at_the_path_is_foreign(children: ForkServerChildren, scratch: str) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    mount(children, image, f"{scratch}/at", "ext4")
    os.mkdir(f"{scratch}/part")
    bind(f"{scratch}/at/lost+found", f"{scratch}/part")
    try:
        with opened(image) as fd:
            assert isinstance(mountpoints.look_image(f"{scratch}/part", fd, "ext4"), ForeignObject)
    finally:
        unmount(f"{scratch}/part")
        umount(children, f"{scratch}/at")
    assert eventually(lambda: loops_of(image) == [])


def test_a_node_is_bound_over_a_file_and_proven_ours(children: ForkServerChildren, scratch: str) -> None:
    image, target = sparse(f"{scratch}/disk", 8 * MIB), sparse(f"{scratch}/node", 0)
    other = sparse(f"{scratch}/other", 8 * MIB)
    with attached(image), opened(image) as one, opened(other) as foreign, opened(target, os.O_PATH) as two:
        children.run(Keeper(), "mount-node", {"read_only": False}, (one, two))
        try:
            assert isinstance(mountpoints.look_image(target, one, None), Present)
            assert isinstance(mountpoints.look_image(target, foreign, None), ForeignObject)
            with opened(target) as node:
                assert os.lseek(node, 0, os.SEEK_END) == 8 * MIB
        finally:
            umount(children, target)
        assert mountpoints.look_image(target, one, None) == Absent()
