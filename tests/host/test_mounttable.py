"""The kernel's table is read as it is written: escapes, unicode, and who lies on whom."""

import os

import pytest

from holdfast.host import mountinfo, mounttable
from holdfast.host.facts import Mount
from tests.host.parts import run, tmpfs, unmount

LINE = r"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue"


def test_a_line_with_optional_fields_is_read() -> None:
    assert mountinfo.parse(LINE) == [
        Mount(36, (98, 0), "/mnt1", "/mnt2", False, "ext3", "/dev/root", 35, ("rw", "noatime"))
    ]


def test_a_line_without_optional_fields_and_with_a_dash_in_its_paths_is_read() -> None:
    found = mountinfo.parse("36 35 98:0 / /a - ro - tmpfs - rw".replace("/a -", "/a-b"))
    assert found == [Mount(36, (98, 0), "/", "/a-b", True, "tmpfs", "-", 35, ("ro",))]


def test_read_only_is_the_mounts_own_flag_not_the_file_systems() -> None:
    assert not mountinfo.parse("1 0 8:1 / /a rw,relatime - ext4 /dev/a ro")[0].read_only
    assert mountinfo.parse("1 0 8:1 / /a ro,relatime - ext4 /dev/a rw")[0].read_only


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "tab\there",
        "new\nline",
        "back\\slash",
        "\\040",
        "hash#",
        "Größe-日本",
        "архив",  # it has the byte 0x85, a line's end in Unicode
        "form\x0cfeed",
        "\udcff-not-utf8",
        "a - b",
    ],
)
def test_a_mount_at_a_strange_path_is_found_there(scratch: str, name: str) -> None:
    path = f"{scratch}/{name}"
    tmpfs(path)
    try:
        top = mounttable.top_at(path)
        assert top is not None
        assert (top.path, top.fs, top.source) == (path, "tmpfs", "holdfast-test")
        assert mounttable.below(scratch) == [top]
    finally:
        unmount(path)


def test_the_mount_made_last_is_the_one_seen_where_two_are_stacked(scratch: str) -> None:
    tmpfs(scratch)
    tmpfs(scratch)
    try:
        lower, upper = mounttable.below(scratch)
        assert mounttable.top_at(scratch) == upper
        assert upper.parent == lower.id
    finally:
        unmount(scratch)
        unmount(scratch)


def test_a_mount_made_first_and_moved_on_top_is_the_one_seen(scratch: str) -> None:
    run("mount", "-t", "tmpfs", "private", scratch)
    run("mount", "--make-private", scratch)  # a mount on a shared one cannot be moved
    try:
        early, late = tmpfs(f"{scratch}/early"), tmpfs(f"{scratch}/late")
        os.mkdir(f"{early}/mark")
        run("mount", "--move", early, late)
        top = mounttable.top_at(late)
        assert os.listdir(late) == ["mark"]
        assert top is not None
        info = os.stat(late)
        assert top.device == (os.major(info.st_dev), os.minor(info.st_dev))
        unmount(late)
        unmount(late)
    finally:
        unmount(scratch)


def test_a_mount_hidden_by_one_above_it_is_not_seen(scratch: str) -> None:
    os.mkdir(f"{scratch}/outer")
    tmpfs(f"{scratch}/outer/inner")
    tmpfs(f"{scratch}/outer")
    try:
        assert mounttable.top_at(f"{scratch}/outer/inner") is None
        assert len(mounttable.below(scratch)) == 2
    finally:
        unmount(f"{scratch}/outer")
        unmount(f"{scratch}/outer/inner")


def test_below_takes_whole_names_only(scratch: str) -> None:
    os.mkdir(f"{scratch}/vol")
    tmpfs(f"{scratch}/volume")
    try:
        assert mounttable.below(f"{scratch}/vol") == []
        assert not mounttable.is_under(f"{scratch}/volume", f"{scratch}/vol")
        assert mounttable.is_under(f"{scratch}/vol", "/")
    finally:
        unmount(f"{scratch}/volume")


def test_a_table_of_ten_thousand_lines_is_searched_in_no_time() -> None:
    table = [Mount(n, (0, n), "/", f"/m/{n}", False, "tmpfs", "x", 1) for n in range(2, 10_002)]
    assert mounttable.top_at("/m/9999", table) is not None
