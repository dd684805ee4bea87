"""A machine that misbehaves: tools killed or missing, a damaged database, a full disk below the state."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.model.errors import HoldfastError, NoSpace, Unavailable
from holdfast.model.resources import FileSystem
from tests.daemon import Disk, RealDaemon, checksums, fill, mounts_below, real_daemon, wait_until
from tests.lingering import loops_below
from tests.needs import need, need_root

TOOLS = ("mkfs.ext4", "mkfs.btrfs", "mkfs.xfs")


@pytest.fixture
def tools(place: Path) -> Path:
    """A directory for HOLDFAST_PATH with links to the real tools."""
    for tool in TOOLS:
        (place / tool).symlink_to(need(tool))
    return place


@pytest.fixture
def daemon_with_tools(tools: Path) -> Iterator[RealDaemon]:
    """Its children find only what is in `tools`."""
    need_root()
    with real_daemon({"HOLDFAST_PATH": str(tools)}) as daemon:
        yield daemon


def _killed(tools: Path, times: int) -> None:
    """Make mkfs.ext4 die by SIGKILL after it wrote its file system, `times` times."""
    real, count = need("mkfs.ext4"), tools / "count"
    (tools / "mkfs.ext4").unlink()
    (tools / "mkfs.ext4").write_text(
        f'#!/bin/sh\n"{real}" "$@"\nexport PATH=/usr/bin:/bin\necho x >> {count}\n'
        f"if [ $(wc -l < {count}) -le {times} ]; then kill -9 $$; fi\n"
    )
    (tools / "mkfs.ext4").chmod(0o755)


def _nothing_left(daemon: RealDaemon) -> None:
    client = daemon.client()
    assert list(client.volumes("p")) == []
    assert os.listdir(daemon.pool / "volumes") == []
    assert loops_below(daemon.root) == []
    assert client.status().unfinished == 0
    assert client.audit() == []


def test_after_a_killed_mkfs_another_attempt_makes_the_volume_anew(daemon_with_tools: RealDaemon, tools: Path) -> None:
    daemon, client = daemon_with_tools, daemon_with_tools.with_pool()
    _killed(tools, 2)
    view = client.create_volume("p", "v", "4MiB", "filesystem", "ext4", wait=30)
    view = client.operation(view.id, wait=30)
    assert view.state == "done", view
    assert view.steps[0].attempt == 3
    assert len(os.listdir(daemon.pool / "volumes")) == 1
    assert client.mount("p", "v", str(daemon.mnt)).state == "done"
    assert client.audit() == []


def test_while_mkfs_is_killed_every_time_the_volume_is_parked_and_a_cancel_leaves_nothing(
    daemon_with_tools: RealDaemon, tools: Path
) -> None:
    daemon, client = daemon_with_tools, daemon_with_tools.with_pool()
    _killed(tools, 1000)
    view = client.create_volume("p", "v", "4MiB", "filesystem", "ext4", wait=10)
    assert view.state == "parked", view
    assert "killed by signal 9" in view.reason
    assert not client.volume("p", "v").ready
    assert all(name.startswith(".making.") for name in os.listdir(daemon.pool / "volumes"))
    client.exit(view.id, "cancel")
    assert client.operation(view.id, wait=20).state == "undone"
    _nothing_left(daemon)


def test_a_missing_mkfs_is_named_and_nothing_is_left(daemon_with_tools: RealDaemon, tools: Path) -> None:
    daemon, client = daemon_with_tools, daemon_with_tools.with_pool()
    (tools / "mkfs.xfs").unlink()
    done = daemon.cli("volume", "create", "p/v", "--size", "300MiB", "--content", "filesystem", "--fs", "xfs")
    assert done.returncode == 12
    assert "mkfs.xfs is not installed" in done.stderr
    assert "Install" in done.stderr
    _nothing_left(daemon)
    assert client.create_volume("p", "v", "4MiB", "filesystem", "ext4").state == "done"


@pytest.mark.parametrize(("fs", "size"), [("ext4", "512KiB"), ("xfs", "16MiB"), ("btrfs", "16MiB")])
def test_a_size_too_small_for_its_file_system_is_refused_with_the_least_one(
    daemon: RealDaemon, fs: FileSystem, size: str
) -> None:
    client = daemon.with_pool()
    view = client.create_volume("p", "v", size, "filesystem", fs)
    assert view.state == "undone"
    assert view.error is not None
    assert "at least" in view.error.detail
    _nothing_left(daemon)


# -- the state directory ------------------------------------------------------------------------------


def _mounted(daemon: RealDaemon) -> dict[str, str]:
    """A daemon that has stopped and left a volume with files mounted."""
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    client.mount("p", "v", str(daemon.mnt))
    files = fill(daemon.mnt)
    daemon.stop()
    return files


def _start_fails(daemon: RealDaemon, status: int) -> str:
    daemon.launch()
    assert daemon.ended() == status, daemon.log_tail()
    said = daemon.log_tail().rpartition("error: ")[2]
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("where", ["header", "middle"])
def test_a_damaged_database_is_refused_and_touches_no_volume(daemon: RealDaemon, where: str) -> None:
    files = _mounted(daemon)
    database = daemon.state / "holdfast.db"
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(0 if where == "header" else 4096)
        file.write(b"\xff" * (64 if where == "header" else size - 8192))
    damaged = database.read_bytes()
    said = _start_fails(daemon, 19)
    assert "damaged" in said
    assert "holdfast db backup" in said
    assert database.read_bytes() == damaged
    assert checksums(daemon.mnt) == files
    assert mounts_below(daemon.root) == [str(daemon.mnt)]


def test_a_database_of_a_newer_schema_is_refused_with_what_to_do(daemon: RealDaemon) -> None:
    files = _mounted(daemon)
    with contextlib.closing(sqlite3.connect(daemon.state / "holdfast.db")) as database:
        database.execute("PRAGMA user_version=999")
    assert "newer" in _start_fails(daemon, 18)
    assert checksums(daemon.mnt) == files


def test_a_state_directory_is_not_shared_by_two_daemons(daemon: RealDaemon) -> None:
    daemon.with_pool()
    second = RealDaemon(daemon.root)
    second.run, second.log = daemon.root / "run2", daemon.root / "log2"
    assert "Another holdfast daemon" in _start_fails(second, 20)
    assert daemon.client().status().version


def test_a_living_daemons_socket_is_not_taken(daemon: RealDaemon) -> None:
    daemon.with_pool()
    second = RealDaemon(daemon.root)
    second.state, second.log = daemon.root / "state2", daemon.root / "log2"
    assert "living daemon" in _start_fails(second, 20)
    assert daemon.client().status().version


def test_a_state_directory_that_is_a_file_is_refused(daemon: RealDaemon) -> None:
    daemon.state.write_text("precious")
    assert "is not a directory" in _start_fails(daemon, 2)
    assert daemon.state.read_text() == "precious"


def _fill_disk(path: Path) -> Path:
    ballast = path / "ballast"
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    return ballast


def _create_until_full(client: Client) -> tuple[set[str], NoSpace]:
    acknowledged = set()
    for number in range(3000):
        try:
            if client.create_volume("p", f"v{number}", "1MiB").state == "done":
                acknowledged.add(f"v{number}")
        except NoSpace as error:
            return acknowledged, error
    pytest.fail("the disk did not get full")


def test_a_full_disk_below_the_state_directory_refuses_requests_and_loses_none_that_it_took(
    daemon: RealDaemon,
) -> None:
    disk = Disk(daemon.root, "disk", 8, daemon.state).mount()
    client = daemon.with_pool()
    ballast = _fill_disk(daemon.state)
    acknowledged, error = _create_until_full(client)
    assert error.hint
    assert {volume.name for volume in client.volumes("p") if volume.ready} >= acknowledged
    assert client.status().unfinished == 0
    ballast.unlink()

    def accepted() -> bool:
        with contextlib.suppress(NoSpace):
            return client.create_volume("p", "after", "1MiB").state == "done"
        return False

    wait_until(accepted, "requests are taken again")
    assert {volume.name for volume in client.volumes("p")} >= acknowledged | {"after"}
    assert client.audit() == []
    daemon.stop()
    disk.umount()


def test_a_start_on_a_full_disk_says_so_waits_for_room_and_then_succeeds(daemon: RealDaemon) -> None:
    disk = Disk(daemon.root, "disk", 8, daemon.state).mount()
    ballast = _fill_disk(daemon.state)
    daemon.launch()
    wait_until(lambda: "the start waits for room" in daemon.log_tail(), "it says so")
    assert "full" in daemon.log_tail() or "No space" in daemon.log_tail()
    assert daemon.cli("status").returncode == Unavailable.exit
    ballast.unlink()
    daemon.comes_up()
    daemon.stop()
    disk.umount()


def test_without_a_daemon_the_command_line_says_how_to_start_one(daemon: RealDaemon) -> None:
    done = daemon.cli("status")
    assert done.returncode == Unavailable.exit
    assert "holdfast serve" in done.stderr
    assert issubclass(Unavailable, HoldfastError)


def test_a_daemon_whose_socket_is_taken_makes_nothing(daemon: RealDaemon) -> None:
    daemon.start()
    state, run_ = daemon.root / "other-state", daemon.root / "other-run"
    done = daemon.cli("serve", "--state", state, "--run", run_, "--listen", daemon.address)
    assert done.returncode == 20, done.stderr
    assert "A living daemon serves" in done.stderr
    assert not state.exists()
    assert not run_.exists()
