"""Routes of snapshots."""

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter

from holdfast.faces import views
from holdfast.faces.rest.answers import changing, reading
from holdfast.faces.rest.calls import Answer, Http, filter_of
from holdfast.faces.rest.fields import (
    AbsolutePath,
    Cursor,
    Here,
    IfMatch,
    InState,
    LabelChanges,
    Labels,
    Lifetime,
    Name,
    PageSize,
    PoolName,
    VolumeName,
    Wait,
    WithLabel,
    named,
)
from holdfast.model.errors import Invalid
from holdfast.model.views import SnapshotPage, SnapshotView, UsageView
from holdfast.operations.base import Asked
from holdfast.operations.refs import etag, find_pool, find_snapshot, find_volume
from holdfast.operations.snapshot.change import SnapshotChange
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.operations.snapshot.mount import SnapshotMount
from holdfast.operations.snapshot.rename import SnapshotRename
from holdfast.operations.snapshot.restore import SnapshotRestore
from holdfast.records.contract import Tx

SnapshotName = Annotated[str, PathParameter(description="The snapshot's name.", schema_extra=named())]


class SnapshotBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new snapshot. A protected one is not deleted until that is lifted; one with a `lifetime` (seconds) by us."""

    name: Name
    labels: Labels = {}
    protected: bool = False
    lifetime: Lifetime | None = None


class SnapshotPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What may change of a snapshot: its name alone; or labels (null removes one), `protected` and `lifetime`.

    That is the seconds that it lives from now on; null for ever.
    """

    name: Name | msgspec.UnsetType = msgspec.UNSET
    labels: LabelChanges | msgspec.UnsetType = msgspec.UNSET
    protected: bool | msgspec.UnsetType = msgspec.UNSET
    lifetime: Lifetime | msgspec.UnsetType | None = msgspec.UNSET


class SnapshotMountBody(msgspec.Struct, forbid_unknown_fields=True):
    """Where: an empty directory, or for a block volume's an empty file. It is mounted read-only."""

    path: AbsolutePath


_NEW = [
    Example(summary="Take one", value={"name": "monday"}),
    Example(summary="Keep it", value={"name": "before-upgrade", "labels": {"app": "shop"}, "protected": True}),
    Example(summary="For a month", value={"name": "nightly", "lifetime": 2592000}),
]
_CHANGE = [
    Example(summary="Rename", value={"name": "tuesday"}),
    Example(summary="Lift the protection", value={"protected": False}),
]
_MOUNT = Example(summary="Mount", value={"path": "/mnt/monday"})
_PATH = "/pools/{pool:str}/volumes/{volume:str}/snapshots"
_ONE = _PATH + "/{snapshot:str}"


@get(_PATH, tags=["snapshots"], **reading(404))
async def snapshot_list(
    calls: Here,
    pool: PoolName,
    volume: VolumeName,
    in_state: InState = None,
    label: WithLabel = None,
    cursor: Cursor = None,
    limit: PageSize = 100,
) -> SnapshotPage:
    """List a volume's snapshots by name. One that is not whole yet is not in it."""
    asked = filter_of(in_state, label)
    return await calls.run(
        lambda: calls.daemon.records.read(lambda tx: views.snapshots(tx, pool, volume, asked, cursor or "", limit))
    )


@post(_PATH, tags=["snapshots"], **changing())
async def snapshot_create(
    request: Http,
    calls: Here,
    pool: PoolName,
    volume: VolumeName,
    data: Annotated[SnapshotBody, Body(examples=_NEW)],
    wait: Wait = None,
) -> Answer:
    """Take a snapshot of a volume, mounted or not. How it was taken is told by `taken`."""
    asked = SnapshotCreate(
        pool=pool, volume=volume, name=data.name, labels=data.labels, protected=data.protected, lifetime=data.lifetime
    )
    return await calls.change(request, asked, wait)


@get(_ONE, tags=["snapshots"], **reading(404))
async def snapshot_show(
    calls: Here, pool: PoolName, volume: VolumeName, snapshot: SnapshotName
) -> Response[SnapshotView]:
    """Show one snapshot."""

    def fn(tx: Tx) -> Response[SnapshotView]:
        parent = find_pool(tx, pool)
        found = find_snapshot(tx, parent, find_volume(tx, parent, volume), snapshot)
        return Response(views.snapshot(tx, pool, volume, found), headers={"ETag": etag(found)})

    return await calls.run(lambda: calls.daemon.records.read(fn))


@get(_ONE + "/usage", tags=["snapshots"], **reading(404, 409))
async def snapshot_usage(calls: Here, pool: PoolName, volume: VolumeName, snapshot: SnapshotName) -> UsageView:
    """Measure what a snapshot takes in its pool; blocks that it shares are counted too."""
    return await calls.run(lambda: views.usage(calls.daemon, pool, volume, snapshot))


@patch(_ONE, tags=["snapshots"], **changing(412))
async def snapshot_change(
    request: Http,
    calls: Here,
    pool: PoolName,
    volume: VolumeName,
    snapshot: SnapshotName,
    data: Annotated[SnapshotPatch, Body(examples=_CHANGE)],
    wait: Wait = None,
    if_match: IfMatch = "",
) -> Answer:
    """Rename a snapshot; or change its labels, whether it is protected, and when it expires."""
    noted = any(each is not msgspec.UNSET for each in (data.labels, data.protected, data.lifetime))
    asked: Asked
    if isinstance(data.name, str) and not noted:
        asked = SnapshotRename(pool=pool, volume=volume, name=snapshot, new_name=data.name, if_match=if_match)
    elif noted and data.name is msgspec.UNSET:
        asked = SnapshotChange(
            pool=pool, volume=volume, name=snapshot, labels=data.labels if isinstance(data.labels, dict) else {},
            protected=data.protected if isinstance(data.protected, bool) else None,
            lifetime=data.lifetime if isinstance(data.lifetime, float | int) else None, endless=data.lifetime is None,
            if_match=if_match,
        )  # fmt: skip
    else:
        raise Invalid("Either the name can be changed, or labels, protected and lifetime.", "Send two requests.")
    return await calls.change(request, asked, wait)


@delete(_ONE, tags=["snapshots"], **changing(412))
async def snapshot_delete(
    request: Http,
    calls: Here,
    pool: PoolName,
    volume: VolumeName,
    snapshot: SnapshotName,
    wait: Wait = None,
    if_match: IfMatch = "",
) -> Answer:
    """Delete a snapshot that is neither mounted nor protected."""
    asked = SnapshotDelete(pool=pool, volume=volume, name=snapshot, if_match=if_match)
    return await calls.change(request, asked, wait)


@post(_ONE + "/restore", tags=["snapshots"], **changing())
async def snapshot_restore(
    request: Http, calls: Here, pool: PoolName, volume: VolumeName, snapshot: SnapshotName, wait: Wait = None
) -> Answer:
    """Let the unmounted volume be what this snapshot of it holds. What it was goes once that is proven."""
    return await calls.change(request, SnapshotRestore(pool=pool, volume=volume, name=snapshot), wait)


@post(_ONE + "/mounts", tags=["snapshots"], **changing())
async def snapshot_mount(
    request: Http,
    calls: Here,
    pool: PoolName,
    volume: VolumeName,
    snapshot: SnapshotName,
    data: Annotated[SnapshotMountBody, Body(examples=[_MOUNT])],
    wait: Wait = None,
) -> Answer:
    """Mount a snapshot at a path, read-only. It is unmounted as its volume's mounts are."""
    asked = SnapshotMount(pool=pool, volume=volume, name=snapshot, path=data.path)
    return await calls.change(request, asked, wait)


HANDLERS: list[Any] = [
    snapshot_list, snapshot_create, snapshot_show, snapshot_usage, snapshot_change, snapshot_delete, snapshot_restore,
    snapshot_mount,
]  # fmt: skip
