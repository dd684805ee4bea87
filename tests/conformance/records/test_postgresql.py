"""What only PostgreSQL promises: several daemons over one database."""

import itertools
import threading
from collections.abc import Iterator

import psycopg
import pytest
from lab.postgres import Server

from holdfast.model.errors import Exists, SchemaTooNew, Unavailable
from holdfast.records import meta, operations, resources
from holdfast.records.contract import Tx
from holdfast.records.postgres import PostgresRecords
from holdfast.runtime.threads import ThreadRuntime
from tests.conformance.records.rows import operation, volume

_serial = itertools.count()


@pytest.fixture
def dsn(server: Server) -> str:
    """An empty database."""
    return server.create_database(f"own_{next(_serial)}")


@pytest.fixture
def daemons(dsn: str) -> Iterator[list[PostgresRecords]]:
    """Four daemons over one database, the first transaction of each rehearsed."""
    found = [PostgresRecords(ThreadRuntime(), dsn, twice=True) for _ in range(4)]
    yield found
    for records in found:
        records.close()


def _all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_conflicts_between_daemons_are_retried_and_lose_nothing(daemons: list[PostgresRecords]) -> None:
    runs: list[int] = []
    answers: list[int] = []

    def one(records: PostgresRecords) -> None:
        def fn(tx: Tx) -> int:
            runs.append(1)
            return meta.advance(tx, "n")

        answers.extend(records.write(fn) for _ in range(25))

    daemons[0].write(lambda tx: meta.put(tx, "n", 0))
    _all([threading.Thread(target=one, args=(records,)) for records in daemons])
    assert sorted(answers) == list(range(1, 101))
    assert len(runs) > 200, "no conflict arose, so nothing was proven"


def test_daemons_draw_numbers_of_the_queue_without_twins(daemons: list[PostgresRecords]) -> None:
    errors: list[Exception] = []
    answers: list[int] = []

    def one(n: int, records: PostgresRecords) -> None:
        for k in range(20):
            try:
                answers.append(records.write(lambda tx: operations.insert(tx, operation(f"o{n}-{k}"))).seq)  # noqa: B023
            except Exception as error:  # noqa: BLE001 - looked at below
                errors.append(error)

    _all([threading.Thread(target=one, args=(n, records)) for n, records in enumerate(daemons)])
    assert errors == []
    assert sorted(answers) == list(range(1, 81))


def test_of_daemons_that_want_one_name_one_gets_it(daemons: list[PostgresRecords]) -> None:
    for k in range(10):
        answers: list[object] = []

        def one(n: int, records: PostgresRecords, k: int = k, answers: list[object] = answers) -> None:
            try:
                answers.append(records.write(lambda tx: resources.insert(tx, volume(f"u{n}-{k}", f"same-{k}"))))
            except Exception as error:  # noqa: BLE001 - looked at below
                answers.append(error)

        _all([threading.Thread(target=one, args=(n, records)) for n, records in enumerate(daemons)])
        assert sorted(type(answer).__name__ for answer in answers) == [Exists.__name__] * 3 + ["NoneType"]


def test_daemons_that_start_at_once_migrate_once(dsn: str) -> None:
    errors: list[Exception] = []
    found: list[PostgresRecords] = []

    def one() -> None:
        try:
            found.append(PostgresRecords(ThreadRuntime(), dsn))
        except Exception as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    _all([threading.Thread(target=one) for _ in range(6)])
    for records in found:
        records.close()
    assert errors == []


@pytest.mark.parametrize(
    "options",
    [
        "ENCODING 'UTF8' LOCALE 'C.UTF-8'",
        "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
        "ENCODING 'SQL_ASCII' LOCALE 'C'",
    ],
)
def test_a_database_that_compares_text_otherwise_is_refused(server: Server, options: str) -> None:
    dsn = server.create_database(f"other_{next(_serial)}", options)
    with pytest.raises(Unavailable, match="bytewise") as caught:
        PostgresRecords(ThreadRuntime(), dsn)
    assert "LOCALE 'C'" in caught.value.hint


def test_a_newer_schema_is_refused_with_what_to_do(dsn: str) -> None:
    PostgresRecords(ThreadRuntime(), dsn).close()
    with psycopg.connect(dsn) as raw:
        raw.execute("UPDATE schema_version SET version=99")
    with pytest.raises(SchemaTooNew, match="schema 99") as caught:
        PostgresRecords(ThreadRuntime(), dsn)
    assert "backup" in caught.value.hint


def test_a_server_that_is_not_there_is_unavailable(tmp_path: object) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        PostgresRecords(ThreadRuntime(), f"host={tmp_path} dbname=x user=x")


def test_a_connection_that_is_lost_is_unavailable_never_success(server: Server, dsn: str) -> None:
    records = PostgresRecords(ThreadRuntime(), dsn)
    server.execute(f"SELECT pg_terminate_backend({records._raw.info.backend_pid})")
    for _ in range(2):
        with pytest.raises(Unavailable):
            records.write(lambda tx: meta.advance(tx, "n"))
        with pytest.raises(Unavailable):
            records.read(lambda tx: meta.get(tx, "n"))
    again = PostgresRecords(ThreadRuntime(), dsn)
    assert again.read(lambda tx: meta.get(tx, "n")) == 0
    again.close()
