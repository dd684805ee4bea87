"""Every drill passes on every file system, and touches nothing that it did not make."""

import contextlib
import os
import pathlib

import pytest

from tests.conformance.dir_harness import mounted
from tests.daemon import checksums, fill, real_daemon, scratch
from tests.drills.place import NAMES, drill, left, tools
from tests.needs import need

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))

pytestmark = pytest.mark.root


@pytest.mark.parametrize("fs", ["ext4", "xfs", "btrfs"] if PROOF else ["ext4"])
def test_all_drills_pass_and_nothing_is_left_of_them(fs: str) -> None:
    tools()
    need(f"mkfs.{fs}")
    with scratch() as root, mounted(fs, root / "disk") as disk:
        place, neighbour = disk / "place", disk / "neighbour"
        place.mkdir()
        neighbour.mkdir()
        precious = fill(neighbour)
        before = set(disk.iterdir())
        done = drill(root / "tmp", "run", "--all", "--set", f"source={place}", "-o", "json")
        assert done.status == 0, [report for report in done.reports if report["result"] != "passed"]
        assert [(report["drill"], report["result"]) for report in done.reports] == [(name, "passed") for name in NAMES]
        assert all(row["passed"] and row["did"] and row["found"] for report in done.reports for row in report["rows"])
        assert left(root) == [f"/dev/{name}" for name in _own_loop(root)]
        assert (list(place.iterdir()), set(disk.iterdir()), checksums(neighbour)) == ([], before, precious)


def _own_loop(root: pathlib.Path) -> list[str]:
    """The loop device of the test's own disk."""
    image = f"{root}/disk/image"
    found = []
    for node in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):  # another test's, gone meanwhile
            found += [node.parts[3]] if node.read_text().rstrip("\n") == image else []
    return found


def test_a_whole_disk_is_a_place_too_and_keeps_what_mkfs_put_there() -> None:
    tools()
    with scratch() as root, mounted("ext4", root / "disk") as disk:
        done = drill(root / "tmp", "run", "longhorn-14042", "--set", f"source={disk}")
        assert (done.status, os.listdir(disk)) == (0, ["lost+found"]), done


def test_without_a_place_it_makes_one_and_people_get_a_story_and_a_table() -> None:
    tools()
    with scratch() as root:
        done = drill(root / "tmp", "run", "lxd-12624")
        assert (done.status, done.err, left(root)) == (0, "", [])
        first, *story, empty, head = done.out.splitlines()[:5]
        assert first == "lxd-12624  canonical/lxd#12624"
        assert len(story) == 2
        assert empty == ""
        assert head.split("  ")[0] == "BROKEN ON PURPOSE"
        assert done.out.splitlines()[-1] == "passed"


def test_the_daemon_that_runs_here_sees_nothing_of_it() -> None:
    tools()
    with real_daemon() as daemon, scratch() as root:
        client = daemon.with_pool()
        client.create_volume("p", "v", "8MiB", "filesystem", "ext4")
        client.mount("p", "v", str(daemon.mnt))
        precious = fill(daemon.mnt)
        operations = len(client.operations())
        assert drill(root / "tmp", "run", "longhorn-10416").status == 0
        assert not client.audit()
        assert len(client.operations()) == operations
        assert checksums(daemon.mnt) == precious


def test_the_list_names_each_with_a_line() -> None:
    with scratch() as root:
        lines = drill(root / "tmp", "list").out.splitlines()
        assert [line.split()[0] for line in lines] == ["NAME", *NAMES]
        assert [found["name"] for found in drill(root / "tmp", "list", "-o", "json").reports] == NAMES
