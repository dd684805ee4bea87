"""A removal never reaches what lies behind a mount, of whatever kind."""

import os
from collections.abc import Callable

import pytest

from holdfast.host import trees
from holdfast.host.trees import Removal
from holdfast.model.errors import InUse
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import bind, eventually, opened, tmpfs, unmount
from tests.host.sickfs import sick


def tree(scratch: str) -> str:
    """Some entries at several levels."""
    for name in ("a/b/c", "m", "z"):
        os.makedirs(f"{scratch}/tree/{name}")
    for name in ("a/one", "a/b/two", "z/three"):
        with open(f"{scratch}/tree/{name}", "w") as file:
            file.write(name)
    return f"{scratch}/tree"


def listing(path: str) -> list[str]:
    return sorted(os.path.join(at, name) for at, dirs, files in os.walk(path) for name in dirs + files)


def test_a_tree_without_mounts_is_removed_whole(runtime: ThreadRuntime, scratch: str) -> None:
    path = tree(scratch)
    assert trees.remove(runtime, path) == 9
    assert os.listdir(scratch) == []


def test_a_tmpfs_below_is_refused_and_nothing_is_removed(runtime: ThreadRuntime, scratch: str) -> None:
    path = tree(scratch)
    tmpfs(f"{path}/m")
    try:
        before = listing(path)
        with pytest.raises(InUse, match="1 in all"):
            trees.remove(runtime, path)
        assert listing(path) == before
    finally:
        unmount(f"{path}/m")


def test_a_bind_mount_of_the_same_file_system_is_refused(runtime: ThreadRuntime, scratch: str) -> None:
    path = tree(scratch)
    os.mkdir(f"{scratch}/data")
    with open(f"{scratch}/data/precious", "w") as file:
        file.write("x")
    bind(f"{scratch}/data", f"{path}/a/b/c")
    try:
        before = listing(path)
        with pytest.raises(InUse):
            trees.remove(runtime, path)
        assert listing(path) == before
        assert os.listdir(f"{scratch}/data") == ["precious"]
    finally:
        unmount(f"{path}/a/b/c")


def test_a_file_that_is_bind_mounted_is_refused(runtime: ThreadRuntime, scratch: str) -> None:
    path = tree(scratch)
    with open(f"{scratch}/precious", "w") as file:
        file.write("x")
    bind(f"{scratch}/precious", f"{path}/a/one")
    try:
        before = listing(path)
        with pytest.raises(InUse):
            trees.remove(runtime, path)
        with pytest.raises(InUse):
            trees.remove(runtime, f"{path}/a/one")
        assert listing(path) == before
    finally:
        unmount(f"{path}/a/one")


def test_a_fuse_mount_below_is_refused_even_when_its_server_is_dead(runtime: ThreadRuntime, scratch: str) -> None:
    path = tree(scratch)
    with sick(f"{path}/m", size=4096) as store:
        before = listing(f"{path}/a")
        with pytest.raises(InUse):
            trees.remove(runtime, path)
        store.kill()
        with pytest.raises(InUse):
            trees.remove(runtime, path)
        assert listing(f"{path}/a") == before


def test_a_tree_that_is_a_mount_point_itself_is_refused(runtime: ThreadRuntime, scratch: str) -> None:
    path = tmpfs(f"{scratch}/tree")
    try:
        with pytest.raises(InUse):
            trees.remove(runtime, path)
    finally:
        unmount(path)


Appear = Callable[[str, str], str]


def on_directory(scratch: str, path: str) -> str:
    bind(f"{scratch}/data", f"{path}/last")
    return f"{path}/last"


def on_file(scratch: str, path: str) -> str:
    bind(f"{scratch}/data/precious", f"{path}/file")
    return f"{path}/file"


def on_the_tree(scratch: str, path: str) -> str:
    bind(f"{scratch}/data", path)
    return path


@pytest.mark.parametrize("appear", [on_directory, on_file, on_the_tree])
def test_a_mount_that_appears_during_the_walk_is_not_entered(
    runtime: ThreadRuntime, scratch: str, appear: Appear
) -> None:
    path = f"{scratch}/tree"
    os.makedirs(f"{path}/last/below")
    os.mkdir(f"{scratch}/data")
    for name in ("tree/file", "data/precious"):
        with open(f"{scratch}/{name}", "w") as file:
            file.write(name)
    mounted: list[str] = []

    def spent() -> bool:  # asked first after the mount table was found empty
        if not mounted:
            mounted.append(appear(scratch, path))
        return False

    try:
        with opened(scratch, os.O_RDONLY) as parent, pytest.raises(InUse):
            Removal(runtime, spent).run(parent, "tree")
        with open(f"{scratch}/data/precious") as file:
            assert file.read() == "data/precious"
    finally:
        for at in mounted:
            unmount(at)
    assert trees.remove(runtime, path)


def test_a_mount_that_appears_between_the_look_and_the_first_removal_is_not_entered(
    runtime: ThreadRuntime, scratch: str
) -> None:
    path = f"{scratch}/tree"
    os.makedirs(f"{path}/only")
    os.mkdir(f"{scratch}/data")
    with open(f"{scratch}/data/precious", "w") as file:
        file.write("x")

    def hook(name: str) -> None:
        if name == "tree.remove.before":
            runtime.hook = None
            bind(f"{scratch}/data", f"{path}/only")

    runtime.hook = hook
    try:
        with pytest.raises(InUse):
            trees.remove(runtime, path)
        assert os.listdir(f"{scratch}/data") == ["precious"]
    finally:
        assert eventually(lambda: runtime.hook is None)
        unmount(f"{path}/only")
