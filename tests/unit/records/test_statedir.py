"""The state directory: one daemon at a time, and a loss is noticed before anything more is written."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from holdfast.model.errors import DatabaseDamaged, Invalid, Locked, NoSpace, Unavailable
from holdfast.records import meta
from holdfast.records.contract import Tx
from holdfast.records.sqlite import SqliteRecords
from holdfast.records.statedir import RESERVE, StateDir
from holdfast.runtime.threads import ThreadRuntime
from tests.needs import need_root


class Opened:
    """A state directory with its database; what was fatal."""

    def __init__(self, path: Path) -> None:
        self.fatal: list[str] = []
        self.guard = StateDir(str(path))
        self.records = SqliteRecords(
            ThreadRuntime(), self.guard.database, guard=self.guard, fatal=self.fatal.append, twice=True
        )
        self.guard.watch_database()

    def write(self) -> int:
        """Count one up."""
        return self.records.write(lambda tx: meta.advance(tx, "n"))

    def close(self) -> None:
        """As a daemon that stops."""
        self.records.close()
        self.guard.close()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Opened]:
    opened = Opened(tmp_path / "state")
    yield opened
    opened.close()


def test_a_second_daemon_is_told_of_the_first(state: Opened) -> None:
    with pytest.raises(Locked, match="Another holdfast daemon") as caught:
        StateDir(state.guard.path)
    assert "--state" in caught.value.hint
    assert state.write() == 1


def test_a_second_process_is_too(state: Opened) -> None:
    code = "import sys; from holdfast.records.statedir import StateDir; StateDir(sys.argv[1])"
    ran = subprocess.run([sys.executable, "-c", code, state.guard.path], capture_output=True, text=True)
    assert "Locked" in ran.stderr


def test_after_the_end_of_the_first_the_next_may_start(tmp_path: Path) -> None:
    for n in (1, 2):
        opened = Opened(tmp_path / "state")
        assert opened.write() == n
        opened.close()


def test_only_the_owner_may_look_inside(state: Opened) -> None:
    assert os.stat(state.guard.path).st_mode & 0o777 == 0o700


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Invalid):
        StateDir(str(tmp_path / "file"))
    with pytest.raises(Invalid):
        StateDir(str(tmp_path / "file" / "below"))


def _replace_lock(path: Path) -> None:
    (path / "lock").unlink()
    (path / "lock").write_text("")


def _replace_database(path: Path) -> None:
    shutil.copy(path / "holdfast.db", path / "copy")
    os.replace(path / "copy", path / "holdfast.db")


def _move_away(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


LOSSES = {
    "the lock file was replaced": _replace_lock,
    "the lock file was removed": lambda path: (path / "lock").unlink(),
    "the database was replaced": _replace_database,
    "the database was removed": lambda path: (path / "holdfast.db").unlink(),
    "the directory was removed": shutil.rmtree,
    "the directory was moved": _move_away,
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())
def test_a_loss_is_noticed_and_nothing_more_is_written(state: Opened, loss: object) -> None:
    assert state.guard.lost() == ""
    assert state.write() == 1
    loss(Path(state.guard.path))  # type: ignore[operator]
    why = state.guard.lost()
    assert why
    for _ in range(2):
        with pytest.raises(Unavailable):
            state.write()
    assert state.fatal == [why, why]
    assert state.records.read(lambda tx: meta.get(tx, "n")) == 1


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MiB."""
    need_root()
    where = tmp_path / "small"
    where.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(where)], check=True)
    yield where
    subprocess.run(["umount", "--lazy", str(where)], check=True)  # a failed test may still hold its database


def _fill(where: Path) -> Path:
    """Not a byte is left."""
    ballast = where / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


def _big(tx: Tx) -> None:
    """About half a megabyte, which needs new room each time."""
    value = meta.advance(tx, "big")
    tx.run("INSERT INTO keys(scope, digest, op, created) VALUES(?, ?, 'op', 0)", (f"k{value}", "x" * 500_000))


def test_the_reserve_lets_running_operations_end_on_a_full_disk(small: Path) -> None:
    state = Opened(small / "state")
    assert state.guard.has_reserve
    ballast = _fill(small)
    state.records.write(_big)
    assert not state.guard.has_reserve
    assert not state.guard.make_reserve(), "requests are refused while this cannot be made again"
    assert state.fatal == []
    ballast.unlink()
    assert state.guard.make_reserve()
    assert os.path.getsize(small / "state" / "reserve") == RESERVE
    state.close()


def _fill_up(state: Opened) -> None:
    """Use up the reserve, and more."""
    for _ in range(10):
        state.records.write(_big)


def test_without_a_reserve_a_write_is_refused_whole_and_recovers(small: Path) -> None:
    state = Opened(small / "state")
    assert state.write() == 1
    ballast = _fill(small)
    with pytest.raises(NoSpace, match="full"):
        _fill_up(state)
    written = state.records.read(lambda tx: meta.get(tx, "big"))
    with pytest.raises(NoSpace):
        state.records.write(_big)
    assert state.records.read(lambda tx: meta.get(tx, "big")) == written, "nothing of it stayed"
    assert state.fatal == []
    ballast.unlink()
    state.records.write(_big)
    assert state.records.read(lambda tx: meta.get(tx, "big")) == written + 1
    state.close()


def test_a_transaction_that_outgrows_the_memory_on_a_full_disk_is_refused_too(small: Path) -> None:
    """SQLite meets the full disk in the middle of it, when its pages spill, not at the commit."""
    state = Opened(small / "state")
    ballast = _fill(small)

    def huge(tx: Tx) -> None:
        for _ in range(12):
            _big(tx)

    for _ in range(2):
        with pytest.raises(NoSpace):
            state.records.write(huge)
    assert state.fatal == []
    ballast.unlink()
    assert state.write() == 1
    assert state.records.read(lambda tx: meta.get(tx, "big")) == 0
    state.close()


def test_a_daemon_that_starts_on_a_full_disk_says_so(small: Path) -> None:
    _fill(small)
    with pytest.raises(NoSpace):
        Opened(small / "state")


def test_a_daemon_that_was_there_before_starts_on_a_full_disk_and_has_its_reserve(small: Path) -> None:
    """A crash on a full disk: what runs is to end."""
    first = Opened(small / "state")
    written = first.write()
    first.records._raw.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    first.close()
    ballast = _fill(small)
    state = Opened(small / "state")
    assert state.guard.has_reserve
    assert state.write() == written + 1
    ballast.unlink()
    state.close()


@pytest.mark.parametrize("loss", ["empty", "gone"])
def test_a_lost_database_is_no_new_beginning(tmp_path: Path, loss: str) -> None:
    state = StateDir(str(tmp_path / "state"))
    state.check_database()
    Path(state.database).write_bytes(b"something")
    state.watch_database()
    state.check_database()
    if loss == "empty":
        os.truncate(state.database, 0)
    else:
        os.unlink(state.database)
    with pytest.raises(DatabaseDamaged, match="gone or empty") as error:
        state.check_database()
    assert "db backup" in error.value.hint
    state.close()
