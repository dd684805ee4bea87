"""What a tree or an image takes: as du counts it, through no mount and no symlink, and stoppable."""

import os

import pytest

from holdfast.host import usage
from holdfast.host.usage import Usage
from tests.host.parts import MIB, bind, opened, run, sparse, tmpfs, unmount


def of(path: str, most: int = 10**9) -> Usage:
    """After `most` entries it is stopped."""
    left = iter(range(most))
    with opened(path, os.O_RDONLY) as fd:
        before = len(os.listdir("/proc/self/fd"))
        try:
            return usage.of_tree(fd, lambda: next(left, None) is None)
        finally:
            assert len(os.listdir("/proc/self/fd")) == before


def du(path: str) -> int:
    return int(run("du", "-sxB1", path).stdout.split()[0])


def tree(path: str) -> str:
    """Ten files of 10,000 bytes in three directories."""
    for name in ("a/b", "c"):
        os.makedirs(f"{path}/{name}")
    for number in range(10):
        with open(f"{path}/{('a', 'a/b', 'c')[number % 3]}/{number}", "wb") as file:
            file.write(bytes(range(250)) * 40)
    return path


def test_a_tree_takes_what_du_says(scratch: str) -> None:
    found = of(tree(f"{scratch}/tree"))
    assert found == Usage(du(f"{scratch}/tree"), 100_000, 10, complete=True)


def test_a_file_with_many_names_counts_once(scratch: str) -> None:
    before = of(tree(f"{scratch}/tree"))
    for number in range(5):
        os.link(f"{scratch}/tree/a/0", f"{scratch}/tree/c/again{number}")
    assert of(f"{scratch}/tree") == before


def test_a_sparse_file_is_long_and_takes_little(scratch: str) -> None:
    os.mkdir(f"{scratch}/tree")
    image = sparse(f"{scratch}/tree/disk", 100 * MIB)
    found = of(f"{scratch}/tree")
    assert found.apparent == 100 * MIB
    assert found.real < MIB
    with opened(image) as fd:
        assert usage.of_image(fd) == Usage(0, 100 * MIB, 1)
        os.pwrite(fd, b"x" * MIB, 0)
        os.fsync(fd)
        assert MIB <= usage.of_image(fd).real < 2 * MIB


def test_a_symlink_counts_as_itself(scratch: str) -> None:
    large = tree(f"{scratch}/large")
    os.mkdir(f"{scratch}/tree")
    os.symlink(large, f"{scratch}/tree/directory")
    os.symlink(f"{large}/a/0", f"{scratch}/tree/file")
    found = of(f"{scratch}/tree")
    assert (found.files, found.apparent) == (2, len(large) + len(f"{large}/a/0"))


@pytest.mark.parametrize("what", ["tmpfs", "bind", "bound file"])
def test_what_is_mounted_below_is_not_counted(scratch: str, what: str) -> None:
    """Neither another file system's nor the same one's, bound there."""
    path, large = tree(f"{scratch}/tree"), f"{scratch}/large"
    with open(large, "wb") as file:
        file.write(bytes(3 * MIB))
    os.mkdir(f"{path}/point")
    sparse(f"{path}/file", 0)
    before = of(path)
    os.mkdir(f"{scratch}/more")
    run("cp", large, f"{scratch}/more/large")
    at = f"{path}/file" if what == "bound file" else f"{path}/point"
    if what == "tmpfs":
        tmpfs(at)
        run("cp", large, at)
    else:
        bind(large if what == "bound file" else f"{scratch}/more", at)
    try:
        found = of(path)
    finally:
        unmount(at)
    assert found.apparent == before.apparent
    assert before.real - 8192 <= found.real <= before.real, "at most the hidden directory's own block is missing"
    assert of(path) == before


def test_the_top_may_be_a_mount_itself(scratch: str) -> None:
    tree(f"{scratch}/tree")
    os.mkdir(f"{scratch}/at")
    bind(f"{scratch}/tree", f"{scratch}/at")
    try:
        assert of(f"{scratch}/at") == of(f"{scratch}/tree")
    finally:
        unmount(f"{scratch}/at")


def test_a_look_that_is_stopped_says_what_it_saw_until_then(scratch: str) -> None:
    tree(f"{scratch}/tree")
    found = of(f"{scratch}/tree", most=4)
    assert not found.complete
    assert found.files < 10
    assert of(f"{scratch}/tree").complete


def test_a_tree_deeper_than_any_path_is_counted_whole(scratch: str) -> None:
    name, depth = "d" * 100, 300
    os.mkdir(f"{scratch}/tree")
    fd = os.open(f"{scratch}/tree", os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=fd)
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open("bottom", os.O_WRONLY | os.O_CREAT, dir_fd=fd))
    os.truncate(f"/proc/self/fd/{fd}/bottom", 12345)
    os.close(fd)
    found = of(f"{scratch}/tree")
    assert (found.files, found.apparent, found.complete) == (1, 12345, True)


def test_what_goes_while_it_is_looked_at_is_no_error(scratch: str) -> None:
    tree(f"{scratch}/tree")
    seen = []

    def until() -> bool:
        seen.append(1)
        if len(seen) == 2:
            run("rm", "-rf", f"{scratch}/tree/a", f"{scratch}/tree/c")
        return False

    with opened(f"{scratch}/tree", os.O_RDONLY) as fd:
        assert usage.of_tree(fd, until).complete
