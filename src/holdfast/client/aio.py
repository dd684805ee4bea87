"""The same client for asyncio: every method of `holdfast.client.Client`, awaited; streams are async iterators."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, TypeVar

from holdfast.client import calls
from holdfast.client.address import address_of
from holdfast.client.aio_transport import AsyncTransport
from holdfast.client.calls import Call
from holdfast.client.client import LEG, SILENCE, Labels
from holdfast.client.tries import PAUSE
from holdfast.client.wire import Event
from holdfast.model.operations import OperationView
from holdfast.model.resources import Content, FileSystem, Finding
from holdfast.model.views import (
    ConnectionView,
    DeletedView,
    HealthView,
    MountView,
    NewTokenView,
    PoolView,
    ResumeView,
    Role,
    SnapshotView,
    StatusView,
    TokenView,
    UsageView,
    VolumeView,
)

T = TypeVar("T")


class AsyncClient:
    """Talks to one daemon; see `holdfast.client.Client`. Any number of tasks of one event loop may use it at once.

    A task that is cancelled closes its connection, and no other's. What it asked for may be done all the same.
    """

    def __init__(
        self, address: str = "", timeout: float = 30.0, *, token: str = "", ca_file: str = "", patience: float = 0.0
    ) -> None:
        self._transport = AsyncTransport(address_of(address, token, ca_file), timeout, patience)

    async def close(self) -> None:
        """Close all connections; what is under way ends with Unavailable. Another call opens one."""
        await self._transport.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, call: Call[T]) -> T:
        """One exchange of `holdfast.client.calls`."""
        return await self._transport.run(call)

    async def _all(self, page: Callable[[str], Call[Any]]) -> AsyncIterator[Any]:
        cursor: str | None = ""
        while cursor is not None:
            found = await self.run(page(cursor))
            for item in found.items:
                yield item
            cursor = found.next

    # -- pools ---------------------------------------------------------------------------------

    async def pools(self, state: str = "", labels: Labels | None = None) -> list[PoolView]:
        """All pools, or those in a state and with these labels (None for any value)."""
        return [pool async for pool in self._all(lambda cursor: calls.pools(state, labels, cursor))]

    async def pool(self, name: str) -> PoolView:
        """One pool."""
        return await self.run(calls.pool(name))

    async def create_pool(
        self,
        name: str,
        config: dict[str, str],
        driver: str = "dir",
        limit: int | str | None = None,
        wait: float | None = 60.0,
        key: str = "",
        *,
        labels: dict[str, str] | None = None,
    ) -> OperationView:
        """Create a pool."""
        return await self.run(calls.create_pool(name, config, driver, limit, labels, wait, key))

    async def import_pool(
        self,
        name: str,
        config: dict[str, str],
        driver: str = "dir",
        wait: float | None = 60.0,
        key: str = "",
        *,
        take_over: bool = False,
        labels: dict[str, str] | None = None,
    ) -> OperationView:
        """Bring a pool that no record knows, with its volumes and snapshots, into the records."""
        return await self.run(calls.import_pool(name, config, driver, labels, wait, key, take_over=take_over))

    async def adopt(
        self, name: str, uids: list[str] | None = None, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Record what is whole in a pool and has no record; only these `uids`, unless there are none."""
        return await self.run(calls.adopt(name, uids, wait, key))

    async def deleted(self, name: str) -> list[DeletedView]:
        """What a pool's back end still keeps of what was deleted, and can be recovered."""
        return (await self.run(calls.deleted(name))).items

    async def recover(self, name: str, uid: str, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Bring back what was deleted and its back end still keeps."""
        return await self.run(calls.recover(name, uid, wait, key))

    async def change_pool(
        self, name: str, changes: dict[str, Any], wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Change a pool: `limit` (None for none), `labels` (a value of None removes one)."""
        return await self.run(calls.change_pool(name, changes, wait, key, if_match))

    async def delete_pool(
        self, name: str, wait: float | None = 60.0, *, forget: bool = False, key: str = "", if_match: str = ""
    ) -> OperationView:
        """Delete an empty pool, or forget it."""
        return await self.run(calls.delete_pool(name, wait, key, if_match, forget=forget))

    # -- volumes -------------------------------------------------------------------------------

    def volumes(self, pool: str, state: str = "", labels: Labels | None = None) -> AsyncIterator[VolumeView]:
        """All volumes of a pool, page by page, or those in a state and with these labels (None for any value)."""
        return self._all(lambda cursor: calls.volumes(pool, state, labels, cursor))

    async def volume(self, pool: str, name: str) -> VolumeView:
        """One volume."""
        return await self.run(calls.volume(pool, name))

    async def usage(self, pool: str, name: str) -> UsageView:
        """What a volume takes in its pool, measured now."""
        return await self.run(calls.usage(pool, name))

    async def create_volume(
        self,
        pool: str,
        name: str,
        size: int | str,
        content: Content = "directory",
        fs: FileSystem | None = None,
        wait: float | None = 60.0,
        key: str = "",
        *,
        labels: dict[str, str] | None = None,
    ) -> OperationView:
        """Create a volume."""
        return await self.run(calls.create_volume(pool, name, size, content, fs, labels, wait, key))

    async def rename_volume(
        self, pool: str, name: str, new_name: str, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Rename a volume."""
        return await self.run(calls.change_volume(pool, name, {"name": new_name}, wait, key, if_match))

    async def label_volume(
        self, pool: str, name: str, labels: Labels, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Change a volume's labels; a value of None removes one."""
        return await self.run(calls.change_volume(pool, name, {"labels": labels}, wait, key, if_match))

    async def resize_volume(
        self, pool: str, name: str, size: int | str, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Let a volume grow."""
        return await self.run(calls.change_volume(pool, name, {"size": size}, wait, key, if_match))

    async def delete_volume(
        self, pool: str, name: str, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Delete a volume."""
        return await self.run(calls.delete_volume(pool, name, wait, key, if_match))

    async def check_volume(self, pool: str, name: str, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Check an unmounted volume's file system; the volume's condition `Checked` tells."""
        return await self.run(calls.volume_verb(pool, name, "check", wait, key))

    async def trim_volume(self, pool: str, name: str, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Give unused room of a mounted file system back; the volume's condition `Trimmed` tells."""
        return await self.run(calls.volume_verb(pool, name, "trim", wait, key))

    # -- snapshots -----------------------------------------------------------------------------

    def snapshots(
        self, pool: str, volume: str, state: str = "", labels: Labels | None = None
    ) -> AsyncIterator[SnapshotView]:
        """All snapshots of a volume, page by page, or those in a state and with these labels (None for any value)."""
        return self._all(lambda cursor: calls.snapshots(pool, volume, state, labels, cursor))

    async def snapshot(self, pool: str, volume: str, name: str) -> SnapshotView:
        """One snapshot."""
        return await self.run(calls.snapshot(pool, volume, name))

    async def snapshot_usage(self, pool: str, volume: str, name: str) -> UsageView:
        """What a snapshot takes in its pool, measured now; blocks that it shares are counted too."""
        return await self.run(calls.snapshot_usage(pool, volume, name))

    async def create_snapshot(
        self,
        pool: str,
        volume: str,
        name: str,
        wait: float | None = 60.0,
        key: str = "",
        *,
        labels: dict[str, str] | None = None,
        protected: bool = False,
        lifetime: float | None = None,
    ) -> OperationView:
        """Take a snapshot of a volume, mounted or not; `lifetime` in seconds, None for ever."""
        return await self.run(
            calls.create_snapshot(pool, volume, name, labels, wait, key, protected=protected, lifetime=lifetime)
        )

    async def change_snapshot(
        self,
        pool: str,
        volume: str,
        name: str,
        changes: dict[str, Any],
        wait: float | None = 60.0,
        key: str = "",
        *,
        if_match: str = "",
    ) -> OperationView:
        """Change a snapshot: its `name` alone; or `labels` (None removes one), `protected` and `lifetime`."""
        return await self.run(calls.change_snapshot(pool, volume, name, changes, wait, key, if_match))

    async def delete_snapshot(
        self, pool: str, volume: str, name: str, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Delete a snapshot."""
        return await self.run(calls.delete_snapshot(pool, volume, name, wait, key, if_match))

    async def restore_snapshot(
        self, pool: str, volume: str, name: str, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Let an unmounted volume be what one of its snapshots holds."""
        return await self.run(calls.restore_snapshot(pool, volume, name, wait, key))

    async def clone_volume(
        self,
        pool: str,
        source: str,
        name: str,
        snapshot: str = "",
        wait: float | None = 60.0,
        key: str = "",
        *,
        labels: dict[str, str] | None = None,
        to: str = "",
        size: int | str | None = None,
    ) -> OperationView:
        """Make a new volume of what a volume, or a snapshot of it, holds; in the pool `to`, of a `size`, if given."""
        return await self.run(calls.clone_volume(pool, source, name, snapshot, labels, wait, key, to=to, size=size))

    async def mount_snapshot(
        self, pool: str, volume: str, name: str, path: str, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Mount a snapshot, read-only."""
        return await self.run(calls.mount_snapshot(pool, volume, name, path, wait, key))

    # -- mounts --------------------------------------------------------------------------------

    async def mounts(self, path: str = "") -> list[MountView]:
        """All mounts, or the one at `path`."""
        return (await self.run(calls.mounts(path))).items

    async def mounts_of(self, pool: str, name: str) -> list[MountView]:
        """All mounts of a volume."""
        return (await self.run(calls.mounts_of(pool, name))).items

    async def mount_by_id(self, pool: str, name: str, mount_id: str) -> MountView:
        """One mount of a volume."""
        return await self.run(calls.mount_by_id(pool, name, mount_id))

    async def mount(
        self, pool: str, name: str, path: str, *, read_only: bool = False, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Mount a volume."""
        return await self.run(calls.mount(pool, name, path, wait, key, read_only=read_only))

    async def unmount(self, mount: MountView, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Unmount."""
        return await self.run(calls.unmount(mount, wait, key))

    async def connections(self, pool: str, name: str) -> list[ConnectionView]:
        """The hosts that a volume is connected to, as its back end has them now."""
        return (await self.run(calls.connections(pool, name))).items

    async def disconnect(
        self, pool: str, name: str, host: str, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Cut a volume's connection to a host that is gone, or is not ours."""
        return await self.run(calls.disconnect(pool, name, host, wait, key))

    # -- operations ----------------------------------------------------------------------------

    async def operations(self, state: str = "", limit: int = 100, resource: str = "") -> list[OperationView]:
        """The newest operations, in a state, or on the resource with a uid."""
        return (await self.run(calls.operations(state, limit, resource))).items

    async def operation(self, op: str, wait: float | None = None) -> OperationView:
        """One operation; with `wait`, once it ended."""
        return await self.run(calls.operation(op, wait))

    async def wait(self, op: str, seconds: float) -> OperationView:
        """The operation once it ended, or as it is after so many seconds; told by the daemon, not by asking often."""
        end = time.monotonic() + max(0.0, seconds)
        while True:
            asked = time.monotonic()
            view = await self.operation(op, max(0.0, min(end - asked, LEG)))
            now = time.monotonic()
            if view.ended or now >= end:
                return view
            if now < asked + LEG:  # it was answered early: that daemon is stopping
                await asyncio.sleep(min(PAUSE, end - now))

    async def exit(self, op: str, verb: str, reason: str = "") -> OperationView:
        """`retry`, `cancel` or `abandon` an operation."""
        return await self.run(calls.exit_(op, verb, reason))

    def events(self, last: str = "") -> AsyncGenerator[Event, None]:
        """Operations as they change, after the event `last`, or from when the first event, `ready`, is here.

        The stream begins when its first event is asked for. It ends when the daemon stops, and raises Unavailable
        when it breaks: come back with the `id` of the last event. `aclose` ends it before.
        """
        return self._transport.events(last, SILENCE)

    # -- audit, tokens, the daemon -------------------------------------------------------------

    async def audit(self, *, repair: bool = False) -> list[Finding]:
        """Audit now."""
        return (await self.run(calls.audit(repair=repair))).items

    async def tokens(self) -> list[TokenView]:
        """All tokens, without their secrets."""
        return (await self.run(calls.tokens())).items

    async def create_token(self, name: str, role: Role = "viewer", lifetime: float | None = None) -> NewTokenView:
        """Make a token; `lifetime` in seconds, None for ever. Its secret is shown this once."""
        return await self.run(calls.create_token(name, role, lifetime))

    async def revoke_token(self, which: str) -> TokenView:
        """Revoke a token by name or id."""
        return await self.run(calls.revoke_token(which))

    async def status(self) -> StatusView:
        """The daemon."""
        return await self.run(calls.status())

    async def health(self) -> HealthView:
        """Whether it is ready."""
        return await self.run(calls.health())

    async def metrics(self) -> str:
        """What Prometheus reads, in its text format."""
        return (await self.run(calls.metrics())).decode()

    async def resume_preview(self) -> ResumeView:
        """What would go on, and how the pools differ from this database."""
        return await self.run(calls.resume_preview())

    async def resume(self) -> StatusView:
        """Say that this database is the current one."""
        return await self.run(calls.resume())

    async def backup(self, path: str) -> StatusView:
        """Copy the database to a new file on the daemon's machine."""
        return await self.run(calls.backup(path))
