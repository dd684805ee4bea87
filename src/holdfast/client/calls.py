"""What can be asked of the REST face, one function a route: both clients send these, and know nothing else of it."""

from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from holdfast.model.errors import Invalid
from holdfast.model.operations import OperationView
from holdfast.model.resources import Content, FileSystem
from holdfast.model.views import (
    ConnectionPage,
    DeletedPage,
    FindingPage,
    HealthView,
    MountPage,
    MountView,
    NewTokenView,
    OperationPage,
    PoolPage,
    PoolView,
    ResumeView,
    Role,
    SnapshotPage,
    SnapshotView,
    StatusView,
    TokenPage,
    TokenView,
    UsageView,
    VolumePage,
    VolumeView,
)

T = TypeVar("T")
PAGE = 500
# Seconds for what takes its time at the daemon: an audit, a copy of the database.
LONG = 3600.0
# Seconds that the daemon waits at most in one request.
LONGEST_WAIT = 3600.0


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One request: how, where, what, and the type of its answer; `bytes` is an answer as it is, not JSON.

    `wait` is for how many seconds the daemon shall wait for an operation, `slow` how many more than usual its answer
    may take. `keyed` says that the daemon knows the request again by its Idempotency-Key, `key` is the caller's own.
    """

    kind: type[T]
    method: str = "GET"
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    wait: float | None = None
    slow: float = 0.0
    keyed: bool = False
    key: str = ""
    if_match: str = ""
    last_event: str = ""

    @property
    def target(self) -> str:
        """Path and query, as they are sent."""
        query = self.query if self.wait is None else (*self.query, ("wait", f"{self.wait:.3f}"))
        return self.path + (f"?{urlencode(query)}" if query else "")

    @property
    def longer(self) -> float:
        """How many seconds more than usual its answer may take."""
        return self.slow + (self.wait or 0.0)

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent twice and is done once."""
        return self.method == "GET" or self.keyed


def _q(text: str) -> str:
    # A path is decoded before its parts are told apart: a slash, or nothing, would ask for something else.
    if text in ("", ".", "..") or "/" in text:
        raise Invalid(f"{ascii(text)} is not a name.", "Names have 1 to 63 letters, digits, '.', '_' or '-'.")
    return quote(text, safe="")


def _checked(wait: float | None) -> float | None:
    if wait is not None and not 0 <= wait <= LONGEST_WAIT:
        raise Invalid(
            f"{wait:g} is not for how many seconds a request can wait.",
            f"Give it 0 to {LONGEST_WAIT:g}; the client's `wait` waits for an operation as long as it takes.",
        )
    return wait


def _pool(name: str) -> str:
    return f"/v1/pools/{_q(name)}"


def _volume(pool: str, name: str) -> str:
    return f"{_pool(pool)}/volumes/{_q(name)}"


def _query(**given: object) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in given.items() if value not in ("", None))


def _labels(labels: dict[str, str | None] | None) -> tuple[tuple[str, str], ...]:
    return tuple(("label", name if value is None else f"{name}={value}") for name, value in (labels or {}).items())


def _change(
    method: str,
    path: str,
    body: Any = None,
    *,
    wait: float | None = None,
    key: str = "",
    if_match: str = "",
    **query: str,
) -> Call[OperationView]:
    return Call(
        kind=OperationView, method=method, path=path, body=body, query=_query(**query), wait=_checked(wait),
        keyed=True, key=key, if_match=if_match,
    )  # fmt: skip


def pools(state: str = "", labels: dict[str, str | None] | None = None, cursor: str = "") -> Call[PoolPage]:
    """A page of pools."""
    return Call(kind=PoolPage, path="/v1/pools", query=_query(state=state, cursor=cursor, limit=PAGE) + _labels(labels))


def pool(name: str) -> Call[PoolView]:
    """One pool."""
    return Call(kind=PoolView, path=_pool(name))


def create_pool(
    name: str,
    config: dict[str, str],
    driver: str,
    limit: int | str | None,
    labels: dict[str, str] | None,
    wait: float | None,
    key: str,
) -> Call[OperationView]:
    """Create a pool."""
    body = {"name": name, "driver": driver, "config": config, "limit": limit, "labels": labels or {}}
    return _change("POST", "/v1/pools", body, wait=wait, key=key)


def import_pool(
    name: str, config: dict[str, str], driver: str, labels: dict[str, str] | None, wait: float | None, key: str, *,
    take_over: bool,
) -> Call[OperationView]:  # fmt: skip
    """Bring a pool that no record knows into the records."""
    body = {"driver": driver, "config": config, "take_over": take_over, "labels": labels or {}}
    return _change("POST", f"{_pool(name)}/import", body, wait=wait, key=key)


def adopt(name: str, uids: list[str] | None, wait: float | None, key: str) -> Call[OperationView]:
    """Record what is whole in a pool and has no record."""
    return _change("POST", f"{_pool(name)}/adopt", {"uids": uids or []}, wait=wait, key=key)


def deleted(name: str) -> Call[DeletedPage]:
    """What a pool's back end still keeps of what was deleted."""
    return Call(kind=DeletedPage, path=f"{_pool(name)}/deleted")


def recover(name: str, uid: str, wait: float | None, key: str) -> Call[OperationView]:
    """Bring back what was deleted."""
    return _change("POST", f"{_pool(name)}/recover", {"uid": uid}, wait=wait, key=key)


def change_pool(name: str, changes: dict[str, Any], wait: float | None, key: str, if_match: str) -> Call[OperationView]:
    """Change a pool's limit or labels."""
    return _change("PATCH", _pool(name), changes, wait=wait, key=key, if_match=if_match)


def delete_pool(name: str, wait: float | None, key: str, if_match: str, *, forget: bool) -> Call[OperationView]:
    """Delete an empty pool, or forget it."""
    query = {"forget": "true"} if forget else {}
    return _change("DELETE", _pool(name), wait=wait, key=key, if_match=if_match, **query)


def volumes(
    pool_name: str, state: str = "", labels: dict[str, str | None] | None = None, cursor: str = ""
) -> Call[VolumePage]:
    """A page of a pool's volumes."""
    query = _query(state=state, cursor=cursor, limit=PAGE) + _labels(labels)
    return Call(kind=VolumePage, path=f"{_pool(pool_name)}/volumes", query=query)


def volume(pool_name: str, name: str) -> Call[VolumeView]:
    """One volume."""
    return Call(kind=VolumeView, path=_volume(pool_name, name))


def usage(pool_name: str, name: str) -> Call[UsageView]:
    """What a volume takes."""
    return Call(kind=UsageView, path=f"{_volume(pool_name, name)}/usage")


def create_volume(
    pool_name: str,
    name: str,
    size: int | str,
    content: Content,
    fs: FileSystem | None,
    labels: dict[str, str] | None,
    wait: float | None,
    key: str,
) -> Call[OperationView]:
    """Create a volume."""
    body = {"name": name, "size": size, "content": content, "fs": fs, "labels": labels or {}}
    return _change("POST", f"{_pool(pool_name)}/volumes", body, wait=wait, key=key)


def change_volume(
    pool_name: str, name: str, changes: dict[str, Any], wait: float | None, key: str, if_match: str
) -> Call[OperationView]:
    """Rename or label a volume."""
    return _change("PATCH", _volume(pool_name, name), changes, wait=wait, key=key, if_match=if_match)


def delete_volume(pool_name: str, name: str, wait: float | None, key: str, if_match: str) -> Call[OperationView]:
    """Delete a volume."""
    return _change("DELETE", _volume(pool_name, name), wait=wait, key=key, if_match=if_match)


def volume_verb(pool_name: str, name: str, verb: str, wait: float | None, key: str) -> Call[OperationView]:
    """`check` or `trim` a volume."""
    return _change("POST", f"{_volume(pool_name, name)}/{verb}", wait=wait, key=key)


def _snapshot(pool: str, volume: str, name: str) -> str:
    return f"{_volume(pool, volume)}/snapshots/{_q(name)}"


def snapshots(
    pool: str, volume_name: str, state: str = "", labels: dict[str, str | None] | None = None, cursor: str = ""
) -> Call[SnapshotPage]:
    """A page of a volume's snapshots."""
    query = _query(state=state, cursor=cursor, limit=PAGE) + _labels(labels)
    return Call(kind=SnapshotPage, path=f"{_volume(pool, volume_name)}/snapshots", query=query)


def snapshot(pool: str, volume_name: str, name: str) -> Call[SnapshotView]:
    """One snapshot."""
    return Call(kind=SnapshotView, path=_snapshot(pool, volume_name, name))


def snapshot_usage(pool: str, volume_name: str, name: str) -> Call[UsageView]:
    """What a snapshot takes."""
    return Call(kind=UsageView, path=f"{_snapshot(pool, volume_name, name)}/usage")


def create_snapshot(
    pool: str, volume_name: str, name: str, labels: dict[str, str] | None, wait: float | None, key: str, *,
    protected: bool, lifetime: float | None,
) -> Call[OperationView]:  # fmt: skip
    """Take a snapshot."""
    body = {"name": name, "labels": labels or {}, "protected": protected, "lifetime": lifetime}
    return _change("POST", f"{_volume(pool, volume_name)}/snapshots", body, wait=wait, key=key)


def change_snapshot(
    pool: str, volume_name: str, name: str, changes: dict[str, Any], wait: float | None, key: str, if_match: str
) -> Call[OperationView]:
    """Rename a snapshot, or change its labels, its protection and its lifetime."""
    return _change("PATCH", _snapshot(pool, volume_name, name), changes, wait=wait, key=key, if_match=if_match)


def delete_snapshot(
    pool: str, volume_name: str, name: str, wait: float | None, key: str, if_match: str
) -> Call[OperationView]:
    """Delete a snapshot."""
    return _change("DELETE", _snapshot(pool, volume_name, name), wait=wait, key=key, if_match=if_match)


def restore_snapshot(pool: str, volume_name: str, name: str, wait: float | None, key: str) -> Call[OperationView]:
    """Let the volume be what the snapshot holds."""
    return _change("POST", f"{_snapshot(pool, volume_name, name)}/restore", wait=wait, key=key)


def clone_volume(
    pool: str, source: str, name: str, snapshot_name: str, labels: dict[str, str] | None, wait: float | None, key: str,
    *, to: str, size: int | str | None,
) -> Call[OperationView]:  # fmt: skip
    """Make a new volume of what a volume, or a snapshot of it, holds."""
    body = {"name": name, "snapshot": snapshot_name, "labels": labels or {}, "pool": to, "size": size}
    return _change("POST", f"{_volume(pool, source)}/clone", body, wait=wait, key=key)


def mount_snapshot(
    pool: str, volume_name: str, name: str, path: str, wait: float | None, key: str
) -> Call[OperationView]:
    """Mount a snapshot."""
    return _change("POST", f"{_snapshot(pool, volume_name, name)}/mounts", {"path": path}, wait=wait, key=key)


def mounts(path: str = "") -> Call[MountPage]:
    """All mounts, or the one at `path`."""
    return Call(kind=MountPage, path="/v1/mounts", query=_query(path=path))


def mounts_of(pool_name: str, name: str) -> Call[MountPage]:
    """The mounts of a volume."""
    return Call(kind=MountPage, path=f"{_volume(pool_name, name)}/mounts")


def mount_by_id(pool_name: str, name: str, mount_id: str) -> Call[MountView]:
    """One mount."""
    return Call(kind=MountView, path=f"{_volume(pool_name, name)}/mounts/{_q(mount_id)}")


def mount(
    pool_name: str, name: str, path: str, wait: float | None, key: str, *, read_only: bool
) -> Call[OperationView]:
    """Mount a volume."""
    body = {"path": path, "read_only": read_only}
    return _change("POST", f"{_volume(pool_name, name)}/mounts", body, wait=wait, key=key)


def unmount(found: MountView, wait: float | None, key: str) -> Call[OperationView]:
    """Unmount."""
    return _change("DELETE", f"{_volume(found.pool, found.volume)}/mounts/{_q(found.id)}", wait=wait, key=key)


def connections(pool_name: str, name: str) -> Call[ConnectionPage]:
    """The connections of a volume."""
    return Call(kind=ConnectionPage, path=f"{_volume(pool_name, name)}/connections")


def disconnect(pool_name: str, name: str, host: str, wait: float | None, key: str) -> Call[OperationView]:
    """Cut a connection."""
    return _change("DELETE", f"{_volume(pool_name, name)}/connections/{_q(host)}", wait=wait, key=key)


def operations(state: str = "", limit: int = 100, resource: str = "", cursor: str = "") -> Call[OperationPage]:
    """The newest operations."""
    query = _query(state=state, limit=limit, resource=resource, cursor=cursor)
    return Call(kind=OperationPage, path="/v1/operations", query=query)


def operation(op: str, wait: float | None) -> Call[OperationView]:
    """One operation."""
    return Call(kind=OperationView, path=f"/v1/operations/{_q(op)}", wait=_checked(wait))


def exit_(op: str, verb: str, reason: str) -> Call[OperationView]:
    """`retry`, `cancel` or `abandon` an operation."""
    body = {"reason": reason} if verb == "abandon" else None
    return Call(kind=OperationView, method="POST", path=f"/v1/operations/{_q(op)}/{_q(verb)}", body=body)


def events(last: str) -> Call[bytes]:
    """Operations as they change, after the event `last`."""
    return Call(kind=bytes, path="/v1/events", last_event=last)


def audit(*, repair: bool) -> Call[FindingPage]:
    """Audit now."""
    if repair:
        return Call(kind=FindingPage, method="POST", path="/v1/findings/repair", slow=LONG)
    return Call(kind=FindingPage, path="/v1/findings", slow=LONG)


def tokens() -> Call[TokenPage]:
    """All tokens."""
    return Call(kind=TokenPage, path="/v1/tokens")


def create_token(name: str, role: Role, lifetime: float | None) -> Call[NewTokenView]:
    """Make a token."""
    body = {"name": name, "role": role, "lifetime": lifetime}
    return Call(kind=NewTokenView, method="POST", path="/v1/tokens", body=body)


def revoke_token(which: str) -> Call[TokenView]:
    """Revoke a token."""
    return Call(kind=TokenView, method="DELETE", path=f"/v1/tokens/{_q(which)}")


def status() -> Call[StatusView]:
    """The daemon."""
    return Call(kind=StatusView, path="/v1/status")


def health() -> Call[HealthView]:
    """Alive and ready."""
    return Call(kind=HealthView, path="/healthz")


def metrics() -> Call[bytes]:
    """What Prometheus reads."""
    return Call(kind=bytes, path="/metrics")


def resume_preview() -> Call[ResumeView]:
    """What resuming would do."""
    return Call(kind=ResumeView, path="/v1/resume")


def resume() -> Call[StatusView]:
    """Say that this database is the current one."""
    return Call(kind=StatusView, method="POST", path="/v1/resume")


def backup(path: str) -> Call[StatusView]:
    """Copy the database."""
    return Call(kind=StatusView, method="POST", path="/v1/backup", body={"path": path}, slow=LONG)
