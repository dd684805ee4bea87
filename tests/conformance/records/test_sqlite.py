"""What only SQLite promises: one fsync for many, and a damaged file is told and left alone."""

import threading
from pathlib import Path

import apsw
import pytest

from holdfast.model.errors import DatabaseDamaged, SchemaTooNew, Unavailable
from holdfast.model.resources import Volume
from holdfast.records import meta, resources
from holdfast.records.contract import Tx
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.threads import ThreadRuntime
from tests.conformance.records.rows import volume


def _filled(path: Path, rows: int = 300) -> bytes:
    """A whole, closed database; its bytes."""
    records = SqliteRecords(ThreadRuntime(), str(path))

    def fn(tx: Tx) -> None:
        for n in range(rows):
            resources.insert(tx, volume(f"uid-{n}", f"v{n}"))

    records.write(fn)
    records.close()
    return path.read_bytes()


def _refused(path: Path, content: bytes) -> DatabaseDamaged:
    """Open a damaged file: the error; nothing of the file may have changed."""
    path.write_bytes(content)
    before = sorted(path.parent.iterdir())
    with pytest.raises(DatabaseDamaged) as caught:
        SqliteRecords(ThreadRuntime(), str(path))
    assert path.read_bytes() == content
    assert sorted(path.parent.iterdir()) == before
    assert "db backup" in caught.value.hint
    return caught.value


def test_garbage_is_no_database(tmp_path: Path) -> None:
    _refused(tmp_path / "db", b"this was never a database\n" * 1000)


def test_a_truncated_database_is_damaged(tmp_path: Path) -> None:
    whole = _filled(tmp_path / "db")
    for size in (4096 * 3, len(whole) - 4096, len(whole) - 100, 50):
        _refused(tmp_path / "db", whole[:size])


@pytest.mark.parametrize("page", [2, 3, 5, 12])
def test_flipped_bytes_in_a_page_are_damage(tmp_path: Path, page: int) -> None:
    whole = bytearray(_filled(tmp_path / "db"))
    start = page * 4096
    whole[start : start + 64] = bytes(b ^ 0xFF for b in whole[start : start + 64])
    _refused(tmp_path / "db", bytes(whole))


def test_a_whole_database_is_not_called_damaged(tmp_path: Path) -> None:
    """The negative control."""
    _filled(tmp_path / "db")
    records = SqliteRecords(ThreadRuntime(), str(tmp_path / "db"))
    assert len(records.read(lambda tx: resources.page(tx, Volume))) == 300
    records.close()


def test_a_newer_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    _filled(tmp_path / "db")
    raw = apsw.Connection(str(tmp_path / "db"))
    raw.execute("PRAGMA user_version=99")
    raw.close()
    with pytest.raises(SchemaTooNew, match="schema 99") as caught:
        SqliteRecords(ThreadRuntime(), str(tmp_path / "db"))
    assert "backup" in caught.value.hint
    raw = apsw.Connection(str(tmp_path / "db"))
    assert raw.pragma("user_version") == 99
    raw.close()


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    _filled(tmp_path / "db")
    assert (tmp_path / "db").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere" / "db"):
        with pytest.raises(Unavailable):
            SqliteRecords(ThreadRuntime(), str(path))


class Gate:
    """Holds the first commit until told, so that others gather behind it."""

    def __init__(self, records: SqliteRecords, runtime: ThreadRuntime) -> None:
        self.commits = 0
        self.held, self.go = threading.Event(), threading.Event()
        self.records = records
        runtime.hook = self._hook

    def _hook(self, name: str) -> None:
        if name == "records.commit.before":
            self.commits += 1
            if self.commits == 1:
                self.held.set()
                self.go.wait(10)

    def gather(self, count: int) -> None:
        """Return when `count` wait behind the first."""
        self.held.wait(10)
        while len(self.records._group._waiting) < count:
            pass
        self.go.set()


@pytest.mark.parametrize("count", [8, 600])
def test_many_that_wait_share_a_commit_and_each_gets_its_own_answer(tmp_path: Path, count: int) -> None:
    runtime = ThreadRuntime()
    records = SqliteRecords(runtime, str(tmp_path / "db"))
    gate = Gate(records, runtime)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(records.write(lambda tx: meta.advance(tx, "n"))))
        for _ in range(count + 1)
    ]
    for thread in threads:
        thread.start()
    gate.gather(count)
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(1, count + 2))
    assert gate.commits == 2 if count == 8 else gate.commits <= 5
    records.close()


def test_an_error_of_one_in_a_group_harms_none_of_the_others(tmp_path: Path) -> None:
    runtime = ThreadRuntime()
    records = SqliteRecords(runtime, str(tmp_path / "db"), twice=True)
    gate = Gate(records, runtime)
    answers: dict[int, object] = {}

    def one(n: int) -> None:
        def fn(tx: Tx) -> int:
            value = meta.advance(tx, f"n{n}")
            if n == 3:
                raise ZeroDivisionError
            return value

        try:
            answers[n] = records.write(fn)
        except ZeroDivisionError as error:
            answers[n] = error

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    gate.gather(7)
    for thread in threads:
        thread.join()
    assert isinstance(answers.pop(3), ZeroDivisionError)
    assert set(answers.values()) == {1}
    assert [records.read(lambda tx: meta.get(tx, f"n{n}")) for n in range(8)] == [1, 1, 1, 0, 1, 1, 1, 1]  # noqa: B023
    records.close()


class Stop(BaseException):
    """As a simulated kill: not an Exception."""


def test_a_base_exception_answers_every_waiter(tmp_path: Path) -> None:
    """Nobody may wait for ever for a leader that died."""
    runtime = ThreadRuntime()
    records = SqliteRecords(runtime, str(tmp_path / "db"))
    gate = Gate(records, runtime)
    answers: list[BaseException | int] = []

    def one(n: int) -> None:
        def fn(tx: Tx) -> int:
            if n == 3:
                raise Stop
            return meta.advance(tx, "n")

        try:
            answers.append(records.write(fn))
        except BaseException as error:  # noqa: BLE001 - looked at below
            answers.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    gate.gather(7)
    for thread in threads:
        thread.join(10)
    assert len(answers) == 8
    assert sum(isinstance(answer, Stop) for answer in answers) >= 7, "all of its group, whose commit never came"


def test_a_backup_is_whole_stamped_and_never_overwrites(tmp_path: Path) -> None:
    _filled(tmp_path / "db")
    records = SqliteRecords(ThreadRuntime(), str(tmp_path / "db"))
    records.backup(str(tmp_path / "copy"))
    with pytest.raises(Exception, match="cannot be made"):
        records.backup(str(tmp_path / "copy"))
    assert records.read(lambda tx: meta.get(tx, "stamped")) == 0
    records.close()
    copy = SqliteRecords(ThreadRuntime(), str(tmp_path / "copy"))
    assert copy.read(lambda tx: meta.get(tx, "stamped")) == 1
    assert len(copy.read(lambda tx: resources.page(tx, Volume))) == 300
    copy.close()
