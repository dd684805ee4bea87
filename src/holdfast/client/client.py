"""The client: one method per thing that can be asked. `holdfast.client.aio` has the same for asyncio."""

import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

from holdfast.client import calls
from holdfast.client.address import address_of
from holdfast.client.calls import Call
from holdfast.client.transport import Transport
from holdfast.client.tries import PAUSE
from holdfast.client.wire import Event
from holdfast.model.errors import OperationFailed, Waiting
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
Labels = dict[str, str | None]
# A stream says something every 15 seconds; this much silence is a dead daemon.
SILENCE = 60.0
# Seconds that one request waits for an operation; then it is asked again.
LEG = 60.0


class Client:
    """Talks to one daemon at unix:PATH, or https://HOST:PORT with a token.

    Changes return the operation: ended, or after `wait` seconds as it is then; None does not wait. A change with a
    `key` of the caller's own can be asked again after a crash: it is done once. `timeout` is for how many seconds an
    answer may take besides `wait`; `patience` for how many a daemon that does not answer, or says that it stops, is
    tried again, under the same key. What has no key (tokens, `exit`, `resume`, `backup`, a repair) is sent once. All
    methods raise the daemon's errors (see `holdfast.model.errors`), or Unavailable. One thread at a time may use a
    client.
    """

    def __init__(
        self, address: str = "", timeout: float = 30.0, *, token: str = "", ca_file: str = "", patience: float = 0.0
    ) -> None:
        self._transport = Transport(address_of(address, token, ca_file), timeout, patience)

    def close(self) -> None:
        """Close the connection; another call opens one."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, call: Call[T]) -> T:
        """One exchange of `holdfast.client.calls`."""
        return self._transport.run(call)

    def _all(self, page: Callable[[str], Call[Any]]) -> Iterator[Any]:
        cursor: str | None = ""
        while cursor is not None:
            found = self.run(page(cursor))
            yield from found.items
            cursor = found.next

    # -- pools ---------------------------------------------------------------------------------

    def pools(self, state: str = "", labels: Labels | None = None) -> list[PoolView]:
        """All pools, or those in a state and with these labels (None for any value)."""
        return list(self._all(lambda cursor: calls.pools(state, labels, cursor)))

    def pool(self, name: str) -> PoolView:
        """One pool."""
        return self.run(calls.pool(name))

    def create_pool(
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
        return self.run(calls.create_pool(name, config, driver, limit, labels, wait, key))

    def import_pool(
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
        return self.run(calls.import_pool(name, config, driver, labels, wait, key, take_over=take_over))

    def adopt(
        self, name: str, uids: list[str] | None = None, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Record what is whole in a pool and has no record; only these `uids`, unless there are none."""
        return self.run(calls.adopt(name, uids, wait, key))

    def deleted(self, name: str) -> list[DeletedView]:
        """What a pool's back end still keeps of what was deleted, and can be recovered."""
        return self.run(calls.deleted(name)).items

    def recover(self, name: str, uid: str, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Bring back what was deleted and its back end still keeps."""
        return self.run(calls.recover(name, uid, wait, key))

    def change_pool(
        self, name: str, changes: dict[str, Any], wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Change a pool: `limit` (None for none), `labels` (a value of None removes one)."""
        return self.run(calls.change_pool(name, changes, wait, key, if_match))

    def delete_pool(
        self, name: str, wait: float | None = 60.0, *, forget: bool = False, key: str = "", if_match: str = ""
    ) -> OperationView:
        """Delete an empty pool, or forget it."""
        return self.run(calls.delete_pool(name, wait, key, if_match, forget=forget))

    # -- volumes -------------------------------------------------------------------------------

    def volumes(self, pool: str, state: str = "", labels: Labels | None = None) -> Iterator[VolumeView]:
        """All volumes of a pool, page by page, or those in a state and with these labels (None for any value)."""
        return self._all(lambda cursor: calls.volumes(pool, state, labels, cursor))

    def volume(self, pool: str, name: str) -> VolumeView:
        """One volume."""
        return self.run(calls.volume(pool, name))

    def usage(self, pool: str, name: str) -> UsageView:
        """What a volume takes in its pool, measured now."""
        return self.run(calls.usage(pool, name))

    def create_volume(
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
        return self.run(calls.create_volume(pool, name, size, content, fs, labels, wait, key))

    def rename_volume(
        self, pool: str, name: str, new_name: str, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Rename a volume."""
        return self.run(calls.change_volume(pool, name, {"name": new_name}, wait, key, if_match))

    def label_volume(
        self, pool: str, name: str, labels: Labels, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Change a volume's labels; a value of None removes one."""
        return self.run(calls.change_volume(pool, name, {"labels": labels}, wait, key, if_match))

    def resize_volume(
        self, pool: str, name: str, size: int | str, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Let a volume grow."""
        return self.run(calls.change_volume(pool, name, {"size": size}, wait, key, if_match))

    def delete_volume(
        self, pool: str, name: str, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Delete a volume."""
        return self.run(calls.delete_volume(pool, name, wait, key, if_match))

    def check_volume(self, pool: str, name: str, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Check an unmounted volume's file system; the volume's condition `Checked` tells."""
        return self.run(calls.volume_verb(pool, name, "check", wait, key))

    def trim_volume(self, pool: str, name: str, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Give unused room of a mounted file system back; the volume's condition `Trimmed` tells."""
        return self.run(calls.volume_verb(pool, name, "trim", wait, key))

    # -- snapshots -----------------------------------------------------------------------------

    def snapshots(
        self, pool: str, volume: str, state: str = "", labels: Labels | None = None
    ) -> Iterator[SnapshotView]:
        """All snapshots of a volume, page by page, or those in a state and with these labels (None for any value)."""
        return self._all(lambda cursor: calls.snapshots(pool, volume, state, labels, cursor))

    def snapshot(self, pool: str, volume: str, name: str) -> SnapshotView:
        """One snapshot."""
        return self.run(calls.snapshot(pool, volume, name))

    def snapshot_usage(self, pool: str, volume: str, name: str) -> UsageView:
        """What a snapshot takes in its pool, measured now; blocks that it shares are counted too."""
        return self.run(calls.snapshot_usage(pool, volume, name))

    def create_snapshot(
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
        return self.run(
            calls.create_snapshot(pool, volume, name, labels, wait, key, protected=protected, lifetime=lifetime)
        )

    def change_snapshot(
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
        return self.run(calls.change_snapshot(pool, volume, name, changes, wait, key, if_match))

    def delete_snapshot(
        self, pool: str, volume: str, name: str, wait: float | None = 60.0, key: str = "", *, if_match: str = ""
    ) -> OperationView:
        """Delete a snapshot."""
        return self.run(calls.delete_snapshot(pool, volume, name, wait, key, if_match))

    def restore_snapshot(
        self, pool: str, volume: str, name: str, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Let an unmounted volume be what one of its snapshots holds."""
        return self.run(calls.restore_snapshot(pool, volume, name, wait, key))

    def clone_volume(
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
        return self.run(calls.clone_volume(pool, source, name, snapshot, labels, wait, key, to=to, size=size))

    def mount_snapshot(
        self, pool: str, volume: str, name: str, path: str, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Mount a snapshot, read-only."""
        return self.run(calls.mount_snapshot(pool, volume, name, path, wait, key))

    # -- mounts --------------------------------------------------------------------------------

    def mounts(self, path: str = "") -> list[MountView]:
        """All mounts, or the one at `path`."""
        return self.run(calls.mounts(path)).items

    def mounts_of(self, pool: str, name: str) -> list[MountView]:
        """All mounts of a volume."""
        return self.run(calls.mounts_of(pool, name)).items

    def mount_by_id(self, pool: str, name: str, mount_id: str) -> MountView:
        """One mount of a volume."""
        return self.run(calls.mount_by_id(pool, name, mount_id))

    def mount(
        self, pool: str, name: str, path: str, *, read_only: bool = False, wait: float | None = 60.0, key: str = ""
    ) -> OperationView:
        """Mount a volume."""
        return self.run(calls.mount(pool, name, path, wait, key, read_only=read_only))

    def unmount(self, mount: MountView, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Unmount."""
        return self.run(calls.unmount(mount, wait, key))

    def connections(self, pool: str, name: str) -> list[ConnectionView]:
        """The hosts that a volume is connected to, as its back end has them now."""
        return (self.run(calls.connections(pool, name))).items

    def disconnect(self, pool: str, name: str, host: str, wait: float | None = 60.0, key: str = "") -> OperationView:
        """Cut a volume's connection to a host that is gone, or is not ours."""
        return self.run(calls.disconnect(pool, name, host, wait, key))

    # -- operations ----------------------------------------------------------------------------

    def operations(self, state: str = "", limit: int = 100, resource: str = "") -> list[OperationView]:
        """The newest operations, in a state, or on the resource with a uid."""
        return self.run(calls.operations(state, limit, resource)).items

    def operation(self, op: str, wait: float | None = None) -> OperationView:
        """One operation; with `wait`, once it ended."""
        return self.run(calls.operation(op, wait))

    def wait(self, op: str, seconds: float) -> OperationView:
        """The operation once it ended, or as it is after so many seconds; told by the daemon, not by asking often."""
        end = time.monotonic() + max(0.0, seconds)
        while True:
            asked = time.monotonic()
            view = self.operation(op, max(0.0, min(end - asked, LEG)))
            now = time.monotonic()
            if view.ended or now >= end:
                return view
            if now < asked + LEG:  # it was answered early: that daemon is stopping
                time.sleep(min(PAUSE, end - now))

    def exit(self, op: str, verb: str, reason: str = "") -> OperationView:
        """`retry`, `cancel` or `abandon` an operation."""
        return self.run(calls.exit_(op, verb, reason))

    def events(self, last: str = "") -> Generator[Event, None, None]:
        """Operations as they change, after the event `last`, or from when the first event, `ready`, is here.

        The stream begins when its first event is asked for. It ends when the daemon stops, and raises Unavailable
        when it breaks: come back with the `id` of the last event. `close` ends it before.
        """
        return self._transport.events(last, SILENCE)

    # -- audit, tokens, the daemon -------------------------------------------------------------

    def audit(self, *, repair: bool = False) -> list[Finding]:
        """Audit now."""
        return self.run(calls.audit(repair=repair)).items

    def tokens(self) -> list[TokenView]:
        """All tokens, without their secrets."""
        return self.run(calls.tokens()).items

    def create_token(self, name: str, role: Role = "viewer", lifetime: float | None = None) -> NewTokenView:
        """Make a token; `lifetime` in seconds, None for ever. Its secret is shown this once."""
        return self.run(calls.create_token(name, role, lifetime))

    def revoke_token(self, which: str) -> TokenView:
        """Revoke a token by name or id."""
        return self.run(calls.revoke_token(which))

    def status(self) -> StatusView:
        """The daemon."""
        return self.run(calls.status())

    def health(self) -> HealthView:
        """Whether it is ready."""
        return self.run(calls.health())

    def metrics(self) -> str:
        """What Prometheus reads, in its text format."""
        return self.run(calls.metrics()).decode()

    def resume_preview(self) -> ResumeView:
        """What would go on, and how the pools differ from this database."""
        return self.run(calls.resume_preview())

    def resume(self) -> StatusView:
        """Say that this database is the current one."""
        return self.run(calls.resume())

    def backup(self, path: str) -> StatusView:
        """Copy the database to a new file on the daemon's machine."""
        return self.run(calls.backup(path))


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
    failed = f"{operation.error.detail.rstrip('.')}; so it is undone. " if operation.error else ""
    raise Waiting(f"{failed}The operation {operation.id} is {state}.", f"It goes on by itself. {exits}".rstrip())
