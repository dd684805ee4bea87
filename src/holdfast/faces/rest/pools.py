"""Routes of pools."""

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
    Forget,
    Here,
    IfMatch,
    InState,
    LabelChanges,
    Labels,
    Limit,
    Name,
    PageSize,
    PoolName,
    Wait,
    WithLabel,
)
from holdfast.model.errors import Invalid
from holdfast.model.resources import Pool
from holdfast.model.views import DeletedPage, PoolPage, PoolView
from holdfast.operations.pool.adopt import PoolAdopt
from holdfast.operations.pool.change import PoolChange
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.pool.import_ import PoolImport
from holdfast.operations.pool.recover import PoolRecover
from holdfast.operations.refs import etag, find_pool
from holdfast.records import resources


class PoolBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new pool. `config` holds the driver's options, `limit` bounds the sum of the volumes' sizes."""

    name: Name
    driver: str
    config: dict[str, str]
    limit: Limit = None
    labels: Labels = {}


class PoolPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What may change of a pool: its limit (null for none) and its labels (null removes one)."""

    limit: Limit | msgspec.UnsetType = msgspec.UNSET
    labels: LabelChanges | msgspec.UnsetType = msgspec.UNSET


class ImportBody(msgspec.Struct, forbid_unknown_fields=True):
    """Where the pool is. `take_over` makes it this installation's, if it is another's that will not come back."""

    driver: str
    config: dict[str, str]
    take_over: bool = False
    labels: Labels = {}


class AdoptBody(msgspec.Struct, forbid_unknown_fields=True):
    """Only these, as an audit tells them; none means all."""

    uids: list[str] = []


class RecoverBody(msgspec.Struct, forbid_unknown_fields=True):
    """Which, as the list of what was deleted tells it."""

    uid: str


_RECOVER = Example(summary="One of them", value={"uid": "0b0e8a5a1c1f4b3f9a3a2c8a4c1d6e7f"})
_ADOPT = Example(summary="All", value={"uids": []})
_IMPORT = Example(summary="After the database was lost", value={"driver": "dir", "config": {"source": "/srv/old"}})
_NEW = Example(
    summary="A directory on a local file system",
    value={
        "name": "fast",
        "driver": "dir",
        "config": {"source": "/srv/fast"},
        "limit": "500GiB",
        "labels": {"tier": "ssd"},
    },
)
_CHANGE = Example(summary="A higher limit, one label less", value={"limit": "1TiB", "labels": {"tier": None}})


@get("/pools", tags=["pools"], **reading())
async def pool_list(
    calls: Here, in_state: InState = None, label: WithLabel = None, cursor: Cursor = None, limit: PageSize = 100
) -> PoolPage:
    """List pools by name."""
    asked = filter_of(in_state, label)

    def fn() -> PoolPage:
        found = calls.daemon.records.read(lambda tx: resources.search(tx, Pool, "", asked, cursor or "", limit + 1))
        more = found[limit - 1].name if len(found) > limit else None
        return PoolPage(items=[views.pool(calls.daemon, pool) for pool in found[:limit]], next=more)

    return await calls.run(fn)


@post("/pools", tags=["pools"], **changing(role="admin"))
async def pool_create(
    request: Http, calls: Here, data: Annotated[PoolBody, Body(examples=[_NEW])], wait: Wait = None
) -> Answer:
    """Create a pool: mark an empty place as ours."""
    asked = PoolCreate(name=data.name, driver=data.driver, config=data.config, limit=data.limit, labels=data.labels)
    return await calls.change(request, asked, wait)


@post("/pools/{pool:str}/import", tags=["pools"], **changing(role="admin"))
async def pool_import(
    request: Http, calls: Here, pool: PoolName, data: Annotated[ImportBody, Body(examples=[_IMPORT])], wait: Wait = None
) -> Answer:
    """Bring a pool that no record knows, with its volumes and snapshots, into the records, from the pool alone."""
    asked = PoolImport(
        name=pool, driver=data.driver, config=data.config, labels=data.labels, take_over=data.take_over
    )  # fmt: skip
    return await calls.change(request, asked, wait)


@post("/pools/{pool:str}/adopt", tags=["pools"], **changing(role="admin"))
async def pool_adopt(
    request: Http, calls: Here, pool: PoolName, data: Annotated[AdoptBody, Body(examples=[_ADOPT])], wait: Wait = None
) -> Answer:
    """Record what is whole in a pool and has no record, with its snapshots: after an older database was restored."""
    return await calls.change(request, PoolAdopt(name=pool, uids=tuple(data.uids)), wait)


@get("/pools/{pool:str}/deleted", tags=["pools"], **reading(404))
async def pool_deleted(calls: Here, pool: PoolName) -> DeletedPage:
    """List what the pool's back end still keeps of what was deleted, and can be recovered; of most, nothing."""

    def fn() -> DeletedPage:
        return views.deleted(calls.daemon, calls.daemon.records.read(lambda tx: find_pool(tx, pool)))

    return await calls.run(fn)


@post("/pools/{pool:str}/recover", tags=["pools"], **changing(role="admin"))
async def pool_recover(
    request: Http, calls: Here, pool: PoolName, data: Annotated[RecoverBody, Body(examples=[_RECOVER])],
    wait: Wait = None,
) -> Answer:  # fmt: skip
    """Bring back what was deleted and its back end still keeps, under the name that it had."""
    return await calls.change(request, PoolRecover(name=pool, uid=data.uid), wait)


@get("/pools/{pool:str}", tags=["pools"], **reading(404))
async def pool_show(calls: Here, pool: PoolName) -> Response[PoolView]:
    """Show one pool, with its room as the place says now."""

    def fn() -> Response[PoolView]:
        found = calls.daemon.records.read(lambda tx: find_pool(tx, pool))
        return Response(views.pool(calls.daemon, found), headers={"ETag": etag(found)})

    return await calls.run(fn)


@patch("/pools/{pool:str}", tags=["pools"], **changing(412, role="admin"))
async def pool_change(
    request: Http,
    calls: Here,
    pool: PoolName,
    data: Annotated[PoolPatch, Body(examples=[_CHANGE])],
    wait: Wait = None,
    if_match: IfMatch = "",
) -> Answer:
    """Change a pool's limit or labels."""
    keep = isinstance(data.limit, msgspec.UnsetType)
    labels = {} if isinstance(data.labels, msgspec.UnsetType) else data.labels
    if keep and not labels:
        raise Invalid("Nothing is to be changed.", "Give a limit, or labels.")
    limit = None if isinstance(data.limit, msgspec.UnsetType) else data.limit
    asked = PoolChange(name=pool, limit=limit, keep_limit=keep, labels=labels, if_match=if_match)
    return await calls.change(request, asked, wait)


@delete("/pools/{pool:str}", tags=["pools"], **changing(412, role="admin"))
async def pool_delete(
    request: Http, calls: Here, pool: PoolName, wait: Wait = None, forget: Forget = False, if_match: IfMatch = ""
) -> Answer:
    """Delete an empty pool; with `forget`, drop its records and touch nothing."""
    if forget and if_match:
        raise Invalid("If-Match does not go with forget, for a pool that is gone for good.", "Leave one of them out.")
    asked = PoolForget(name=pool) if forget else PoolDelete(name=pool, if_match=if_match)
    return await calls.change(request, asked, wait)


HANDLERS: list[Any] = [
    pool_list, pool_create, pool_import, pool_adopt, pool_deleted, pool_recover, pool_show, pool_change, pool_delete,
]  # fmt: skip
