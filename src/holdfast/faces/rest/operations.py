"""Routes of operations, findings, and the daemon itself."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from holdfast.engine import views as engine_views
from holdfast.faces import views
from holdfast.faces.rest.calls import Calls, Page
from holdfast.model.errors import Invalid
from holdfast.model.operations import OperationView
from holdfast.model.views import StatusView
from holdfast.operations.registry import codec
from holdfast.records import operations, steps
from holdfast.records.contract import Tx

MOST = 1000


class AbandonBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: str


class BackupBody(msgspec.Struct, forbid_unknown_fields=True):
    """Where to; an absolute path on the daemon's machine."""

    path: str


@get("/operations")
async def operation_list(
    calls: Calls,
    only: Annotated[str, Parameter(query="state")] = "",
    resource: str = "",
    cursor: int = 1 << 60,
    limit: int = 100,
) -> Page:
    """Operations, newest first; `next` is the cursor of the next page."""
    if not 1 <= limit <= MOST:
        raise Invalid(f"limit is {limit}; it is from 1 to {MOST}.")

    def read(tx: Tx) -> tuple[list[OperationView], int | None]:
        rows = operations.page(tx, state=only, ref=resource, before=cursor, most=limit + 1)
        known = codec()
        shown = [engine_views.view(row, steps.of(tx, row.id), known) for row in rows[:limit]]
        return shown, rows[limit - 1].seq if len(rows) > limit else None

    found, more = await calls.run(lambda: calls.daemon.records.read(read))
    return Page(list(found), None if more is None else str(more))


@get("/operations/{operation:str}")
async def operation_show(calls: Calls, operation: str, wait: float | None = None) -> OperationView:
    """One operation; with `wait`, once it ended, or as it is after so many seconds."""
    view = await calls.run(lambda: calls.daemon.engine.get(operation))
    return view if wait is None else await calls.wait(view, wait, parked=False)


async def _exit(calls: Calls, operation: str) -> Response[OperationView]:
    return calls.answer(await calls.run(lambda: calls.daemon.engine.get(operation)))


@post("/operations/{operation:str}/retry")
async def operation_retry(calls: Calls, operation: str) -> Response[OperationView]:
    """Try now."""
    await calls.run(lambda: calls.daemon.engine.exits.retry(operation))
    return await _exit(calls, operation)


@post("/operations/{operation:str}/cancel")
async def operation_cancel(calls: Calls, operation: str) -> Response[OperationView]:
    """Undo at the next boundary."""
    await calls.run(lambda: calls.daemon.engine.exits.cancel(operation))
    return await _exit(calls, operation)


@post("/operations/{operation:str}/abandon")
async def operation_abandon(calls: Calls, operation: str, data: AbandonBody) -> Response[OperationView]:
    """End it without touching the world."""
    await calls.run(lambda: calls.daemon.engine.exits.abandon(operation, data.reason))
    return await _exit(calls, operation)


@get("/findings")
async def finding_list(calls: Calls) -> Page:
    """Audit now."""
    return Page(list(await calls.run(lambda: calls.daemon.repair.run(repair=False))))


@post("/findings/repair", status_code=200)
async def finding_repair(calls: Calls) -> Page:
    """Audit now, and repair what is provably safe."""
    return Page(list(await calls.run(lambda: calls.daemon.repair.run(repair=True))))


@get("/status")
async def status(calls: Calls) -> StatusView:
    """The daemon."""
    return await calls.run(lambda: views.status(calls.daemon))


@post("/resume", status_code=200)
async def resume(calls: Calls) -> StatusView:
    """This database is the current one."""
    await calls.run(calls.daemon.counters.resume)
    return await calls.run(lambda: views.status(calls.daemon))


@post("/backup", status_code=200)
async def backup(calls: Calls, data: BackupBody) -> StatusView:
    """Copy the database to a new file of this machine."""
    await calls.run(lambda: calls.daemon.backup(data.path))
    return await calls.run(lambda: views.status(calls.daemon))


HANDLERS = [
    operation_list, operation_show, operation_retry, operation_cancel, operation_abandon, finding_list,
    finding_repair, status, resume, backup,
]  # fmt: skip
