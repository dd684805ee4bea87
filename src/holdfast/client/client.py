"""The client: one method per thing that can be asked."""

from collections.abc import Iterator
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from holdfast.client.transport import Transport
from holdfast.model.errors import OperationFailed, Waiting
from holdfast.model.operations import OperationView
from holdfast.model.resources import Finding
from holdfast.model.views import MountView, PoolView, StatusView, VolumeView

T = TypeVar("T")


class Client:
    """Talks to one daemon. Changes return the operation: ended, or after `wait` seconds as it is then.

    A change with a `key` of the caller's own can be asked again after a crash: it is done once.
    """

    def __init__(self, address: str = "", timeout: float = 30.0) -> None:
        self._transport = Transport(address, timeout)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _get(self, kind: type[T], route: str, /, **query: Any) -> T:
        asked = {name: value for name, value in query.items() if value not in ("", None)}
        said = self._transport.call(
            "GET", f"/v1{route}" + (f"?{urlencode(asked)}" if asked else ""), wait=asked.get("wait", 0)
        )
        return msgspec.convert(said, kind)

    def _all(self, kind: type[T], path: str, **query: Any) -> Iterator[T]:
        cursor: str | None = ""
        while cursor is not None:
            page = self._get(dict[str, Any], path, cursor=cursor, **query)
            yield from msgspec.convert(page["items"], list[kind])  # type: ignore[valid-type]  # a run-time type
            cursor = page["next"]

    def _change(
        self, method: str, path: str, body: Any, wait: float | None, key: str = "", **query: Any
    ) -> OperationView:
        if wait is not None:
            query["wait"] = wait
        target = f"/v1{path}" + (f"?{urlencode(query)}" if query else "")
        return msgspec.convert(self._transport.call(method, target, body, wait=wait or 0, key=key), OperationView)

    # -- pools ---------------------------------------------------------------------------------

    def pools(self) -> list[PoolView]:
        """All pools."""
        return msgspec.convert(self._get(dict[str, Any], "/pools")["items"], list[PoolView])

    def pool(self, name: str) -> PoolView:
        """One pool."""
        return self._get(PoolView, f"/pools/{_q(name)}")

    def create_pool(
        self,
        name: str,
        config: dict[str, str],
        driver: str = "dir",
        limit: int | str | None = None,
        wait: float | None = 60.0,
        key: str = "",
    ) -> OperationView:
        """Create a pool."""
        body = {"name": name, "driver": driver, "config": config, "limit": limit}
        return self._change("POST", "/pools", body, wait, key)

    def delete_pool(
        self, name: str, wait: float | None = 60.0, *, forget: bool = False, key: str = ""
    ) -> OperationView:
        """Delete an empty pool, or forget it."""
        query = {"forget": "true"} if forget else {}
        return self._change("DELETE", f"/pools/{_q(name)}", None, wait, key, **query)

    # -- volumes -------------------------------------------------------------------------------

    def volumes(self, pool: str) -> Iterator[VolumeView]:
        """All volumes of a pool, page by page."""
        return self._all(VolumeView, f"/pools/{_q(pool)}/volumes", limit=500)

    def volume(self, pool: str, name: str) -> VolumeView:
        """One volume."""
        return self._get(VolumeView, _v(pool, name))

    def create_volume(
        self,
        pool: str,
        name: str,
        size: int | str,
        content: str = "directory",
        fs: str | None = None,
        wait: float | None = 60.0,
        key: str = "",
    ) -> OperationView:
        """Create a volume."""
        body = {"name": name, "size": size, "content": content, "fs": fs}
        return self._change("POST", f"/pools/{_q(pool)}/volumes", body, wait, key)

    def rename_volume(
        self, pool: str, name: str, new_name: str, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Rename a volume."""
        return self._change("PATCH", _v(pool, name), {"name": new_name}, wait, key)

    def delete_volume(self, pool: str, name: str, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Delete a volume."""
        return self._change("DELETE", _v(pool, name), None, wait, key)

    # -- mounts --------------------------------------------------------------------------------

    def mounts(self, path: str = "") -> list[MountView]:
        """All mounts, or the one at `path`."""
        return msgspec.convert(self._get(dict[str, Any], "/mounts", path=path)["items"], list[MountView])

    def mount(
        self,
        pool: str,
        name: str,
        path: str,
        *,
        read_only: bool = False,
        wait: float | None = 60.0,
        key: str = "",
    ) -> OperationView:
        """Mount a volume."""
        return self._change("POST", f"{_v(pool, name)}/mounts", {"path": path, "read_only": read_only}, wait, key)

    def unmount(self, mount: MountView, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Unmount."""
        return self._change("DELETE", f"{_v(mount.pool, mount.volume)}/mounts/{mount.id}", None, wait, key)

    # -- operations, audit, the daemon ---------------------------------------------------------

    def operations(self, state: str = "", limit: int = 100) -> list[OperationView]:
        """The newest operations."""
        page = self._get(dict[str, Any], "/operations", state=state, limit=limit)
        return msgspec.convert(page["items"], list[OperationView])

    def operation(self, op: str, wait: float | None = None) -> OperationView:
        """One operation; with `wait`, once it ended."""
        return self._get(OperationView, f"/operations/{_q(op)}", wait=wait)

    def exit(self, op: str, verb: str, reason: str = "") -> OperationView:
        """`retry`, `cancel` or `abandon` an operation."""
        body = {"reason": reason} if verb == "abandon" else None
        return self._change("POST", f"/operations/{_q(op)}/{verb}", body, None)

    def audit(self, *, repair: bool = False) -> list[Finding]:
        """Audit now."""
        if repair:
            return msgspec.convert(
                self._transport.call("POST", "/v1/findings/repair", wait=600)["items"], list[Finding]
            )
        return msgspec.convert(self._get(dict[str, Any], "/findings")["items"], list[Finding])

    def status(self) -> StatusView:
        """The daemon."""
        return self._get(StatusView, "/status")

    def resume(self) -> StatusView:
        """Say that this database is the current one."""
        return msgspec.convert(self._transport.call("POST", "/v1/resume"), StatusView)

    def backup(self, path: str) -> None:
        """Copy the database to a new file on the daemon's machine."""
        self._transport.call("POST", "/v1/backup", {"path": path}, wait=600)


def _q(text: str) -> str:
    return quote(text, safe="")


def _v(pool: str, name: str) -> str:
    return f"/pools/{_q(pool)}/volumes/{_q(name)}"


def ended_well(operation: OperationView) -> OperationView:
    """The operation if it is done; raise OperationFailed with its error, or Waiting with its reason."""
    if operation.state == "done":
        return operation
    if operation.ended:
        why = operation.error
        detail = why.detail if why else f"The operation {operation.id} is {operation.state}."
        raise OperationFailed(detail, why.hint if why else "")
    state = f"parked: {operation.reason.rstrip('.')}" if operation.state == "parked" else operation.state
    exits = f"Exits: `holdfast op {'|'.join(operation.exits)} {operation.id}`." if operation.exits else ""
    raise Waiting(f"The operation {operation.id} is {state}.", f"It goes on by itself. {exits}".rstrip())
