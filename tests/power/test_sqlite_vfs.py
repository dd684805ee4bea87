"""SQLite on the disk that forgets does what it does on real files."""

import gc
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence

import apsw
import pytest

from holdfast.model.errors import DatabaseDamaged, NoSpace
from holdfast.records import meta
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.api import Killed
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.power.disk import Disk
from holdfast.testing.power.events import Event
from holdfast.testing.power.shadow import ShadowVfs
from holdfast.testing.power.vfs import Handle, MemoryVfs
from tests.needs import need
from tests.power.sqlite_judge import contents
from tests.power.sqlite_workload import PATH, transaction


def work(path: str, vfs: str | None) -> object:
    """Two processes' transactions, with checkpoints; what is in the database at the end."""
    found: object = None
    for part in range(2):
        records = SqliteRecords(ThreadRuntime(), path, vfs=vfs)
        records._raw.wal_autocheckpoint(30)
        for n in range(25):
            records.write(transaction(part * 25 + n))
        found = records.read(contents)
        records.close()
    return found


def in_memory() -> tuple[object, Disk]:
    """The same on a recording disk."""
    disk = Disk(record=True)
    vfs = MemoryVfs(disk)
    found = work(PATH, vfs.name)
    vfs.close()
    return found, disk


def outline(log: Sequence[Event]) -> list[tuple[str, str, int, int]]:
    """The events without the bytes, which have SQLite's random salt in them; files by the end of their names."""
    names = {event.file: pathlib.Path(event.name).name for event in log if event.kind == "create"}
    return [(event.kind, names.get(event.file, ""), event.offset, len(event.data)) for event in log]


def test_memory_and_a_real_file_have_the_same_contents_by_the_same_writes_and_syncs(tmp_path: pathlib.Path) -> None:
    found, disk = in_memory()
    real = Disk(record=True)
    shadow = ShadowVfs(real)
    try:
        assert work(str(tmp_path / "holdfast.db"), None) == found
    finally:
        shadow.close()
    assert outline(real.log or []) == outline(disk.log or [])
    assert len(outline(disk.log or [])) > 500
    assert real.contents() == {str(tmp_path / "holdfast.db"): (tmp_path / "holdfast.db").read_bytes()}


SCRIPT = "import sys; from tests.power.test_sqlite_vfs import work; work(sys.argv[1], None)"
CALL = re.compile(r"(fsync|fdatasync|unlink)\((?:\d+<|\")([^>\"]*)")


def test_the_model_syncs_what_the_system_calls_sync(tmp_path: pathlib.Path) -> None:
    """Of os_unix.c, seen by strace: the directory after a new log's first sync, and no deletion synced by itself."""
    traced = subprocess.run(
        [need("strace"), "-f", "-y", "-e", "trace=fsync,fdatasync,unlink", sys.executable, "-c", SCRIPT,
         str(tmp_path / "holdfast.db")],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    calls = [match.groups() for match in map(CALL.search, traced.stderr.splitlines()) if match]
    seen = [
        ("sync-directory", "")
        if path == str(tmp_path)
        else ("delete" if call == "unlink" else "sync", pathlib.Path(path).name)
        for call, path in calls
    ]
    _, disk = in_memory()
    kinds = {"sync", "sync-directory", "delete"}
    assert seen == [(kind, name) for kind, name, _, _ in outline(disk.log or []) if kind in kinds]
    assert seen.count(("sync-directory", "")) == 3, "of the journal that makes the database, and of two logs"


@pytest.fixture
def disk() -> Disk:
    return Disk()


def opened(disk: Disk) -> tuple[SqliteRecords, MemoryVfs]:
    """As the next process does."""
    vfs = MemoryVfs(disk)
    return SqliteRecords(ThreadRuntime(), PATH, vfs=vfs.name), vfs


@pytest.fixture
def quiet(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is printed, nothing is raised where nobody can catch it."""
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    yield
    gc.collect()
    said = capfd.readouterr()
    assert (unraisable, said.out, said.err) == ([], "", "")


@pytest.mark.usefixtures("quiet")
def test_after_a_death_nothing_has_an_effect_and_nothing_is_said(disk: Disk) -> None:
    records, vfs = opened(disk)
    records.write(lambda tx: meta.put(tx, "n", 1))

    def dead() -> None:
        raise Killed

    before = disk.contents()
    disk.alive = dead
    for _ in range(2):
        with pytest.raises(Killed):
            records.write(lambda tx: meta.put(tx, "n", 2))
    disk.alive = lambda: None
    disk.kill()
    records.close()
    assert disk.contents() == before
    vfs.close()
    records, vfs = opened(disk)
    assert records.read(lambda tx: meta.get(tx, "n")) == 1
    records.close()
    vfs.close()


@pytest.mark.usefixtures("quiet")
def test_a_connection_of_the_dead_that_is_dropped_says_nothing(disk: Disk) -> None:
    records, vfs = opened(disk)
    records._raw.execute("BEGIN IMMEDIATE")
    records._raw.execute("INSERT INTO meta VALUES('n', 1)")
    disk.crash()
    before = disk.contents()
    del records
    gc.collect()
    vfs.close()
    assert disk.contents() == before


def test_what_the_dead_would_open_or_delete_is_not_this_disk_s(disk: Disk) -> None:
    records, vfs = opened(disk)
    records.close()
    disk.kill()
    before = disk.contents()
    late = SqliteRecords(ThreadRuntime(), "/late.db", vfs=vfs.name)
    late.write(lambda tx: meta.put(tx, "n", 1))
    late.close()
    assert disk.contents() == before
    vfs.close()


def test_a_full_disk_refuses_and_takes_again_when_there_is_room(disk: Disk) -> None:
    records, vfs = opened(disk)
    disk.room = sum(map(len, disk.contents().values()))
    with pytest.raises(NoSpace):
        records.write(lambda tx: meta.put(tx, "n", 1))
    disk.room = None
    records.write(lambda tx: meta.put(tx, "m", 1))
    assert records.read(lambda tx: (meta.get(tx, "n"), meta.get(tx, "m"))) == (0, 1)
    records.close()
    vfs.close()


def test_a_commit_whose_checkpoint_does_not_fit_is_not_refused(disk: Disk) -> None:
    """As on a real disk: SQLite tries the checkpoint again after a later commit."""
    records, vfs = opened(disk)
    records.write(transaction(1))
    records._raw.wal_checkpoint()
    for n in range(2, 30):
        records.write(transaction(n))
    disk.room = sum(map(len, disk.contents().values()))
    records._raw.wal_checkpoint()
    assert sum(map(len, disk.contents().values())) > disk.room
    records.write(lambda tx: meta.put(tx, "n", 1))
    assert records.read(lambda tx: meta.get(tx, "n")) == 1
    records.close()
    vfs.close()


def test_disks_side_by_side_know_nothing_of_each_other(disk: Disk) -> None:
    here, there = opened(disk), opened(Disk())
    here[0].write(lambda tx: meta.put(tx, "n", 1))
    assert there[0].read(lambda tx: meta.get(tx, "n")) == 0
    assert {here[1].name, there[1].name} < set(apsw.vfs_names())
    for records, vfs in (here, there):
        records.close()
        vfs.close()
        assert vfs.name not in apsw.vfs_names()


def test_what_has_no_name_is_on_no_disk(disk: Disk) -> None:
    unnamed: list[object] = []

    class Vfs(MemoryVfs):
        def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> Handle:  # type: ignore[override]  # as its base
            unnamed.extend([flags] if name is None else [])
            return super().xOpen(name, flags)

    vfs = Vfs(disk)
    raw = apsw.Connection(PATH, vfs=vfs.name)
    raw.execute("CREATE TABLE t(a)")
    raw.executemany("INSERT INTO t VALUES(randomblob(?))", [(900,)] * 500)
    raw.execute("BEGIN; UPDATE t SET a=randomblob(900); SAVEPOINT one; UPDATE t SET a=zeroblob(900); ROLLBACK TO one")
    assert unnamed, "the savepoint's journal spills"
    assert set(disk.contents()) == {PATH, f"{PATH}-journal"}
    raw.execute("COMMIT")
    assert raw.execute("SELECT COUNT(*) FROM t WHERE a=zeroblob(900)").get == 0
    raw.close()
    vfs.close()


def test_a_damaged_image_is_told_and_left_as_it_was() -> None:
    files = {PATH: b"this was never a database\n" * 1000}
    disk = Disk.holding(files)
    with pytest.raises(DatabaseDamaged):
        opened(disk)
    assert disk.contents() == disk.image() == files
