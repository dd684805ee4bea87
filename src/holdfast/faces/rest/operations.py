"""Routes of operations."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, Parameter

from holdfast.engine import views as engine_views
from holdfast.faces.rest.answers import changing, reading
from holdfast.faces.rest.calls import Answer, Calls, Limit, Wait
from holdfast.model.errors import Invalid
from holdfast.model.operations import OperationView, State
from holdfast.model.views import OperationPage
from holdfast.operations.registry import codec
from holdfast.records import operations, steps
from holdfast.records.contract import Tx


class AbandonBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why."""

    reason: str


OperationId = Annotated[str, Parameter(description="The operation's id.")]
_WHY = Example(summary="Why", value={"reason": "the disk is gone for good"})
_NEWEST = 1 << 60


@get("/operations", tags=["operations"], **reading())
async def operation_list(
    calls: Calls,
    only: Annotated[State | None, Parameter(query="state", description="Only those in this state.")] = None,
    resource: Annotated[str, Parameter(description="Only those on the resource with this uid.")] = "",
    cursor: Annotated[str, Parameter(description="`next` of the page before.")] = "",
    limit: Limit = 100,
) -> OperationPage:
    """List operations, newest first."""
    if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise Invalid(f"The cursor {ascii(cursor)} is not one.", "Use `next` of the page before.")
    before = int(cursor) if cursor else _NEWEST

    def read(tx: Tx) -> tuple[list[OperationView], int | None]:
        rows = operations.page(tx, state=only or "", ref=resource, before=before, most=limit + 1)
        known = codec()
        shown = [engine_views.view(row, steps.of(tx, row.id), known) for row in rows[:limit]]
        return shown, rows[limit - 1].seq if len(rows) > limit else None

    found, more = await calls.run(lambda: calls.daemon.records.read(read))
    return OperationPage(items=found, next=None if more is None else str(more))


@get("/operations/{operation:str}", tags=["operations"], **reading(404))
async def operation_show(calls: Calls, operation: OperationId, wait: Wait = None) -> Response[OperationView]:
    """Show one operation; with `wait`, once it ended, or as it is after so many seconds."""
    view = await calls.run(lambda: calls.daemon.engine.get(operation))
    if wait is not None:
        view = await calls.wait(view, wait, parked=False)
    return Response(view, headers={"ETag": f'"{view.id}.{view.changed}"'})


async def _exit(calls: Calls, operation: str) -> Answer:
    return calls.answer(await calls.run(lambda: calls.daemon.engine.get(operation)))


@post("/operations/{operation:str}/retry", tags=["operations"], **changing())
async def operation_retry(calls: Calls, operation: OperationId) -> Answer:
    """Try now, instead of at the next time."""
    await calls.run(lambda: calls.daemon.engine.exits.retry(operation))
    return await _exit(calls, operation)


@post("/operations/{operation:str}/cancel", tags=["operations"], **changing())
async def operation_cancel(calls: Calls, operation: OperationId) -> Answer:
    """Undo it at the next boundary. Refused past the point of no return."""
    await calls.run(lambda: calls.daemon.engine.exits.cancel(operation))
    return await _exit(calls, operation)


@post("/operations/{operation:str}/abandon", tags=["operations"], opt={"role": "admin"}, **changing())
async def operation_abandon(
    calls: Calls, operation: OperationId, data: Annotated[AbandonBody, Body(examples=[_WHY])]
) -> Answer:
    """End it without touching the world. Its resource stays recorded, with a condition."""
    await calls.run(lambda: calls.daemon.engine.exits.abandon(operation, data.reason))
    return await _exit(calls, operation)


HANDLERS: list[Any] = [operation_list, operation_show, operation_retry, operation_cancel, operation_abandon]
