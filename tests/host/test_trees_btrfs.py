"""Subvolumes below a tree are directories of it: removed like them, and refused where they are read-only."""

import os
from collections.abc import Iterator

import pytest

from holdfast.host import trees
from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Refused
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import UUID, Keeper, eventually, formatted, loops_of, opened, run, unmount
from tests.needs import need


@pytest.fixture
def btrfs(children: ForkServerChildren, scratch: str) -> Iterator[str]:
    """A mounted btrfs."""
    need("btrfs")
    image, path = formatted(children, f"{scratch}/disk", "btrfs"), f"{scratch}/btrfs"
    os.mkdir(path)
    with opened(image) as fd, opened(path, os.O_PATH) as target:
        children.run(Keeper(), "mount-image", {"fs": "btrfs", "uuid": UUID, "read_only": False}, (fd, target))
    yield path
    unmount(path)
    assert eventually(lambda: loops_of(image) == [])


def test_nested_subvolumes_are_removed_whole(runtime: ThreadRuntime, btrfs: str) -> None:
    os.mkdir(f"{btrfs}/tree")
    for name in ("tree/a", "tree/a/b", "tree/c"):
        run("btrfs", "subvolume", "create", f"{btrfs}/{name}")
        os.mkdir(f"{btrfs}/{name}/directory")
    assert trees.remove(runtime, f"{btrfs}/tree") == 7
    assert os.listdir(btrfs) == []


def test_deep_subvolumes_with_the_same_inode_number_are_lifted_apart(runtime: ThreadRuntime, btrfs: str) -> None:
    """Each subvolume's root has inode 256: the number alone names none of them."""
    path = f"{btrfs}/tree"
    os.makedirs(path + "/d" * 70)
    for name in ("one", "two"):
        run("btrfs", "subvolume", "create", f"{path}{'/d' * 64}/{name}")
        os.mkdir(f"{path}{'/d' * 64}/{name}/directory")
    assert trees.remove(runtime, path) == 75
    assert os.listdir(btrfs) == []


def test_a_read_only_snapshot_is_refused_and_stays(runtime: ThreadRuntime, btrfs: str) -> None:
    os.mkdir(f"{btrfs}/tree")
    run("btrfs", "subvolume", "create", f"{btrfs}/source")
    os.mkdir(f"{btrfs}/source/kept")
    run("btrfs", "subvolume", "snapshot", "-r", f"{btrfs}/source", f"{btrfs}/tree/snapshot")
    with pytest.raises(Refused, match="Read-only"):
        trees.remove(runtime, f"{btrfs}/tree")
    assert os.listdir(f"{btrfs}/tree/snapshot") == ["kept"]
