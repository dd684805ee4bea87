"""The daemon's own directories are removed or replaced at any moment: no file and no mount is lost."""

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import Content, FileSystem
from tests.daemon import RealDaemon, checksums, fill, mounts_below, run, wait_until
from tests.needs import need

# The exit status of a daemon that noticed that its directory is not its own any more.
LOST = 70
VOLUMES: dict[str, tuple[Content, FileSystem | None]] = {
    "tree": ("directory", None), "fs": ("filesystem", "ext4"), "disk": ("block", None)
}  # fmt: skip


class Cargo:
    """Mounted volumes of every content, and what is in them."""

    def __init__(self, daemon: RealDaemon) -> None:
        need("mkfs.ext4")
        self._daemon = daemon
        client = daemon.with_pool()
        for name, (content, fs) in VOLUMES.items():
            assert client.create_volume("p", name, "4MiB", content, fs).state == "done"
            point = daemon.mnt / name
            if content == "block":
                point.touch()
            else:
                point.mkdir()
            assert client.mount("p", name, str(point)).state == "done"
        fill(daemon.mnt / "tree")
        fill(daemon.mnt / "fs")
        with (daemon.mnt / "disk").open("r+b") as disk:
            disk.write(b"precious" * 512)
            os.fsync(disk.fileno())
        self.mounts = mounts_below(daemon.root)
        self.files = self._read()

    def _read(self) -> dict[str, object]:
        mnt = self._daemon.mnt
        with (mnt / "disk").open("rb") as disk:
            return {"tree": checksums(mnt / "tree"), "fs": checksums(mnt / "fs"), "disk": disk.read(4096)}

    def is_whole(self) -> None:
        """All mounts live, and every file is as it was."""
        assert mounts_below(self._daemon.root) == self.mounts
        assert len(self.mounts) == 3
        assert self._read() == self.files
        assert len(checksums(self._daemon.mnt / "fs")) == 3


def _rm(path: Path) -> None:
    run("rm", "-rf", path)


def _rmtree(path: Path) -> None:
    shutil.rmtree(path)


REMOVALS: dict[str, Callable[[Path], None]] = {"rm": _rm, "rmtree": _rmtree}
removals = pytest.mark.parametrize("remove", REMOVALS.values(), ids=REMOVALS.keys())


def _write(client: Client) -> None:
    """Anything that the daemon would have to record."""
    try:
        view = client.create_volume("p", "late", "1MiB", wait=10)
    except HoldfastError:
        return
    pytest.fail(f"a daemon without its directory took a request: {view}")


@removals
def test_the_state_directory_removed_under_an_idle_daemon_harms_no_volume_and_it_ends_at_its_next_write(
    daemon: RealDaemon, remove: Callable[[Path], None]
) -> None:
    cargo = Cargo(daemon)
    remove(daemon.state)
    cargo.is_whole()
    _write(daemon.client())
    assert daemon.ended() == LOST
    assert "removed" in daemon.log_tail()
    cargo.is_whole()


@removals
def test_the_state_directory_removed_while_no_daemon_runs_harms_no_volume(
    daemon: RealDaemon, remove: Callable[[Path], None]
) -> None:
    cargo = Cargo(daemon)
    daemon.stop()
    remove(daemon.state)
    cargo.is_whole()
    client = daemon.start().client()
    assert client.pools() == []
    assert client.audit(repair=True) is not None
    cargo.is_whole()


MOMENTS = ("journal.submit.after", "volume.mkdir.after", "volume.publish.before", "volume.publish.after")


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_state_directory_removed_in_the_middle_of_a_create_harms_no_volume(daemon: RealDaemon, moment: str) -> None:
    cargo = Cargo(daemon)
    daemon.arm(f"{moment}:stop")
    with _asking(daemon):
        wait_until(daemon.paused, "the create reached its failpoint")
        _rm(daemon.state)
        cargo.is_whole()
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGCONT)
        assert daemon.ended() == LOST
    cargo.is_whole()


class _asking:  # noqa: N801 - reads as a word
    """A create under way on a thread of its own."""

    def __init__(self, daemon: RealDaemon) -> None:
        self._thread = threading.Thread(target=self._ask, args=(daemon.client(),))

    @staticmethod
    def _ask(client: Client) -> None:
        with contextlib.suppress(HoldfastError):
            client.create_volume("p", "late", "1MiB", wait=20)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join(60)


def test_the_state_directory_removed_under_load_harms_no_volume(daemon: RealDaemon) -> None:
    cargo = Cargo(daemon)
    acknowledged: list[str] = []

    def load(number: int) -> None:
        client = daemon.client()
        try:
            for serial in range(10000):
                if client.create_volume("p", f"l{number}-{serial}", "1MiB", wait=10).state == "done":
                    acknowledged.append(client.volume("p", f"l{number}-{serial}").uid)
        except HoldfastError:
            return

    threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(acknowledged) > 20, "the load runs")
    _rm(daemon.state)
    assert daemon.ended() == LOST
    for thread in threads:
        thread.join(30)
    cargo.is_whole()
    assert set(acknowledged) <= set(os.listdir(daemon.pool / "volumes"))


@pytest.mark.parametrize("name", ["lock", "holdfast.db"])
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_daemon_whose_lock_or_database_is_not_its_own_any_more_ends_at_its_next_write(
    daemon: RealDaemon, name: str, how: str
) -> None:
    cargo = Cargo(daemon)
    file = daemon.state / name
    if how == "removed":
        file.unlink()
    else:
        shutil.copyfile(file, daemon.root / "copy")
        (daemon.root / "copy").rename(file)
    _write(daemon.client())
    assert daemon.ended() == LOST
    cargo.is_whole()


def test_a_state_directory_moved_away_and_back_is_still_the_daemons_own(daemon: RealDaemon) -> None:
    cargo = Cargo(daemon)
    daemon.state.rename(daemon.root / "elsewhere")
    (daemon.root / "elsewhere").rename(daemon.state)
    assert daemon.client().create_volume("p", "late", "1MiB").state == "done"
    cargo.is_whole()


@removals
def test_the_run_directory_removed_harms_no_volume_and_a_new_daemon_makes_it_again(
    daemon: RealDaemon, remove: Callable[[Path], None]
) -> None:
    cargo = Cargo(daemon)
    remove(daemon.run)
    cargo.is_whole()
    assert daemon.stop() == 0
    cargo.is_whole()
    assert daemon.start().client().audit() == []
    cargo.is_whole()


def test_nothing_is_mounted_inside_the_daemons_own_directories(daemon: RealDaemon) -> None:
    Cargo(daemon)
    assert mounts_below(daemon.state) == []
    assert mounts_below(daemon.run) == []
    assert daemon.stop() == 0
    assert len(mounts_below(daemon.root)) == 3
