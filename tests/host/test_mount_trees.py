"""Directory volumes: bound, read-only where asked, and taken away again."""

import os

import pytest

from holdfast.host import mountpoints, mounttable
from holdfast.host.children import ForkServerChildren
from holdfast.host.mountpoints import MountFacts
from holdfast.model.errors import Again, InUse
from holdfast.model.observations import Absent, ForeignObject, Present
from tests.host.parts import Keeper, eventually, opened, tmpfs, unmount


def places(scratch: str) -> tuple[str, str]:
    source, target = f"{scratch}/source", f"{scratch}/target"
    os.mkdir(source)
    os.mkdir(target)
    with open(f"{source}/file", "w") as file:
        file.write("x")
    return source, target


def mount(children: ForkServerChildren, source: str, target: str, *, read_only: bool = False) -> None:
    with opened(source, os.O_RDONLY) as one, opened(target, os.O_PATH) as other:
        children.run(Keeper(), "mount-tree", {"read_only": read_only}, (one, other))


def umount(children: ForkServerChildren, path: str) -> None:
    top = mounttable.top_at(path)
    assert top is not None
    children.run(Keeper(), "umount", {"path": path, "mount": top.id})


def test_a_bound_directory_is_seen_proven_ours_and_taken_away(children: ForkServerChildren, scratch: str) -> None:
    source, target = places(scratch)
    with opened(source, os.O_RDONLY) as fd:
        assert mountpoints.look_tree(target, fd) == Absent()
        mount(children, source, target)
        look = mountpoints.look_tree(target, fd)
        assert isinstance(look, Present)
        assert not look.facts.read_only
    with open(f"{target}/new", "w") as file:
        file.write("x")
    assert sorted(os.listdir(source)) == ["file", "new"]
    umount(children, target)
    assert mounttable.below(scratch) == []
    assert os.listdir(target) == []


def test_a_read_only_mount_refuses_writes_and_its_source_does_not(children: ForkServerChildren, scratch: str) -> None:
    source, target = places(scratch)
    mount(children, source, target, read_only=True)
    try:
        with opened(source, os.O_RDONLY) as fd:
            top = mounttable.top_at(target)
            assert top is not None
            assert mountpoints.look_tree(target, fd) == Present(MountFacts(top.id, True, top.flags))
        for path in ("new", "file"):
            with pytest.raises(OSError, match="Read-only"):
                os.open(f"{target}/{path}", os.O_WRONLY | os.O_CREAT)
        with pytest.raises(OSError, match="Read-only"):
            os.mkdir(f"{target}/directory")
        with open(f"{source}/still", "w") as file:
            file.write("x")
    finally:
        umount(children, target)


def test_what_is_mounted_below_a_volume_does_not_reach_the_pool(children: ForkServerChildren, scratch: str) -> None:
    source, target = places(scratch)
    os.mkdir(f"{source}/below")
    mount(children, source, target)
    try:
        tmpfs(f"{target}/below")
        assert mounttable.top_at(f"{source}/below") is None
        unmount(f"{target}/below")
    finally:
        umount(children, target)


def test_a_mount_below_the_source_is_not_bound_along(children: ForkServerChildren, scratch: str) -> None:
    source, target = places(scratch)
    tmpfs(f"{source}/below")
    try:
        mount(children, source, target)
        assert mounttable.top_at(f"{target}/below") is None
        umount(children, target)
    finally:
        unmount(f"{source}/below")


def test_a_busy_mount_is_in_use_and_stays_whole(children: ForkServerChildren, scratch: str) -> None:
    source, target = places(scratch)
    mount(children, source, target)
    with open(f"{target}/file") as held:
        with pytest.raises(InUse):
            umount(children, target)
        assert held.read() == "x"
        assert os.listdir(target) == ["file"]
    assert eventually(lambda: umount(children, target) is None)  # type: ignore[func-returns-value]


def test_a_mount_with_another_below_it_is_in_use(children: ForkServerChildren, scratch: str) -> None:
    source, target = places(scratch)
    os.mkdir(f"{source}/below")
    mount(children, source, target)
    tmpfs(f"{target}/below")
    try:
        with pytest.raises(InUse):
            umount(children, target)
    finally:
        unmount(f"{target}/below")
        umount(children, target)


def test_something_else_mounted_at_the_path_is_foreign(children: ForkServerChildren, scratch: str) -> None:
    source, target = places(scratch)
    tmpfs(target)
    try:
        with opened(source, os.O_RDONLY) as fd:
            look = mountpoints.look_tree(target, fd)
        assert isinstance(look, ForeignObject)
        assert "holdfast-test" in look.evidence
    finally:
        unmount(target)


def test_a_mount_covered_by_anothers_is_foreign_and_is_not_unmounted_by_its_id(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    source, target = places(scratch)
    mount(children, source, target)
    ours = mounttable.top_at(target)
    assert ours is not None
    tmpfs(target)
    try:
        with opened(source, os.O_RDONLY) as fd:
            assert isinstance(mountpoints.look_tree(target, fd), ForeignObject)
        with pytest.raises(Again):
            children.run(keeper, "umount", {"path": target, "mount": ours.id})
        assert len(mounttable.below(target)) == 2
    finally:
        unmount(target)
        umount(children, target)


def test_an_unmount_of_what_is_gone_is_no_error(children: ForkServerChildren, keeper: Keeper, scratch: str) -> None:
    children.run(keeper, "umount", {"path": scratch, "mount": 1})


def test_a_target_that_was_renamed_takes_the_mount_along(children: ForkServerChildren, scratch: str) -> None:
    """The mount goes to the directory that was opened and checked, not to whatever has its name by then."""
    source, target = places(scratch)
    with opened(source, os.O_RDONLY) as one, opened(target, os.O_PATH) as other:
        os.rename(target, f"{scratch}/renamed")
        os.mkdir(target)
        children.run(Keeper(), "mount-tree", {"read_only": False}, (one, other))
    try:
        assert mounttable.top_at(target) is None
        assert os.listdir(f"{scratch}/renamed") == ["file"]
    finally:
        umount(children, f"{scratch}/renamed")
