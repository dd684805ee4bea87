"""SQLite by apsw: one connection, WAL, synchronous=FULL, exclusive locking."""

import contextlib
import errno
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import apsw

from holdfast.model.errors import DatabaseDamaged, Invalid, Locked, NoSpace, Unavailable
from holdfast.records.contract import Records, Row, Tx, Value, migrate
from holdfast.records.group import GroupCommit
from holdfast.records.schema import VERSION
from holdfast.records.statedir import Home
from holdfast.runtime.api import Runtime

T = TypeVar("T")
_WORDS = {"int": "INTEGER", "real": "REAL", "text": "TEXT", "strict": "STRICT"}


# NORMAL leaves out the sync of the log at each commit: https://sqlite.org/pragma.html#pragma_synchronous
_LEVELS = {True: "FULL", False: "NORMAL"}


class _SqliteTx(Tx):
    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        return list(self._connection.execute(sql, values))

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        self._connection.execute(sql, values)
        return self._connection.changes()


class _SqliteConnection:
    def __init__(self, raw: apsw.Connection, guard: Home | None, fatal: Callable[[str], None]) -> None:
        self._raw = raw
        self._guard = guard
        self._fatal = fatal
        self._tx = _SqliteTx(raw)
        self._durable: bool | None = None

    def sync(self, durable: bool) -> None:
        if durable != self._durable:
            self._raw.execute(f"PRAGMA synchronous={_LEVELS[durable]}")
            self._durable = durable

    def begin(self) -> Tx:
        self._raw.execute("BEGIN IMMEDIATE")
        return self._tx

    def commit(self) -> None:
        if self._guard is not None:
            lost = self._guard.lost()
            if lost:
                self.rollback()
                self._fatal(lost)
                raise Unavailable(lost)
        try:
            self._raw.execute("COMMIT")
        except apsw.FullError:
            raise self._full() from None
        except apsw.Error as error:
            self._fatal(f"a commit failed, so what is on disk is unknown: {error}")
            raise Unavailable(f"The database could not be written: {error}") from error

    def rollback(self) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def _full(self) -> Exception:
        """Give up all of the transaction, and say whether it may fit now."""
        self.rollback()
        if self._guard is not None and self._guard.release_reserve():
            return _TryAgain()
        return NoSpace("The disk of the state directory is full.", "Free space there; nothing was changed.")

    def stands(self) -> bool:
        return self._raw.in_transaction

    def savepoint(self, tx: Tx, fn: Callable[[Tx], Any]) -> Any:
        self._raw.execute("SAVEPOINT one")
        try:
            answer = fn(tx)
        except apsw.FullError:  # pages that spill meet the full disk before the commit does
            raise self._full() from None
        except BaseException:
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK TO one")
                self._raw.execute("RELEASE one")
            raise
        self._raw.execute("RELEASE one")
        return answer


class _TryAgain(Exception):
    """The reserve was released; the transaction may fit now."""


class SqliteRecords(Records):
    """The embedded default. `fatal(reason)` stops the daemon; it is told before the caller is answered."""

    def __init__(
        self,
        runtime: Runtime,
        path: str,
        *,
        guard: Home | None = None,
        fatal: Callable[[str], None] = lambda _reason: None,
        twice: bool = False,
        vfs: str | None = None,
    ) -> None:
        try:
            if vfs is None:  # apsw would make it readable for all
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._raw = apsw.Connection(path, vfs=vfs)
            log = f"{self._raw.filename}-wal"
            self._log_was_there = vfs is None and os.path.exists(log) and os.path.getsize(log) > 0
            try:
                if vfs is None:
                    self._check_length()
                self._open(guard, fatal)
            except BaseException:
                # Left as it was found: a write-ahead log beside a damaged file is evidence, not to be merged.
                self._raw.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(self._log_was_there))
                self._raw.close(True)
                raise
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise DatabaseDamaged(
                f"The database {path} is damaged: {error}",
                "Volumes and their data are not affected. Restore a copy made by `holdfast db backup`.",
            ) from error
        except apsw.BusyError as error:  # the lock file was replaced, else the state directory would have said so
            raise Locked(f"Another process uses the database {path}.", "Stop it first.") from error
        except apsw.FullError as error:
            raise NoSpace(f"The disk of {path} is full.", "Free space there.") from error
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpace(f"The disk of {path} is full.", "Free space there.") from error
            raise Unavailable(f"The database {path} cannot be opened: {error.strerror}") from error
        except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.IOError) as error:
            raise Unavailable(f"The database {path} cannot be opened: {error}") from error
        self._group = GroupCommit(runtime, self._connection, twice=twice)

    def _check_length(self) -> None:
        """A cut last page reads as zeros, which a check of the structure may pass; without a log it must be whole."""
        with open(self._raw.filename, "rb") as file:
            head, length = file.read(18), os.fstat(file.fileno()).st_size
        # Bytes 16 and 17 of the header, a 1 meaning 65536: https://sqlite.org/fileformat2.html
        page = int.from_bytes(head[16:18], "big")
        page = 65536 if page == 1 else page
        if not self._log_was_there and page and length % page:
            raise apsw.CorruptError("its last page is cut off")

    def _open(self, guard: Home | None, fatal: Callable[[str], None]) -> None:
        self._raw.set_busy_timeout(0)
        # Else a statement is compiled anew for each value that is bound to it, to fit a plan to the statistics.
        self._raw.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL"):
            self._raw.execute(f"PRAGMA {pragma}")
        self._connection = _SqliteConnection(self._raw, guard, fatal)
        self._connection.sync(durable=True)
        self._migrate()

    def _migrate(self) -> None:
        problems = [str(row[0]) for row in self._raw.execute("PRAGMA quick_check(1)")]
        if problems != ["ok"]:
            raise apsw.CorruptError(problems[0])
        version = int(str(self._raw.pragma("user_version")))
        while version != VERSION:  # a full disk is given the reserve, once
            with contextlib.suppress(_TryAgain):
                self._migrate_from(version)
                return
        self._persist()

    def _persist(self) -> None:
        """What a killed process left may be in the page cache only; what is read from here on is on the disk.

        A checkpoint syncs the log before it copies anything (wal.c, walCheckpoint), so it needs no room for that.
        """
        with contextlib.suppress(apsw.FullError):
            self._raw.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _migrate_from(self, version: int) -> None:
        tx = self._connection.begin()
        try:
            migrate(tx, version, _WORDS)
            self._raw.execute(f"PRAGMA user_version={VERSION}")
            self._connection.commit()
        finally:
            self._connection.rollback()

    def write(self, fn: Callable[[Tx], T], *, durable: bool = True) -> T:
        """See `Records.write`."""
        while True:  # each turn uses up a reserve
            with contextlib.suppress(_TryAgain):
                return self._group.submit(fn, durable=durable)  # type: ignore[no-any-return]  # fn's own type

    def peek(self) -> Tx:
        """The connection itself, for whoever knows that no transaction is under way: the simulation's invariants."""
        return _SqliteTx(self._raw)

    def read(self, fn: Callable[[Tx], T]) -> T:
        """See `Records.read`."""
        return self._group.read(fn)  # type: ignore[no-any-return]  # fn's own type

    def backup(self, target: str) -> None:
        """Copy the database to `target`, stamped so that it resumes nothing until told to; raise Invalid or Refused."""
        try:
            fd = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Invalid(f"{target} cannot be made: {error.strerror}.", "Choose a new file.") from error
        try:
            copy = apsw.Connection(target)
            self._group.read(lambda _tx: self._copy_to(copy))
            copy.execute("PRAGMA journal_mode=DELETE")
            copy.execute("INSERT OR REPLACE INTO meta(name, value) VALUES('stamped', 1)")
            copy.close()
            os.fsync(fd)
        finally:
            os.close(fd)

    def _copy_to(self, copy: apsw.Connection) -> None:
        self._raw.execute("ROLLBACK")  # a backup reads for itself, and nobody else writes meanwhile
        with copy.backup("main", self._raw, "main") as job:
            job.step()

    def close(self) -> None:
        """Close the connection; a transaction under way is rolled back."""
        self._raw.close(True)
