"""Where nothing may be mounted: each bad path is refused with what to do instead."""

import os

import pytest

from holdfast.host import mountpoints
from holdfast.model.errors import Exists, HoldfastError, Invalid, Refused
from tests.host.parts import sparse, tmpfs, unmount


def test_an_empty_directory_or_for_a_block_volume_an_empty_file_is_accepted(scratch: str) -> None:
    os.mkdir(f"{scratch}/at")
    sparse(f"{scratch}/file", 0)
    mountpoints.check(f"{scratch}/at", directory=True, private=("/run/x",))
    mountpoints.check(f"{scratch}/file", directory=False, private=("/run/x",))


@pytest.mark.parametrize(
    ("make", "directory", "error", "says"),
    [
        ("missing", True, Invalid, "mkdir -p"),
        ("missing", False, Invalid, "touch"),
        ("missing/deeper", True, Invalid, "mkdir -p"),
        ("file", True, Invalid, "not a directory"),
        ("file/below", True, Invalid, "Not a directory"),
        ("link", True, Invalid, "not a directory"),
        ("full", True, Refused, "not empty"),
        ("empty", False, Invalid, "not an empty file"),
        ("file", False, Invalid, "not an empty file"),
        ("n" * 300, True, Invalid, "too long"),
    ],
)
def test_a_bad_path_is_refused_before_anything_is_made(
    scratch: str, make: str, directory: bool, error: type[HoldfastError], says: str
) -> None:
    os.makedirs(f"{scratch}/full/entry")
    os.mkdir(f"{scratch}/empty")
    os.symlink("empty", f"{scratch}/link")
    sparse(f"{scratch}/file", 1)
    with pytest.raises(error) as caught:
        mountpoints.check(f"{scratch}/{make}", directory=directory, private=())
    assert says in f"{caught.value.detail} {caught.value.hint}"


def test_a_path_that_is_a_mount_already_is_taken(scratch: str) -> None:
    tmpfs(f"{scratch}/at")
    try:
        with pytest.raises(Exists, match="tmpfs from holdfast-test"):
            mountpoints.check(f"{scratch}/at", directory=True, private=())
    finally:
        unmount(f"{scratch}/at")


@pytest.mark.parametrize("below", ["", "/below", "/below/deeper"])
def test_nothing_is_mounted_inside_the_daemons_own_directories(scratch: str, below: str) -> None:
    os.makedirs(f"{scratch}/state/below/deeper")
    with pytest.raises(Invalid, match="own directory"):
        mountpoints.check(f"{scratch}/state{below}", directory=True, private=("/x", f"{scratch}/state"))


def test_a_directory_that_only_begins_like_a_private_one_is_accepted(scratch: str) -> None:
    os.mkdir(f"{scratch}/state-of-art")
    mountpoints.check(f"{scratch}/state-of-art", directory=True, private=(f"{scratch}/state",))


def test_a_symlink_into_a_private_directory_is_seen_through(scratch: str) -> None:
    os.makedirs(f"{scratch}/state/below")
    os.symlink(f"{scratch}/state", f"{scratch}/alias")
    path = mountpoints.canonical(f"{scratch}/alias/below")
    with pytest.raises(Invalid, match="own directory"):
        mountpoints.check(path, directory=True, private=(f"{scratch}/state",))


@pytest.mark.parametrize(
    "path", ["", "relative", "./here", "/new\nline", "/tab\t", "/nul\0", "/del\x7f", "/" + "a/" * 2100]
)
def test_a_path_that_is_not_absolute_or_not_sane_is_invalid(path: str) -> None:
    with pytest.raises(Invalid):
        mountpoints.canonical(path)
