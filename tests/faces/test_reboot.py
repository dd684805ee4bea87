"""After a reboot wanted mounts come back; a database that may be an old one changes nothing until told to."""

import shutil
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.model.errors import Suspended
from holdfast.model.resources import Content, FileSystem
from tests.daemon import RealDaemon, checksums, fill, mounts_below, run, wait_until
from tests.lingering import loops_below
from tests.needs import need

VOLUMES: dict[str, tuple[Content, FileSystem | None]] = {
    "tree": ("directory", None), "fs": ("filesystem", "ext4"), "disk": ("block", None)
}  # fmt: skip


def _mounted(daemon: RealDaemon) -> dict[str, str]:
    """All contents mounted; checksums of the files."""
    need("mkfs.ext4")
    client = daemon.with_pool()
    for name, (content, fs) in VOLUMES.items():
        client.create_volume("p", name, "4MiB", content, fs)
        point = daemon.mnt / name
        if content == "block":
            point.touch()
        else:
            point.mkdir()
        assert client.mount("p", name, str(point)).state == "done"
    fill(daemon.mnt / "tree")
    fill(daemon.mnt / "fs")
    return _files(daemon)


def _files(daemon: RealDaemon) -> dict[str, str]:
    return checksums(daemon.mnt / "tree") | {f"fs/{k}": v for k, v in checksums(daemon.mnt / "fs").items()}


def _unmount_all(daemon: RealDaemon) -> None:
    """What a reboot does to mounts and loop devices."""
    for point in reversed(mounts_below(daemon.root)):
        run("umount", point)
    for device in loops_below(daemon.root):
        run("losetup", "-d", device, ok=False)
    wait_until(lambda: loops_below(daemon.root) == [], "no loop device is left")
    assert mounts_below(daemon.root) == []


def _all_mounted(client: Client) -> bool:
    return len(client.mounts()) == 3 and all(mount.mounted for mount in client.mounts())


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_wanted_mounts_come_back_with_their_files(daemon: RealDaemon, how: str) -> None:
    files = _mounted(daemon)
    getattr(daemon, how)()
    _unmount_all(daemon)
    client = daemon.start().client()
    wait_until(lambda: _all_mounted(client), "the mounts are restored")
    daemon.settle()
    assert _files(daemon) == files
    assert client.audit() == []


def test_a_mount_that_somebody_took_away_comes_back_while_the_daemon_runs(daemon: RealDaemon) -> None:
    files = _mounted(daemon)
    run("umount", daemon.mnt / "tree")
    assert not _all_mounted(daemon.client())
    wait_until(lambda: _all_mounted(daemon.client()), "it is mounted again")
    assert _files(daemon) == files


def test_an_unmounted_volume_does_not_come_back(daemon: RealDaemon) -> None:
    _mounted(daemon)
    client = daemon.client()
    for mount in client.mounts():
        assert client.unmount(mount).state == "done"
    daemon.stop()
    client = daemon.start().client()
    assert client.mounts() == []
    assert mounts_below(daemon.root) == []
    assert loops_below(daemon.root) == []


def test_a_missing_mount_path_is_told_and_hinders_no_other_mount(daemon: RealDaemon) -> None:
    _mounted(daemon)
    daemon.stop()
    _unmount_all(daemon)
    (daemon.mnt / "tree").rmdir()
    client = daemon.start().client()
    wait_until(lambda: sum(mount.mounted for mount in client.mounts()) == 2, "the others are mounted")
    assert not client.mounts(str(daemon.mnt / "tree"))[0].mounted
    assert [finding.subject for finding in client.audit()] in ([], [str(daemon.mnt / "tree")])
    assert client.volume("p", "tree").ready


# -- old databases -----------------------------------------------------------------------------------


def _refuses(daemon: RealDaemon) -> None:
    """Suspended: reads are answered, changes are not, nothing is mounted or resumed."""
    client = daemon.client()
    assert client.status().suspended
    assert client.pool("p").name == "p"
    with pytest.raises(Suspended) as caught:
        client.create_volume("p", "late", "1MiB")
    assert "resume" in caught.value.hint
    done = daemon.cli("volume", "create", "p/late", "--size", "1MiB")
    assert done.returncode == Suspended.exit
    assert "SUSPENDED" in daemon.cli("status").stdout


def _resume(daemon: RealDaemon) -> Client:
    assert daemon.cli("resume").returncode == 2
    assert daemon.client().status().suspended
    assert daemon.cli("resume", "--yes").returncode == 0
    client = daemon.client()
    assert not client.status().suspended
    return client


def _put_back(daemon: RealDaemon, copy: Path) -> None:
    for file in daemon.state.glob("holdfast.db*"):
        file.unlink()
    shutil.copyfile(copy, daemon.state / "holdfast.db")


def test_a_copy_made_by_db_backup_is_suspended_until_resume(daemon: RealDaemon) -> None:
    files = _mounted(daemon)
    copy = daemon.root / "copy.db"
    assert daemon.cli("db", "backup", copy).returncode == 0
    assert daemon.cli("db", "backup", copy).returncode == 2
    daemon.stop()
    _unmount_all(daemon)
    shutil.rmtree(daemon.state)
    daemon.state.mkdir()
    _put_back(daemon, copy)
    daemon.start()
    _refuses(daemon)
    assert mounts_below(daemon.root) == []
    daemon.kill()
    daemon.start()
    _refuses(daemon)
    client = _resume(daemon)
    wait_until(lambda: _all_mounted(client), "after resume the mounts are restored")
    daemon.settle()
    assert _files(daemon) == files
    assert client.create_volume("p", "late", "1MiB").state == "done"
    assert client.audit() == []
    daemon.stop()
    assert daemon.start().client().status().suspended == ""


def test_a_database_behind_its_pools_is_suspended_until_resume_and_the_audit_names_what_it_missed(
    daemon: RealDaemon,
) -> None:
    daemon.with_pool()
    daemon.stop()
    old = daemon.root / "old.db"
    shutil.copyfile(daemon.state / "holdfast.db", old)
    client = daemon.start().client()
    client.create_volume("p", "newer", "1MiB")
    data = daemon.pool / "volumes" / daemon.uid("newer") / "data"
    files = fill(data)
    daemon.stop()
    _put_back(daemon, old)
    daemon.start()
    _refuses(daemon)
    client = _resume(daemon)
    assert [finding.kind for finding in client.audit(repair=True)] == ["orphan"]
    assert checksums(data) == files
    assert client.create_volume("p", "late", "1MiB").state == "done"
