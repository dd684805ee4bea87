"""The records on both engines, and as the simulation has them. Each fn runs twice: it must be rerunnable."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab.postgres import Server, binaries, postgres

from holdfast.records.contract import Records
from holdfast.records.postgres import PostgresRecords
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.power.disk import Disk
from holdfast.testing.power.vfs import MemoryVfs

Open = Callable[[], Records]
_serial = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One PostgreSQL for all tests."""
    if not binaries():
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed, and CI skips nothing")
        pytest.skip("needs PostgreSQL")
    with postgres() as running:
        yield running


@pytest.fixture
def memory() -> Iterator[MemoryVfs]:
    """A disk of the simulation's."""
    vfs = MemoryVfs(Disk())
    yield vfs
    vfs.close()


@pytest.fixture(params=["sqlite", "sqlite in memory", "postgresql"])
def open_records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same database as often as asked; SQLite's can be open once at a time."""
    opened: list[Records] = []
    if request.param == "sqlite":

        def make() -> Records:
            return SqliteRecords(ThreadRuntime(), str(tmp_path / "holdfast.db"), twice=True)
    elif request.param == "sqlite in memory":
        vfs: MemoryVfs = request.getfixturevalue("memory")

        def make() -> Records:
            return SqliteRecords(ThreadRuntime(), "holdfast.db", twice=True, vfs=vfs.name)
    else:
        running: Server = request.getfixturevalue("server")
        dsn = running.create_database(f"records_{next(_serial)}")

        def make() -> Records:
            return PostgresRecords(ThreadRuntime(), dsn, twice=True)

    def opens() -> Records:
        opened.append(make())
        return opened[-1]

    yield opens
    for records in opened:
        records.close()


@pytest.fixture
def records(open_records: Open) -> Records:
    """An empty database."""
    return open_records()
