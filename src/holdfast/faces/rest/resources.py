"""Routes of pools, volumes and mounts."""

from typing import Any

import msgspec
from litestar import Request, Response, delete, get, patch, post

from holdfast.faces import views
from holdfast.faces.rest.calls import Calls, Page
from holdfast.model.errors import Invalid, NotFound
from holdfast.model.operations import OperationView
from holdfast.model.resources import Attachment, Content, FileSystem, Pool
from holdfast.model.views import MountView, PoolView, VolumeView
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.refs import find_pool, find_volume
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.rename import VolumeRename
from holdfast.records import resources
from holdfast.records.contract import Tx

Http = Request[Any, Any, Any]
Answer = Response[OperationView]
MOST = 1000


class PoolBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new pool."""

    name: str
    driver: str
    config: dict[str, str]
    limit: int | str | None = None


class VolumeBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new volume."""

    name: str
    size: int | str
    content: Content = "directory"
    fs: FileSystem | None = None


class VolumeChange(msgspec.Struct, forbid_unknown_fields=True):
    """What may change of a volume."""

    name: str


class MountBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new mount."""

    path: str
    read_only: bool = False


@get("/pools")
async def pool_list(calls: Calls) -> Page:
    """All pools."""

    def fn() -> list[object]:
        found = calls.daemon.records.read(lambda tx: resources.page(tx, Pool))
        return [views.pool(calls.daemon, pool) for pool in found]

    return Page(await calls.run(fn))


@post("/pools")
async def pool_create(request: Http, calls: Calls, data: PoolBody, wait: float | None = None) -> Answer:
    """Create a pool."""
    asked = PoolCreate(name=data.name, driver=data.driver, config=data.config, limit=data.limit)
    return await calls.change(request, asked, wait)


@get("/pools/{pool:str}")
async def pool_show(calls: Calls, pool: str) -> PoolView:
    """One pool."""
    return await calls.run(lambda: views.pool(calls.daemon, calls.daemon.records.read(lambda tx: find_pool(tx, pool))))


@delete("/pools/{pool:str}", status_code=202)
async def pool_delete(
    request: Http, calls: Calls, pool: str, wait: float | None = None, forget: bool = False
) -> Answer:
    """Delete an empty pool; with `forget`, drop its records and touch nothing."""
    return await calls.change(request, PoolForget(name=pool) if forget else PoolDelete(name=pool), wait)


@get("/pools/{pool:str}/volumes")
async def volume_list(calls: Calls, pool: str, cursor: str = "", limit: int = 100) -> Page:
    """A page of volumes by name; `next` is the cursor of the next page."""
    if not 1 <= limit <= MOST:
        raise Invalid(f"limit is {limit}; it is from 1 to {MOST}.")
    found = await calls.run(lambda: calls.daemon.records.read(lambda tx: views.volumes(tx, pool, cursor, limit + 1)))
    more = found[limit - 1].name if len(found) > limit else None
    return Page(list(found[:limit]), more)


@post("/pools/{pool:str}/volumes")
async def volume_create(request: Http, calls: Calls, pool: str, data: VolumeBody, wait: float | None = None) -> Answer:
    """Create a volume."""
    asked = VolumeCreate(pool=pool, name=data.name, size=data.size, content=data.content, fs=data.fs)
    return await calls.change(request, asked, wait)


@get("/pools/{pool:str}/volumes/{volume:str}")
async def volume_show(calls: Calls, pool: str, volume: str) -> VolumeView:
    """One volume."""

    def fn(tx: Tx) -> VolumeView:
        return views.volume(tx, pool, find_volume(tx, find_pool(tx, pool), volume))

    return await calls.run(lambda: calls.daemon.records.read(fn))


@patch("/pools/{pool:str}/volumes/{volume:str}")
async def volume_change(
    request: Http, calls: Calls, pool: str, volume: str, data: VolumeChange, wait: float | None = None
) -> Answer:
    """Rename a volume."""
    return await calls.change(request, VolumeRename(pool=pool, name=volume, new_name=data.name), wait)


@delete("/pools/{pool:str}/volumes/{volume:str}", status_code=202)
async def volume_delete(request: Http, calls: Calls, pool: str, volume: str, wait: float | None = None) -> Answer:
    """Delete a volume that is not mounted."""
    return await calls.change(request, VolumeDelete(pool=pool, name=volume), wait)


@get("/mounts")
async def mount_index(calls: Calls, path: str = "") -> Page:
    """All mounts of this member, or the one at `path`."""

    def fn() -> list[object]:
        found = calls.daemon.records.read(lambda tx: resources.page(tx, Attachment))
        return [views.mount(calls.daemon, a) for a in found if not path or a.spec.path == path]

    return Page(await calls.run(fn))


@get("/pools/{pool:str}/volumes/{volume:str}/mounts")
async def mount_list(calls: Calls, pool: str, volume: str) -> Page:
    """The mounts of one volume."""

    def read(tx: Tx) -> list[Attachment]:
        return resources.page(tx, Attachment, find_volume(tx, find_pool(tx, pool), volume).uid)

    def fn() -> list[object]:
        return [views.mount(calls.daemon, found) for found in calls.daemon.records.read(read)]

    return Page(await calls.run(fn))


@post("/pools/{pool:str}/volumes/{volume:str}/mounts")
async def mount_create(
    request: Http, calls: Calls, pool: str, volume: str, data: MountBody, wait: float | None = None
) -> Answer:
    """Mount a volume."""
    asked = VolumeMount(pool=pool, name=volume, path=data.path, read_only=data.read_only)
    return await calls.change(request, asked, wait)


def _attachment(calls: Calls, uid: str) -> Attachment:
    found = calls.daemon.records.read(lambda tx: resources.by_uid(tx, Attachment, uid))
    if found is None:
        raise NotFound(f"There is no mount {ascii(uid)}.")
    return found


@get("/pools/{pool:str}/volumes/{volume:str}/mounts/{mount:str}")
async def mount_show(calls: Calls, pool: str, volume: str, mount: str) -> MountView:
    """One mount."""
    found = await calls.run(lambda: views.mount(calls.daemon, _attachment(calls, mount)))
    if (found.pool, found.volume) != (pool, volume):
        raise NotFound(f"The volume {pool}/{volume} has no mount {ascii(mount)}.")
    return found


@delete("/pools/{pool:str}/volumes/{volume:str}/mounts/{mount:str}", status_code=202)
async def mount_delete(
    request: Http, calls: Calls, pool: str, volume: str, mount: str, wait: float | None = None
) -> Answer:
    """Unmount."""

    def elsewhere(tx: Tx) -> bool:
        # A mount that is gone may be what this very request did before its answer was lost: its key tells.
        found = resources.by_uid(tx, Attachment, mount)
        return found is not None and found.parent != find_volume(tx, find_pool(tx, pool), volume).uid

    if await calls.run(lambda: calls.daemon.records.read(elsewhere)):
        raise NotFound(f"The volume {pool}/{volume} has no mount {ascii(mount)}.")
    return await calls.change(request, VolumeUnmount(attachment=mount), wait)


HANDLERS = [
    pool_list, pool_create, pool_show, pool_delete, volume_list, volume_create, volume_show, volume_change,
    volume_delete, mount_index, mount_list, mount_create, mount_show, mount_delete,
]  # fmt: skip
