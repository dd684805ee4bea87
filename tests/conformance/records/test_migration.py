"""A database of schema 1, as the first release wrote it: opened, brought up to date, and as useful as a new one."""

import contextlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import apsw
import msgspec
import psycopg
import pytest
from lab.postgres import Server

from holdfast.engine.engine import KEEP_OPERATIONS
from holdfast.model.resources import Attachment, Member, Pool, Volume, state_of
from holdfast.records import claims, operations, resources, tokens
from holdfast.records.contract import Records
from holdfast.records.postgres import PostgresRecords
from holdfast.records.resources import Filter
from holdfast.records.schema import MIGRATIONS
from holdfast.records.sqlite import SqliteRecords
from holdfast.records.tokens import TokenRow
from holdfast.runtime.threads import ThreadRuntime
from tests.conformance.records.rows import operation, volume

R = TypeVar("R", Pool, Volume)
_serial = itertools.count()
_ABANDONED = '{"type":"Abandoned","status":true,"since":2.5,"reason":"the disk is gone"}'
_OVER = '{"type":"Abandoned","status":false,"since":2.5,"reason":""}'


def _body(kind: str, uid: str, name: str, parent: str, spec: str, status: str, conditions: str = "") -> str:
    return (
        f'{{"type":"{kind}","uid":"{uid}","name":"{name}","parent":"{parent}","created":1.5,"generation":1,'
        f'"conditions":[{conditions}],"operation":"","spec":{spec},"status":{status}}}'
    )


def _pool(uid: str, name: str, ready: str, conditions: str = "") -> tuple[str, str, str, str, int, str]:
    spec = '{"driver":"dir","config":{"source":"/srv/\\"status\\":{\\"ready\\":false"},"limit":null}'
    status = f'{{"ready":{ready},"identity":{{}}}}'
    return uid, "pool", "", name, 0, _body("pool", uid, name, "", spec, status, conditions)


def _volume(uid: str, name: str, ready: str, conditions: str = "") -> tuple[str, str, str, str, int, str]:
    status = f'{{"ready":{ready},"formatted":"never","fs_uuid":null}}'
    spec = '{"size":1048576,"content":"directory","fs":null}'
    return uid, "volume", "p1", name, 1048576, _body("volume", uid, name, "p1", spec, status, conditions)


_MOUNT_SPEC = '{"volume":"v1","member":"m","path":"/mnt/a","read_only":false}'
_RESOURCES = [
    ("m", "member", "", "host", 0, _body("member", "m", "host", "", '{"hostname":"host"}', "null")),
    _pool("p1", "fast", "true"), _pool("p2", "new", "false"), _pool("p3", "dead", "true", _ABANDONED),
    _volume("v1", "ready", "true"), _volume("v2", "making", "false"), _volume("v3", "gone", "false", _ABANDONED),
    _volume("v4", "settled", "true", _OVER),
    ("a1", "attachment", "v1", "/mnt/a", 0, _body("attachment", "a1", "/mnt/a", "v1", _MOUNT_SPEC, '{"ready":true}')),
]  # fmt: skip
_OLD = [
    operation("o1", seq=1, state="done", ended=5.0), operation("o2", seq=2, state="undone", ended=6.0),
    operation("o3", seq=3, state="parked", reason="the pool is away"), operation("o4", seq=4, state="queued"),
]  # fmt: skip
_COLUMNS = [name for name in operations.OperationRow.__struct_fields__ if name != "changed"]


def _fill(execute: Callable[[str, tuple[object, ...]], object], words: dict[str, str]) -> None:
    """Schema 1 and its rows."""
    for statement in MIGRATIONS[0]:
        execute(statement.format(**words), ())
    for row in _RESOURCES:
        execute("INSERT INTO resources(uid, kind, parent, name, provisioned, body) VALUES(?, ?, ?, ?, ?, ?)", row)
    marks = ", ".join("?" for _ in _COLUMNS)
    for old in _OLD:
        values = tuple(getattr(old, name) for name in _COLUMNS)
        execute(f"INSERT INTO operations({', '.join(_COLUMNS)}) VALUES({marks})", values)
    execute("INSERT INTO claims(op, seq, item, mode) VALUES(?, ?, ?, ?)", ("o3", 1, "v2", "exclusive"))
    execute("INSERT INTO meta(name, value) VALUES(?, ?)", ("counter", 7))


def _sqlite(path: Path) -> Callable[[], Records]:
    raw = apsw.Connection(str(path))
    with raw:
        _fill(raw.execute, {"int": "INTEGER", "real": "REAL", "text": "TEXT", "strict": "STRICT"})
    raw.pragma("user_version", 1)
    raw.close()
    return lambda: SqliteRecords(ThreadRuntime(), str(path), twice=True)


def _postgresql(dsn: str) -> Callable[[], Records]:
    with psycopg.connect(dsn) as raw:
        _fill(
            lambda sql, values: raw.execute(sql.replace("?", "%s").encode(), values or None),
            {"int": "BIGINT", "real": "DOUBLE PRECISION", "text": "TEXT", "strict": ""},
        )
        raw.execute("CREATE TABLE schema_version (version BIGINT NOT NULL)")
        raw.execute("INSERT INTO schema_version(version) VALUES(1)")
    return lambda: PostgresRecords(ThreadRuntime(), dsn, twice=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def opens(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Records]:
    """Opens the same old database; each is to be closed before the next."""
    if request.param == "sqlite":
        return _sqlite(tmp_path / "holdfast.db")
    server: Server = request.getfixturevalue("server")
    return _postgresql(server.create_database(f"migration_{next(_serial)}"))


def _found(records: Records, kind: type[R], parent: str, state: str) -> list[str]:
    found = records.read(lambda tx: resources.search(tx, kind, parent, Filter(state), "", 100))
    assert all(state_of(each) == state for each in found)
    return [each.name for each in found]


def test_all_that_was_there_is_there_and_is_found_by_its_state(opens: Callable[[], Records]) -> None:
    with contextlib.closing(opens()) as records:
        assert _found(records, Pool, "", "ready") == ["fast"]
        assert _found(records, Pool, "", "making") == ["new"]
        assert _found(records, Pool, "", "abandoned") == ["dead"]
        assert _found(records, Volume, "p1", "ready") == ["ready", "settled"]
        assert _found(records, Volume, "p1", "making") == ["making"]
        assert _found(records, Volume, "p1", "abandoned") == ["gone"]
        assert [each.uid for each in records.read(lambda tx: resources.page(tx, Member))] == ["m"]
        assert [each.uid for each in records.read(lambda tx: resources.attachments(tx, paths=["/mnt/a"]))] == ["a1"]
        assert [each.uid for each in records.read(lambda tx: resources.page(tx, Attachment))] == ["a1"]
        assert records.read(lambda tx: resources.provisioned(tx, "p1")) == 4 << 20


def test_what_was_there_can_be_labelled(opens: Callable[[], Records]) -> None:
    with contextlib.closing(opens()) as records:
        found = records.read(lambda tx: resources.by_uid(tx, Volume, "v1"))
        assert found is not None
        assert found.spec.labels == {}
        records.write(lambda tx: resources.update(tx, _labelled(found)))
        by_label = Filter("ready", (("a", "b"),))
        named = records.read(lambda tx: resources.search(tx, Volume, "p1", by_label, "", 100))
        assert [each.uid for each in named] == ["v1"]


def _labelled(found: Volume) -> Volume:
    return msgspec.structs.replace(found, spec=msgspec.structs.replace(found.spec, labels={"a": "b"}))


def test_operations_are_as_they_were_and_their_next_changes_are_numbered(opens: Callable[[], Records]) -> None:
    with contextlib.closing(opens()) as records:
        assert [row.id for row in records.read(operations.page)] == ["o4", "o3", "o2", "o1"]
        assert records.read(lambda tx: operations.unended(tx, "m")) == _OLD[2:]
        assert records.read(operations.latest) == 0
        assert records.read(lambda tx: operations.since(tx, 0, 100)) == []
        epoch = records.write(lambda tx: operations.new_epoch(tx, "o3"))
        assert records.write(lambda tx: operations.change(tx, "o3", epoch, state="done")) == 1
        records.write(lambda tx: operations.insert(tx, operation("o5")))
        assert [(row.id, row.changed) for row in records.read(lambda tx: operations.since(tx, 0, 100))] == [
            ("o3", 1), ("o5", 2),
        ]  # fmt: skip
        assert [row.seq for row in records.read(lambda tx: operations.page(tx, most=1))] == [5]
        assert records.read(claims.held) == [("o3", "v2", "exclusive")]


def test_old_operations_are_pruned_as_ever(opens: Callable[[], Records]) -> None:
    with contextlib.closing(opens()) as records:
        records.write(lambda tx: operations.insert(tx, operation("o5", state="done", ended=7.0)))
        assert records.write(lambda tx: operations.prune(tx, KEEP_OPERATIONS, 100, keep=0)) == 2
        assert [row.id for row in records.read(operations.page)] == ["o5", "o4", "o3"]


def test_it_is_migrated_once(opens: Callable[[], Records]) -> None:
    put = TokenRow("i", "name", "admin", "0" * 64, 1.5, 0.0)
    with contextlib.closing(opens()) as records:
        records.write(lambda tx: tokens.insert(tx, put))
        records.write(lambda tx: resources.insert(tx, volume("v9", "new", "p1")))
    with contextlib.closing(opens()) as records:
        assert records.read(tokens.every) == [put]
        assert _found(records, Volume, "p1", "making") == ["making", "new"]


def test_a_migration_that_fails_half_way_leaves_the_old_database(
    opens: Callable[[], Records], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (MIGRATIONS[0], (*MIGRATIONS[1][:4], "SELECT nonsense FROM nowhere"))
    with monkeypatch.context() as patch:
        patch.setattr("holdfast.records.contract.MIGRATIONS", broken)
        with pytest.raises(Exception, match="nowhere"):
            opens()
    with contextlib.closing(opens()) as records:
        assert _found(records, Pool, "", "making") == ["new"]
