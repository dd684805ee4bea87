"""PostgreSQL by psycopg 3: SERIALIZABLE, retried. The database must compare text bytewise (LOCALE 'C')."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import psycopg
from psycopg import errors, sql

from holdfast.model.errors import Unavailable
from holdfast.records.contract import Records, Row, Tx, Value, migrate
from holdfast.records.schema import VERSION
from holdfast.runtime.api import Runtime

T = TypeVar("T")
_WORDS = {"int": "BIGINT", "real": "DOUBLE PRECISION", "text": "TEXT", "strict": ""}
_MOST_TRIES = 100
# Two that insert the same key at once may be told so before they are told to try again: rerun, `fn` looks first.
_CONFLICTS = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)
# Any number, the same for all who migrate.
_MIGRATION_LOCK = 4837


class _PostgresTx(Tx):
    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def _execute(self, statement: str, values: Sequence[Value]) -> "psycopg.Cursor[Row]":
        text = cast("Any", statement.replace("%", "%%").replace("?", "%s"))
        return self._connection.execute(sql.SQL(text), values, prepare=True)

    def run(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        cursor = self._execute(sql, values)
        return cursor.fetchall() if cursor.description else []

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        return self._execute(sql, values).rowcount


class PostgresRecords(Records):
    """The clustered truth. One connection per instance until clusters need more."""

    def __init__(self, runtime: Runtime, dsn: str, *, twice: bool = False) -> None:
        self._runtime = runtime
        self._turn = runtime.condition()
        self._twice = twice
        try:
            self._raw: psycopg.Connection[Row] = psycopg.connect(dsn)
        except psycopg.OperationalError as error:
            raise Unavailable(f"PostgreSQL cannot be reached: {error}") from error
        self._raw.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        self._tx = _PostgresTx(self._raw)
        try:
            self._check_collation()
            self._migrate_alone()
        except BaseException:
            self._raw.close()
            raise

    def _check_collation(self) -> None:
        """By a look at how it compares too: datcollate says nothing where ICU is the provider."""
        row = self._raw.execute(
            """SELECT datcollate IN ('C', 'POSIX') AND 'Z' < 'a' AND 'a-b' < 'aab', pg_encoding_to_char(encoding)
               FROM pg_database WHERE datname=current_database()"""
        ).fetchone()
        self._raw.rollback()
        if row is None or not row[0] or row[1] != "UTF8":
            raise Unavailable(
                "The database does not compare text bytewise, or does not store UTF-8.",
                "Create it with ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0.",
            )

    def _migrate_alone(self) -> None:
        """Daemons that start at once would make the same tables; the lock is the session's, and ends with it."""
        self._raw.execute(sql.SQL("SELECT pg_advisory_lock({})").format(_MIGRATION_LOCK))
        self._raw.commit()
        self.write(self._migrate)
        self._raw.execute(sql.SQL("SELECT pg_advisory_unlock({})").format(_MIGRATION_LOCK))
        self._raw.commit()

    def _migrate(self, tx: Tx) -> None:
        tx.run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
        rows = tx.run("SELECT version FROM schema_version")
        version = int(rows[0][0]) if rows else 0
        migrate(tx, version, _WORDS)
        tx.run("DELETE FROM schema_version")
        tx.run("INSERT INTO schema_version(version) VALUES(?)", (VERSION,))

    def write(self, fn: Callable[[Tx], T], *, durable: bool = True) -> T:  # noqa: ARG002  a server can fall alone
        """See `Records.write`; always durable. A serialisation failure reruns `fn`."""
        with self._turn:
            if self._twice:
                self._retrying(fn, keep=False)
            return self._retrying(fn, keep=True)

    def read(self, fn: Callable[[Tx], T]) -> T:
        """See `Records.read`; at this level a read can meet a serialisation failure too."""
        with self._turn:
            return self._retrying(fn, keep=False)

    def _retrying(self, fn: Callable[[Tx], T], *, keep: bool) -> T:
        conflict: Exception | None = None
        for _ in range(_MOST_TRIES):
            try:
                with self._raw.transaction(force_rollback=not keep):
                    return fn(self._tx)
            except _CONFLICTS as error:
                conflict = error
            except psycopg.OperationalError as error:
                raise Unavailable(f"PostgreSQL went away: {error}") from error
        raise Unavailable(f"PostgreSQL refused a transaction {_MOST_TRIES} times: {conflict}") from conflict

    def close(self) -> None:
        """Close the connection."""
        self._raw.close()
