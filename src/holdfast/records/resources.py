"""Resources in the database: one table, the body as JSON, what is searched or summed as columns."""

from collections.abc import Sequence
from typing import TypeVar, cast

import msgspec

from holdfast.model.errors import Exists, NotFound
from holdfast.model.resources import Attachment, Member, Pool, Resource, Snapshot, Volume, labels_of, state_of
from holdfast.records.contract import Tx, Value

R = TypeVar("R", Member, Pool, Volume, Snapshot, Attachment)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Resource).decode


def _tag(kind: type[R] | type[Resource]) -> str:
    return str(kind.__struct_config__.tag)


def _size(resource: Resource) -> int:
    return resource.spec.size if isinstance(resource, Volume) else 0


def _as(kind: type[R], body: object) -> R:
    found = _decode(str(body))
    if not isinstance(found, kind):
        raise TypeError(f"expected a {_tag(kind)}, the database holds a {_tag(type(found))}")
    return found


def insert(tx: Tx, resource: Resource) -> None:
    """Reserve the row; raise Exists if the name is taken."""
    kind = _tag(type(resource))
    if tx.run("SELECT 1 FROM resources WHERE kind=? AND parent=? AND name=?", (kind, resource.parent, resource.name)):
        raise Exists(f"A {kind} named {resource.name} exists already.")
    tx.run(
        "INSERT INTO resources(uid, kind, parent, name, provisioned, state, body) VALUES(?, ?, ?, ?, ?, ?, ?)",
        (resource.uid, kind, resource.parent, resource.name, _size(resource), state_of(resource), _body(resource)),
    )
    _label(tx, resource)


def _body(resource: Resource) -> str:
    return _encode(resource).decode()


def _label(tx: Tx, resource: Resource) -> None:
    for name, value in labels_of(resource).items():
        tx.run("INSERT INTO labels(uid, name, value) VALUES(?, ?, ?)", (resource.uid, name, value))


def update(tx: Tx, resource: Resource) -> None:
    """Replace the row with the same uid; raise NotFound if there is none."""
    changed = tx.change(
        "UPDATE resources SET parent=?, name=?, provisioned=?, state=?, body=? WHERE uid=?",
        (resource.parent, resource.name, _size(resource), state_of(resource), _body(resource), resource.uid),
    )
    if not changed:
        raise NotFound(f"The {_tag(type(resource))} {resource.uid} is not recorded.")
    tx.run("DELETE FROM labels WHERE uid=?", (resource.uid,))
    _label(tx, resource)


def delete(tx: Tx, uid: str) -> None:
    """Remove the row, if it is there."""
    tx.run("DELETE FROM resources WHERE uid=?", (uid,))
    tx.run("DELETE FROM labels WHERE uid=?", (uid,))


def by_uid(tx: Tx, kind: type[R], uid: str) -> R | None:
    """The resource of that kind and uid."""
    rows = tx.run("SELECT body FROM resources WHERE uid=? AND kind=?", (uid, _tag(kind)))
    return _as(kind, rows[0][0]) if rows else None


def by_name(tx: Tx, kind: type[R], parent: str, name: str) -> R | None:
    """The resource of that kind and name below `parent`."""
    rows = tx.run("SELECT body FROM resources WHERE kind=? AND parent=? AND name=?", (_tag(kind), parent, name))
    return _as(kind, rows[0][0]) if rows else None


def page(tx: Tx, kind: type[R], parent: str | None = None, after: str = "", most: int = 1 << 31) -> list[R]:
    """Up to `most` resources of a kind in order of (parent, name), below `parent` or all, after a name."""
    if parent is None:
        rows = tx.run("SELECT body FROM resources WHERE kind=? ORDER BY parent, name LIMIT ?", (_tag(kind), most))
    else:
        rows = tx.run(
            "SELECT body FROM resources WHERE kind=? AND parent=? AND name>? ORDER BY name LIMIT ?",
            (_tag(kind), parent, after, most),
        )
    return [_as(kind, row[0]) for row in rows]


class Filter(msgspec.Struct, frozen=True):
    """What a list is narrowed to: a state, labels as (name, value), a value of None meaning any; all states but one."""

    state: str = ""
    labels: tuple[tuple[str, str | None], ...] = ()
    without: str = ""


def search(tx: Tx, kind: type[R], parent: str, filter_: Filter, after: str, most: int) -> list[R]:
    """A page as by `page`, of what passes the filter."""
    return [_as(kind, body) for _uid, _name, body in search_raw(tx, kind, parent, filter_, after, most)]


def parse(kind: type[R], body: str) -> R:
    """The resource, from a body that `search_raw` found."""
    return _as(kind, body)


def search_raw(
    tx: Tx, kind: type[R], parent: str, filter_: Filter, after: str, most: int
) -> list[tuple[str, str, str]]:
    """The same as (uid, name, body): what did not change since it was last read need not be read again."""
    where = ["kind=?", "parent=?", "name>?"]
    values: list[Value] = [_tag(kind), parent, after]
    if filter_.state:
        where.append("state=?")
        values.append(filter_.state)
    if filter_.without:
        where.append("state<>?")
        values.append(filter_.without)
    for name, value in filter_.labels:
        same = "" if value is None else " AND l.value=?"
        where.append(f"EXISTS (SELECT 1 FROM labels l WHERE l.uid=resources.uid AND l.name=?{same})")
        values.append(name)
        if value is not None:
            values.append(value)
    sql = f"SELECT uid, name, body FROM resources WHERE {' AND '.join(where)} ORDER BY name LIMIT ?"
    return cast("list[tuple[str, str, str]]", tx.run(sql, (*values, most)))


# Below the limit of both databases on the parameters of one statement.
_AT_ONCE = 500


def attachments(tx: Tx, *, volumes: Sequence[str] = (), paths: Sequence[str] = ()) -> list[Attachment]:
    """The attachments of these volumes, or at these paths, in order of path."""
    column, wanted = ("parent", list(volumes)) if volumes else ("name", list(paths))
    found: list[Attachment] = []
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        marks = ", ".join("?" for _ in part)
        sql = f"SELECT body FROM resources WHERE kind='attachment' AND {column} IN ({marks}) ORDER BY name"
        found.extend(_as(Attachment, row[0]) for row in tx.run(sql, part))
    return found


def snapshots(tx: Tx, parent: str, after: str, most: int, volume: str = "") -> list[Snapshot]:
    """Up to `most`, of all volumes or one, in order of (parent, name), behind that place."""
    narrowed, values = ("AND parent=? ", (volume,)) if volume else ("", ())
    sql = f"SELECT body FROM resources WHERE kind='snapshot' {narrowed}AND (parent, name) > (?, ?)"
    rows = tx.run(f"{sql} ORDER BY parent, name LIMIT ?", (*values, parent, after, most))
    return [_as(Snapshot, row[0]) for row in rows]


def snapshots_named(tx: Tx, name: str) -> list[Snapshot]:
    """Of all volumes."""
    rows = tx.run("SELECT body FROM resources WHERE kind='snapshot' AND name=? ORDER BY parent", (name,))
    return [_as(Snapshot, row[0]) for row in rows]


def snapshots_of_group(tx: Tx, group: str) -> list[Snapshot]:
    """Those that were taken together; `group` is a uid."""
    sql = "SELECT body FROM resources WHERE kind='snapshot' AND body LIKE ? ORDER BY parent"
    rows = [_as(Snapshot, row[0]) for row in tx.run(sql, (f'%"group":"{group}"%',))]
    return [row for row in rows if row.spec.group == group]  # a label can read the same


def count(tx: Tx, kind: type[R]) -> int:
    """How many there are of a kind."""
    return int(tx.run("SELECT COUNT(*) FROM resources WHERE kind=?", (_tag(kind),))[0][0])


def has_children(tx: Tx, kind: type[R], parent: str) -> bool:
    """Whether any resource of that kind is below `parent`."""
    return bool(tx.run("SELECT 1 FROM resources WHERE kind=? AND parent=? LIMIT 1", (_tag(kind), parent)))


def provisioned(tx: Tx, pool: str) -> int:
    """The sum of the sizes of a pool's volumes in bytes, as the rows say now."""
    # In two parts, since the sum of eight sizes of an exbibyte is more than SQLite's SUM can hold.
    rows = tx.run(
        """SELECT COALESCE(SUM(provisioned / 1048576), 0), COALESCE(SUM(provisioned % 1048576), 0)
           FROM resources WHERE parent=? AND kind='volume'""",
        (pool,),
    )
    return int(rows[0][0]) * 1048576 + int(rows[0][1])
