"""Routes of volumes."""

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.openapi.spec import Example
from litestar.params import Body

from holdfast.faces import views
from holdfast.faces.rest.answers import changing, reading
from holdfast.faces.rest.calls import Answer, Http, filter_of
from holdfast.faces.rest.fields import (
    Cursor,
    Here,
    IfMatch,
    InState,
    LabelChanges,
    Labels,
    Name,
    PageSize,
    PoolName,
    Size,
    VolumeName,
    Wait,
    WithLabel,
)
from holdfast.model.errors import Invalid
from holdfast.model.resources import Content, FileSystem
from holdfast.model.views import UsageView, VolumePage, VolumeView
from holdfast.operations.base import Asked
from holdfast.operations.refs import etag, find_pool, find_volume
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.resize import VolumeResize
from holdfast.operations.volume.trim import VolumeTrim
from holdfast.records.contract import Tx


class VolumeBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new volume. `size` in bytes, or with a unit; `fs` goes with content filesystem."""

    name: Name
    size: Size
    content: Content = "directory"
    fs: FileSystem | None = None
    labels: Labels = {}


class VolumePatch(msgspec.Struct, forbid_unknown_fields=True):
    """What may change of a volume, one at a time: its name, its size (only up), or its labels (null removes one)."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    size: Size | msgspec.UnsetType = msgspec.UNSET
    labels: LabelChanges | msgspec.UnsetType = msgspec.UNSET


class CloneBody(msgspec.Struct, forbid_unknown_fields=True):
    """The new volume. Without a `snapshot` it is of what the volume holds now; without a `pool`, in the same one.

    `size` may be larger than the source's, and is the same if it is null.
    """

    name: Name
    snapshot: str = ""
    labels: Labels = {}
    pool: str = ""
    size: Size | None = None


_CLONES = [
    Example(summary="Of a snapshot", value={"name": "db-test", "snapshot": "monday"}),
    Example(summary="In another pool, and larger", value={"name": "db", "pool": "slow", "size": "40GiB"}),
]
_NEW = [
    Example(summary="A directory", value={"name": "site", "size": "10GiB"}),
    Example(
        summary="An ext4 of its own",
        value={"name": "db", "size": "20GiB", "content": "filesystem", "fs": "ext4", "labels": {"app": "shop"}},
    ),
]
_CHANGE = [
    Example(summary="Rename", value={"name": "site-old"}),
    Example(summary="Grow", value={"size": "40GiB"}),
    Example(summary="Label", value={"labels": {"app": "shop", "owner": None}}),
]
_PATH = "/pools/{pool:str}/volumes"


@get(_PATH, tags=["volumes"], **reading(404))
async def volume_list(
    calls: Here,
    pool: PoolName,
    in_state: InState = None,
    label: WithLabel = None,
    cursor: Cursor = None,
    limit: PageSize = 100,
) -> VolumePage:
    """List a pool's volumes by name."""
    asked = filter_of(in_state, label)
    return await calls.run(
        lambda: calls.daemon.records.read(lambda tx: views.volumes(calls.daemon, tx, pool, asked, cursor or "", limit))
    )


@post(_PATH, tags=["volumes"], **changing())
async def volume_create(
    request: Http, calls: Here, pool: PoolName, data: Annotated[VolumeBody, Body(examples=_NEW)], wait: Wait = None
) -> Answer:
    """Create a volume: made, formatted if it shall be, and proven before it is ready."""
    asked = VolumeCreate(
        pool=pool, name=data.name, size=data.size, content=data.content, fs=data.fs, labels=data.labels
    )
    return await calls.change(request, asked, wait)


@get(_PATH + "/{volume:str}", tags=["volumes"], **reading(404))
async def volume_show(calls: Here, pool: PoolName, volume: VolumeName) -> Response[VolumeView]:
    """Show one volume."""

    def fn(tx: Tx) -> Response[VolumeView]:
        found = find_volume(tx, find_pool(tx, pool), volume)
        return Response(views.volume(calls.daemon, tx, pool, found), headers={"ETag": etag(found)})

    return await calls.run(lambda: calls.daemon.records.read(fn))


@get(_PATH + "/{volume:str}/usage", tags=["volumes"], **reading(404, 409))
async def volume_usage(calls: Here, pool: PoolName, volume: VolumeName) -> UsageView:
    """Measure what a volume takes in its pool. A large tree is walked for ten seconds; then `complete` is false."""
    return await calls.run(lambda: views.usage(calls.daemon, pool, volume))


@patch(_PATH + "/{volume:str}", tags=["volumes"], **changing(412))
async def volume_change(
    request: Http,
    calls: Here,
    pool: PoolName,
    volume: VolumeName,
    data: Annotated[VolumePatch, Body(examples=_CHANGE)],
    wait: Wait = None,
    if_match: IfMatch = "",
) -> Answer:
    """Rename a volume, mounted or not, let it grow, or change its labels."""
    given = [name for name in ("name", "size", "labels") if getattr(data, name) is not msgspec.UNSET]
    asked: Asked
    if given == ["name"] and isinstance(data.name, str):
        asked = VolumeRename(pool=pool, name=volume, new_name=data.name, if_match=if_match)
    elif given == ["size"] and not isinstance(data.size, msgspec.UnsetType):
        asked = VolumeResize(pool=pool, name=volume, size=data.size, if_match=if_match)
    elif given == ["labels"] and isinstance(data.labels, dict):
        asked = VolumeLabel(pool=pool, name=volume, labels=data.labels, if_match=if_match)
    else:
        raise Invalid("Exactly one of name, size and labels can be changed at a time.", "Send two requests.")
    return await calls.change(request, asked, wait)


@delete(_PATH + "/{volume:str}", tags=["volumes"], **changing(412))
async def volume_delete(
    request: Http, calls: Here, pool: PoolName, volume: VolumeName, wait: Wait = None, if_match: IfMatch = ""
) -> Answer:
    """Delete a volume that is not mounted, and all data in it."""
    return await calls.change(request, VolumeDelete(pool=pool, name=volume, if_match=if_match), wait)


@post(_PATH + "/{volume:str}/clone", tags=["volumes"], **changing())
async def volume_clone(
    request: Http,
    calls: Here,
    pool: PoolName,
    volume: VolumeName,
    data: Annotated[CloneBody, Body(examples=_CLONES)],
    wait: Wait = None,
) -> Answer:
    """Make a new volume of what a volume, or a snapshot of it, holds; with its own identity, also in another pool."""
    asked = VolumeClone(
        pool=pool, source=volume, snapshot=data.snapshot, name=data.name, labels=data.labels, to=data.pool,
        size=data.size,
    )  # fmt: skip
    return await calls.change(request, asked, wait)


@post(_PATH + "/{volume:str}/check", tags=["volumes"], **changing())
async def volume_check(request: Http, calls: Here, pool: PoolName, volume: VolumeName, wait: Wait = None) -> Answer:
    """Check the file system of an unmounted volume. Nothing is repaired; the volume's condition `Checked` tells."""
    return await calls.change(request, VolumeCheck(pool=pool, name=volume), wait)


@post(_PATH + "/{volume:str}/trim", tags=["volumes"], **changing())
async def volume_trim(request: Http, calls: Here, pool: PoolName, volume: VolumeName, wait: Wait = None) -> Answer:
    """Give what a mounted file system does not use back to the pool. The volume's condition `Trimmed` tells."""
    return await calls.change(request, VolumeTrim(pool=pool, name=volume), wait)


HANDLERS: list[Any] = [
    volume_list, volume_create, volume_show, volume_usage, volume_change, volume_delete, volume_clone, volume_check,
    volume_trim,
]  # fmt: skip
