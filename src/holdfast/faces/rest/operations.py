"""Routes of operations."""

from typing import Annotated, Any, get_args

import msgspec
from litestar import Response, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter

from holdfast.engine import views as engine_views
from holdfast.faces.rest.answers import leaving, reading
from holdfast.faces.rest.calls import Answer, Calls, Http, check_state
from holdfast.faces.rest.fields import Cursor, Here, OperationId, OperationState, PageSize, WaitForEnd
from holdfast.model.errors import Invalid
from holdfast.model.operations import OperationView, State
from holdfast.model.views import OperationPage
from holdfast.operations.registry import codec
from holdfast.records import operations, steps
from holdfast.records.contract import Tx


class AbandonBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why; it is kept with the resource."""

    reason: Annotated[str, msgspec.Meta(extra_json_schema={"minLength": 1})]


_WHY = Example(summary="Why", value={"reason": "the disk is gone for good"})
_NEWEST = 1 << 60


@get("/operations", tags=["operations"], **reading())
async def operation_list(
    calls: Here,
    in_state: OperationState = None,
    resource: Annotated[str | None, QueryParameter(description="Only those on the resource with this uid.")] = None,
    cursor: Cursor = None,
    limit: PageSize = 100,
) -> OperationPage:
    """List operations, newest first."""
    state = check_state(in_state, get_args(State))
    if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise Invalid(f"The cursor {ascii(cursor)} is not one.", "Use `next` of the page before.")
    before = _NEWEST if cursor is None else int(cursor)

    def read(tx: Tx) -> tuple[list[OperationView], int | None]:
        rows = operations.page(tx, state=state, ref=resource or "", before=before, most=limit + 1)
        known = codec()
        shown = [engine_views.view(row, steps.of(tx, row.id), known) for row in rows[:limit]]
        return shown, rows[limit - 1].seq if len(rows) > limit else None

    found, more = await calls.run(lambda: calls.daemon.records.read(read))
    return OperationPage(items=found, next=None if more is None else str(more))


@get("/operations/{operation:str}", tags=["operations"], **reading(404))
async def operation_show(
    request: Http, calls: Here, operation: OperationId, wait: WaitForEnd = None
) -> Response[OperationView]:
    """Show one operation; with `wait`, once it ended, or as it is after so many seconds."""
    view = await calls.run(lambda: calls.daemon.engine.get(operation))
    if wait is not None:
        view = await calls.wait(request, view, wait, parked=False)
    return Response(view, headers={"ETag": f'"{view.id}.{view.changed}"'})


async def _exit(calls: Calls, operation: str) -> Answer:
    return calls.answer(await calls.run(lambda: calls.daemon.engine.get(operation)))


@post("/operations/{operation:str}/retry", tags=["operations"], **leaving())
async def operation_retry(calls: Here, operation: OperationId) -> Answer:
    """Try now, instead of at the next time."""
    await calls.run(lambda: calls.daemon.engine.exits.retry(operation))
    return await _exit(calls, operation)


@post("/operations/{operation:str}/cancel", tags=["operations"], **leaving())
async def operation_cancel(calls: Here, operation: OperationId) -> Answer:
    """Undo it at the next boundary. Refused past the point of no return."""
    await calls.run(lambda: calls.daemon.engine.exits.cancel(operation))
    return await _exit(calls, operation)


@post("/operations/{operation:str}/abandon", tags=["operations"], **leaving(role="admin"))
async def operation_abandon(
    calls: Here, operation: OperationId, data: Annotated[AbandonBody, Body(examples=[_WHY])]
) -> Answer:
    """End it without touching the world. Its resource stays recorded, with a condition."""
    await calls.run(lambda: calls.daemon.engine.exits.abandon(operation, data.reason))
    return await _exit(calls, operation)


HANDLERS: list[Any] = [operation_list, operation_show, operation_retry, operation_cancel, operation_abandon]
