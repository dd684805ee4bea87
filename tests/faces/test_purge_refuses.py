"""`holdfast purge` refuses and removes nothing while anything of value is reachable, by records or by kernel."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator

import pytest

from holdfast.cli.local import holding
from holdfast.cli.local import reachable as recorded
from holdfast.cli.local.places import Place
from holdfast.host import processes
from holdfast.model.resources import Content, FileSystem
from tests.daemon import PATIENCE, RealDaemon, checksums, fill, mounts_below, run
from tests.faces.test_purge import emptied, files, purged, reachable, stopped
from tests.host.sickfs import sick
from tests.lingering import loops_below
from tests.needs import need

VOLUMES: dict[str, tuple[Content, FileSystem | None]] = {
    "tree": ("directory", None),
    "fs": ("filesystem", "ext4"),
    "disk": ("block", None),
}


@contextlib.contextmanager
def untouched(daemon: RealDaemon) -> Iterator[None]:
    """Neither the daemon's directories nor any mount change."""

    def seen() -> list[object]:
        return [files(daemon.state), files(daemon.run), mounts_below(daemon.root), loops_below(daemon.root)]

    before = seen()
    yield
    assert seen() == before


def refused(daemon: RealDaemon, status: int) -> str:
    """Both the purge and its dry run end so, and change nothing; what the purge said."""
    with untouched(daemon):
        assert purged(daemon, dry_run=True).status == status
        done = purged(daemon)
    assert done.status == status, done.said
    assert done.error
    assert done.hint
    return done.said


def alter(daemon: RealDaemon, *sql: str) -> None:
    """Change the stopped daemon's database."""
    with contextlib.closing(sqlite3.connect(daemon.state / "holdfast.db")) as database, database:
        for statement in sql:
            database.execute(statement)


def mounted(daemon: RealDaemon) -> dict[str, str]:
    """A volume of each content, mounted, with files in the tree; the daemon has stopped."""
    need("mkfs.ext4")
    client = daemon.with_pool()
    for name, (content, fs) in VOLUMES.items():
        client.create_volume("p", name, "4MiB", content, fs)
        point = daemon.mnt / name
        point.touch() if content == "block" else point.mkdir()
        assert client.mount("p", name, str(point)).state == "done"
    kept = fill(daemon.mnt / "tree")
    daemon.stop()
    return kept


# -- who lives ----------------------------------------------------------------------------------------


def test_a_living_daemon_is_left_alone(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    for dry_run in (True, False):
        done = purged(daemon, dry_run=dry_run)
        assert done.status == 20
        assert "Stop it first" in done.hint
    assert client.create_volume("p", "v", "1MiB").state == "done"


def test_a_living_daemon_whose_lock_was_taken_away_is_told_by_its_socket(daemon: RealDaemon) -> None:
    emptied(daemon)
    (daemon.state / "lock").unlink()
    done = purged(daemon)
    assert done.status == 20
    assert "holdfast.sock" in done.error
    assert (daemon.state / "holdfast.db").exists()


def test_no_daemon_starts_on_what_a_purge_holds(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    place = Place(str(member.state))
    held = holding.lock(place)
    member.launch()
    assert member.ended() == 20, member.log_tail()
    os.close(held)
    place.close()


# -- what is recorded ---------------------------------------------------------------------------------


def test_mounted_volumes_are_listed_with_how_to_unmount_them(daemon: RealDaemon) -> None:
    kept = mounted(daemon)
    said = refused(daemon, 5)
    rows = reachable(daemon)
    paths = {str(daemon.mnt / name) for name in VOLUMES}
    for kind in ("attachment", "mount"):
        assert {row["subject"] for row in rows if row["kind"] == kind} == paths
    assert {row["subject"] for row in rows if row["kind"] == "device"} == set(loops_below(daemon.root))
    (pool,) = (row for row in rows if row["kind"] == "pool")
    assert "volumes recorded: 3" in pool["evidence"]
    assert "volume: 3" in pool["evidence"]
    assert all(row["hinders"] and row["remedy"] for row in rows)
    assert f"holdfast volume unmount {daemon.mnt / 'tree'}" in said
    assert checksums(daemon.mnt / "tree") == kept


def test_an_empty_pool_hinders_until_it_is_deleted(daemon: RealDaemon) -> None:
    daemon.with_pool()
    daemon.stop()
    assert "holdfast pool delete p" in refused(daemon, 5)
    daemon.start()
    assert daemon.cli("pool", "delete", "p", "--yes").returncode == 0
    daemon.stop()
    assert purged(daemon).status == 0


def test_a_pool_that_is_away_hinders_as_unknown_until_it_is_forgotten(daemon: RealDaemon) -> None:
    daemon.with_pool().create_volume("p", "v", "1MiB")
    daemon.stop()
    daemon.pool.rename(daemon.root / "away")
    assert "unknown" in refused(daemon, 5)
    (row,) = reachable(daemon)
    assert "holdfast pool forget p" in row["remedy"]
    daemon.start()
    assert daemon.cli("pool", "forget", "p", "--yes").returncode == 0
    daemon.stop()
    kept = checksums(daemon.root / "away")
    assert purged(daemon).status == 0
    assert checksums(daemon.root / "away") == kept


def test_a_pool_whose_disk_hangs_hinders_as_unknown_in_bounded_time(
    daemon: RealDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.with_pool()
    daemon.stop()
    daemon.pool.rename(daemon.root / "away")
    monkeypatch.setattr(recorded, "PATIENCE", 0.2)
    with sick(str(daemon.pool), 4096) as store, untouched(daemon):
        wakes = threading.Timer(PATIENCE, lambda: store.signal(signal.SIGCONT))  # else a broken bound would hang this
        wakes.start()
        store.signal(signal.SIGSTOP)
        done = purged(daemon)
        wakes.cancel()
        store.signal(signal.SIGCONT)
    assert done.status == 5
    assert "did not answer" in done.error


def _parked(daemon: RealDaemon) -> str:
    """An operation that waits for its pool's mark; the daemon was killed."""
    client = daemon.with_pool()
    (daemon.pool / "holdfast-pool.json").rename(daemon.root / "mark")
    op = client.create_volume("p", "v", "1MiB", wait=5)
    assert op.state == "parked"
    daemon.kill()
    return op.id


def test_an_unfinished_operation_hinders(daemon: RealDaemon) -> None:
    op = _parked(daemon)
    said = refused(daemon, 5)
    assert f"holdfast op watch {op}" in said
    assert "volume.create p/v: parked" in said


def test_a_living_child_of_an_operation_hinders_and_is_not_killed_while_a_dead_one_is_nothing(
    daemon: RealDaemon,
) -> None:
    op = _parked(daemon)
    with subprocess.Popen(["sleep", "60"]) as child:
        start, boot = processes.start_time(child.pid), processes.boot_id()
        alter(
            daemon, f"INSERT INTO children VALUES('{op}', {child.pid}, {start}, '{boot}')",
            f"INSERT INTO children VALUES('{op}', {child.pid}, {(start or 0) + 1}, '{boot}')",
            f"INSERT INTO children VALUES('{op}', 1, {processes.start_time(1)}, 'an earlier boot')",
        )  # fmt: skip
        found = [row for row in reachable(daemon) if row["kind"] == "process"]
        assert child.poll() is None
        child.kill()
    assert [row["subject"] for row in found] == [str(child.pid)]
    assert op in found[0]["evidence"]
    assert not [row for row in reachable(daemon) if row["kind"] == "process"]


# -- what only the world knows ------------------------------------------------------------------------


def _forgetting(daemon: RealDaemon) -> None:
    """As an old database does: it knows its member and nothing else."""
    alter(daemon, "DELETE FROM resources WHERE kind<>'member'")


def test_mounts_and_devices_that_no_record_knows_hinder_if_their_marks_name_this_member(daemon: RealDaemon) -> None:
    kept = mounted(daemon)
    _forgetting(daemon)
    said = refused(daemon, 5)
    assert f"umount {daemon.mnt / 'tree'}" in said
    found = {(row["kind"], row["subject"]) for row in reachable(daemon)}
    assert found >= {("device", device) for device in loops_below(daemon.root)}
    assert ("mount", str(daemon.mnt / "tree")) in found
    assert checksums(daemon.mnt / "tree") == kept


def test_mounts_and_devices_of_another_member_are_none_of_its_business(daemon: RealDaemon) -> None:
    kept = mounted(daemon)
    _forgetting(daemon)
    for mark in daemon.pool.glob("volumes/*/object.json"):
        mark.write_text(mark.read_text().replace('"owner": "', '"owner": "another'))
    before = mounts_below(daemon.root), loops_below(daemon.root)
    assert reachable(daemon) == []
    assert purged(daemon).status == 0
    assert (mounts_below(daemon.root), loops_below(daemon.root)) == before
    assert checksums(daemon.mnt / "tree") == kept


@pytest.mark.parametrize("where", ["a file of the state", "the state", "the run", "below the run"])
def test_a_mount_at_or_below_its_own_directories_hinders(daemon: RealDaemon, where: str) -> None:
    member = stopped(daemon)
    data = member.root / "data"
    if where == "a file of the state":
        data.write_text("precious")
        point = member.state / "reserve"
    elif where == "the state":
        data = point = member.state
    else:
        data.mkdir()
        (data / "file").write_text("precious")
        point = member.run if where == "the run" else member.run / "inner"
        point.mkdir(exist_ok=True)
    kept = files(data)
    run("mount", "--bind", data, point)
    said = refused(member, 5)
    assert f"umount {point}" in said
    assert files(data) == kept
    run("umount", point)
    assert purged(member).status == 0


def test_a_tmpfs_in_a_strangers_directory_below_the_state_is_told_with_the_directory(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    (member.state / "inner").mkdir()
    run("mount", "-t", "tmpfs", "none", member.state / "inner")
    (member.state / "inner" / "file").write_text("precious")
    refused(member, 5)
    assert [row["kind"] for row in reachable(member)] == ["mount", "file"]


def _stranger(daemon: RealDaemon) -> None:
    (daemon.state / "notes.txt").write_text("precious")


def _directory(daemon: RealDaemon) -> None:
    (daemon.state / "audit.log.7").mkdir()
    (daemon.state / "audit.log.7" / "file").write_text("precious")


def _symlink(daemon: RealDaemon) -> None:
    (daemon.state / "reserve").unlink()
    (daemon.state / "reserve").symlink_to(daemon.log)


STRANGERS = {"notes.txt": _stranger, "audit.log.7": _directory, "reserve": _symlink}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_no_daemon_made_in_the_state_directory_is_somebodys_and_hinders(daemon: RealDaemon, name: str) -> None:
    member = stopped(daemon)
    STRANGERS[name](member)
    assert f"holdfast rm {member.state / name}" in refused(member, 14)


# -- a database that tells nothing --------------------------------------------------------------------


def _damaged(daemon: RealDaemon) -> None:
    with (daemon.state / "holdfast.db").open("r+b") as file:
        file.write(b"\xff" * 64)


def _newer(daemon: RealDaemon) -> None:
    alter(daemon, "PRAGMA user_version=999")


def _lost(daemon: RealDaemon) -> None:
    (daemon.state / "holdfast.db").unlink()


def _emptied(daemon: RealDaemon) -> None:
    os.truncate(daemon.state / "holdfast.db", 0)


def _others(daemon: RealDaemon) -> None:
    _lost(daemon)
    alter(daemon, "CREATE TABLE songs (title TEXT)", "INSERT INTO songs VALUES('precious')")


DATABASES = {
    "damaged": _damaged, "schema 999": _newer, "gone or empty": _lost, "is gone": _emptied, "no member": _others,
}  # fmt: skip


@pytest.mark.parametrize("why", DATABASES)
def test_a_database_that_cannot_say_what_it_knows_hinders_and_is_left_as_it_is(daemon: RealDaemon, why: str) -> None:
    member = stopped(daemon)
    DATABASES[why](member)
    said = refused(member, 14)
    assert why in said
    assert f"holdfast rm {member.state}" in said


def test_a_copy_that_nobody_said_to_be_the_current_one_hinders(daemon: RealDaemon) -> None:
    client = daemon.start().client()
    client.backup(str(daemon.root / "copy"))
    client.create_pool("p", {"source": str(daemon.pool)})
    daemon.stop()
    shutil.copy(daemon.root / "copy", daemon.state / "holdfast.db")
    assert "holdfast resume" in refused(daemon, 14)
