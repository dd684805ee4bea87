"""A removal takes symlinks for what they are: names in the tree."""

import os

import pytest

from holdfast.host import trees
from holdfast.host.trees import Removal
from holdfast.model.errors import Again, NotFound, Refused
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import opened


def outside(scratch: str) -> str:
    os.makedirs(f"{scratch}/outside/deeper")
    with open(f"{scratch}/outside/precious", "w") as file:
        file.write("x")
    return f"{scratch}/outside"


def test_symlinks_to_outside_are_removed_as_links_and_their_targets_are_untouched(
    runtime: ThreadRuntime, scratch: str
) -> None:
    there = outside(scratch)
    os.mkdir(f"{scratch}/tree")
    os.symlink(there, f"{scratch}/tree/directory")
    os.symlink(f"{there}/precious", f"{scratch}/tree/file")
    os.symlink("/nowhere", f"{scratch}/tree/dangling")
    assert trees.remove(runtime, f"{scratch}/tree") == 4
    assert sorted(os.listdir(there)) == ["deeper", "precious"]


def test_symlinks_to_directories_of_the_tree_itself_make_no_loop(runtime: ThreadRuntime, scratch: str) -> None:
    os.makedirs(f"{scratch}/tree/a/b")
    os.symlink("..", f"{scratch}/tree/a/up")
    os.symlink("../..", f"{scratch}/tree/a/b/top")
    os.symlink("b/top/a", f"{scratch}/tree/a/round")
    assert trees.remove(runtime, f"{scratch}/tree") == 6
    assert os.listdir(scratch) == []


def test_a_tree_that_is_a_symlink_is_removed_as_a_link(runtime: ThreadRuntime, scratch: str) -> None:
    there = outside(scratch)
    os.symlink(there, f"{scratch}/tree")
    assert trees.remove(runtime, f"{scratch}/tree") == 1
    assert sorted(os.listdir(there)) == ["deeper", "precious"]


@pytest.mark.parametrize("target", ["outside", "outside/precious", "nowhere"])
def test_a_directory_swapped_for_a_symlink_during_the_walk_is_not_followed(
    runtime: ThreadRuntime, scratch: str, target: str
) -> None:
    there = outside(scratch)
    os.makedirs(f"{scratch}/tree/victim")

    def spent() -> bool:
        if not os.path.islink(f"{scratch}/tree/victim"):
            os.rmdir(f"{scratch}/tree/victim")
            os.symlink(f"{scratch}/{target}", f"{scratch}/tree/victim")
        return False

    with opened(scratch, os.O_RDONLY) as parent, pytest.raises(Again):
        Removal(runtime, spent).run(parent, "tree")
    assert sorted(os.listdir(there)) == ["deeper", "precious"]
    assert trees.remove(runtime, f"{scratch}/tree") == 2


def test_a_file_swapped_for_a_directory_during_the_walk_is_again(runtime: ThreadRuntime, scratch: str) -> None:
    os.mkdir(f"{scratch}/tree")
    with open(f"{scratch}/tree/victim", "w"):
        pass

    def spent() -> bool:
        if os.path.isfile(f"{scratch}/tree/victim"):
            os.unlink(f"{scratch}/tree/victim")
            os.mkdir(f"{scratch}/tree/victim")
        return False

    with opened(scratch, os.O_RDONLY) as parent, pytest.raises(Again):
        Removal(runtime, spent).run(parent, "tree")
    assert trees.remove(runtime, f"{scratch}/tree") == 2


def test_what_does_not_exist_is_said_so_and_the_root_is_never_removed(runtime: ThreadRuntime, scratch: str) -> None:
    with pytest.raises(NotFound):
        trees.remove(runtime, f"{scratch}/tree")
    with pytest.raises(Refused):
        trees.remove(runtime, "/")
