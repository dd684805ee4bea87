"""Removal of what is wide, deep, long-named, immutable, or refilled meanwhile."""

import os
from collections.abc import Iterator

import pytest

from holdfast.host import trees
from holdfast.host.trees import Removal
from holdfast.model.errors import Again, Refused
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import opened, run, tmpfs, unmount
from tests.needs import need


@pytest.fixture
def ram(scratch: str) -> Iterator[str]:
    """A tmpfs: making many inodes there takes no time, so that the time is the removal's."""
    path = tmpfs(f"{scratch}/ram", "256m")
    yield path
    unmount(path)


def deep(path: str, levels: int, name: str = "d", beside: str = "") -> None:
    """Directories below each other, whatever the length of their paths; `beside` names a sibling of each."""
    os.mkdir(path)
    fd = os.open(path, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=fd)
        if beside:
            os.mkdir(beside, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(fd)


def test_a_hundred_thousand_entries_are_removed(runtime: ThreadRuntime, ram: str) -> None:
    path = f"{ram}/tree"
    for directory in range(10):
        os.makedirs(f"{path}/{directory}")
        with opened(f"{path}/{directory}", os.O_RDONLY) as fd:
            for number in range(10_000):
                os.mknod(f"entry-{number}", dir_fd=fd)
    assert trees.remove(runtime, path) == 100_011
    assert os.listdir(ram) == []


@pytest.mark.parametrize(("levels", "name"), [(3000, "d"), (200, "n" * 250)])
def test_a_tree_deeper_than_any_path_is_removed(runtime: ThreadRuntime, ram: str, levels: int, name: str) -> None:
    deep(f"{ram}/tree", levels, name)
    assert trees.remove(runtime, f"{ram}/tree") == levels + 1
    assert os.listdir(ram) == []


def test_a_deep_tree_is_removed_in_rounds_that_each_begin_anew(runtime: ThreadRuntime, ram: str) -> None:
    deep(f"{ram}/tree", 500, beside="e")
    rounds = removed = 0
    with opened(ram, os.O_RDONLY) as parent:
        while True:
            left = [150]

            def spent(left: list[int] = left) -> bool:
                left[0] -= 1
                return left[0] < 0

            rounds += 1
            removal = Removal(runtime, spent)
            whole = removal.run(parent, "tree")
            removed += removal.removed
            if whole:
                break
            assert os.path.isdir(f"{ram}/tree")
    assert rounds > 5
    assert removed == 1001
    assert os.listdir(ram) == []


def test_an_immutable_file_is_refused_and_named(runtime: ThreadRuntime, scratch: str) -> None:
    need("chattr")
    os.makedirs(f"{scratch}/tree/below")
    with open(f"{scratch}/tree/below/fixed", "w") as file:
        file.write("x")
    run("chattr", "+i", f"{scratch}/tree/below/fixed")
    try:
        with pytest.raises(Refused, match="below/fixed cannot be removed"):
            trees.remove(runtime, f"{scratch}/tree")
        assert os.path.exists(f"{scratch}/tree/below/fixed")
    finally:
        run("chattr", "-i", f"{scratch}/tree/below/fixed")
    assert trees.remove(runtime, f"{scratch}/tree") == 3


def test_a_directory_refilled_all_the_time_is_again_and_ends(runtime: ThreadRuntime, scratch: str) -> None:
    os.mkdir(f"{scratch}/tree")
    made = [0]

    def refill() -> bool:
        made[0] += 1
        os.mknod(f"{scratch}/tree/{made[0]}")
        return False

    os.mknod(f"{scratch}/tree/0")
    with opened(scratch, os.O_RDONLY) as parent, pytest.raises(Again, match="as fast as"):
        Removal(runtime, refill).run(parent, "tree")
    assert made[0] < 1000
    assert trees.remove(runtime, f"{scratch}/tree") >= 1


def test_a_directory_refilled_just_before_its_own_removal_is_again(runtime: ThreadRuntime, scratch: str) -> None:
    os.mkdir(f"{scratch}/tree")

    def hook(name: str) -> None:
        if name == "tree.remove.before":
            os.mknod(f"{scratch}/tree/late")

    runtime.hook = hook
    with pytest.raises(Again, match="filled again"):
        trees.remove(runtime, f"{scratch}/tree")
    runtime.hook = None
    assert trees.remove(runtime, f"{scratch}/tree") == 2
