"""Routes of connections."""

from typing import Annotated, Any

from litestar import delete, get
from litestar.params import PathParameter

from holdfast.faces.rest.answers import changing, reading
from holdfast.faces.rest.calls import Answer, Http
from holdfast.faces.rest.fields import Here, PoolName, VolumeName, Wait
from holdfast.model.resources import Pool, Volume
from holdfast.model.views import ConnectionPage
from holdfast.operations.connection.cut import ConnectionCut
from holdfast.operations.refs import find_pool, find_volume
from holdfast.records.contract import Tx

_PATH = "/pools/{pool:str}/volumes/{volume:str}/connections"
HostName = Annotated[str, PathParameter(description="The back end's own name of the host.")]


@get(_PATH, tags=["volumes"], **reading(404))
async def connection_list(calls: Here, pool: PoolName, volume: VolumeName) -> ConnectionPage:
    """List the hosts that a volume is connected to, as its back end has them now; none where none is needed."""

    def read(tx: Tx) -> tuple[Pool, Volume]:
        parent = find_pool(tx, pool)
        return parent, find_volume(tx, parent, volume)

    def fn() -> ConnectionPage:
        return ConnectionPage(items=calls.daemon.connections.of(*calls.daemon.records.read(read)))

    return await calls.run(fn)


@delete(_PATH + "/{host:str}", tags=["volumes"], **changing())
async def connection_cut(
    request: Http, calls: Here, pool: PoolName, volume: VolumeName, host: HostName, wait: Wait = None
) -> Answer:
    """Cut a connection to a host that is gone, or is not ours. Whoever uses the volume there loses it at once."""
    return await calls.change(request, ConnectionCut(pool=pool, name=volume, host=host), wait)


HANDLERS: list[Any] = [connection_list, connection_cut]
