"""Routes of mounts."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter

from holdfast.faces import views
from holdfast.faces.rest.answers import changing, reading
from holdfast.faces.rest.calls import Answer, Http
from holdfast.faces.rest.fields import AbsolutePath, Here, MountId, PoolName, VolumeName, Wait
from holdfast.model.errors import NotFound
from holdfast.model.resources import Attachment, Snapshot
from holdfast.model.views import MountPage, MountView
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.refs import find_pool, find_volume
from holdfast.records import resources
from holdfast.records.contract import Tx


class MountBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new mount: `path` is an empty directory, or for a block volume an empty file."""

    path: AbsolutePath
    read_only: bool = False


_NEW = Example(summary="Mount", value={"path": "/mnt/db", "read_only": False})
_HINT = "GET /v1/mounts shows all of them."
_PATH = "/pools/{pool:str}/volumes/{volume:str}/mounts"


@get("/mounts", tags=["mounts"], **reading())
async def mount_index(
    calls: Here, path: Annotated[str | None, QueryParameter(description="Only the one at this path.")] = None
) -> MountPage:
    """List all mounts of this member."""

    def read(tx: Tx) -> list[Attachment]:
        return resources.attachments(tx, paths=[path]) if path else resources.page(tx, Attachment)

    def fn() -> MountPage:
        return MountPage(items=[views.mount(calls.daemon, found) for found in calls.daemon.records.read(read)])

    return await calls.run(fn)


@get(_PATH, tags=["mounts"], **reading(404))
async def mount_list(calls: Here, pool: PoolName, volume: VolumeName) -> MountPage:
    """List the mounts of one volume and of its snapshots."""

    def read(tx: Tx) -> list[Attachment]:
        held = find_volume(tx, find_pool(tx, pool), volume)
        taken = resources.page(tx, Snapshot, held.uid)
        return resources.attachments(tx, volumes=[held.uid, *(snapshot.uid for snapshot in taken)])

    def fn() -> MountPage:
        return MountPage(items=[views.mount(calls.daemon, found) for found in calls.daemon.records.read(read)])

    return await calls.run(fn)


@post(_PATH, tags=["mounts"], **changing())
async def mount_create(
    request: Http,
    calls: Here,
    pool: PoolName,
    volume: VolumeName,
    data: Annotated[MountBody, Body(examples=[_NEW])],
    wait: Wait = None,
) -> Answer:
    """Mount a volume at a path; it comes back there after a reboot."""
    asked = VolumeMount(pool=pool, name=volume, path=data.path, read_only=data.read_only)
    return await calls.change(request, asked, wait)


@get(_PATH + "/{mount:str}", tags=["mounts"], **reading(404))
async def mount_show(calls: Here, pool: PoolName, volume: VolumeName, mount: MountId) -> MountView:
    """Show one mount, as the kernel shows it now."""

    def fn() -> MountView:
        found = calls.daemon.records.read(lambda tx: resources.by_uid(tx, Attachment, mount))
        view = views.mount(calls.daemon, found) if found else None
        if view is None or (view.pool, view.volume) != (pool, volume):
            raise NotFound(f"The volume {ascii(pool)}/{ascii(volume)} has no mount {ascii(mount)}.", _HINT)
        return view

    return await calls.run(fn)


@delete(_PATH + "/{mount:str}", tags=["mounts"], **changing())
async def mount_delete(
    request: Http, calls: Here, pool: PoolName, volume: VolumeName, mount: MountId, wait: Wait = None
) -> Answer:
    """Unmount. Never lazily: a busy one is refused."""

    def elsewhere(tx: Tx) -> bool:
        # A mount that is gone may be what this very request did before its answer was lost: its key tells.
        found = resources.by_uid(tx, Attachment, mount)
        if found is None:
            return False
        held = find_volume(tx, find_pool(tx, pool), volume)
        taken = resources.by_uid(tx, Snapshot, found.parent)
        return held.uid != (taken.parent if taken else found.parent)

    if await calls.run(lambda: calls.daemon.records.read(elsewhere)):
        raise NotFound(f"The volume {ascii(pool)}/{ascii(volume)} has no mount {ascii(mount)}.", _HINT)
    return await calls.change(request, VolumeUnmount(attachment=mount), wait)


HANDLERS: list[Any] = [mount_index, mount_list, mount_create, mount_show, mount_delete]
