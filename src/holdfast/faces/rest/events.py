"""`GET /v1/events`: operations as they change, as server-sent events that can be taken up again.

An event says how an operation is now, not each state that it passed: after a pause a client gets every operation
that changed meanwhile, once. Its id is the operation's `changed`, so nothing has to be kept for those who may return.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import Parameter
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from holdfast.faces.rest.answers import reading
from holdfast.faces.rest.calls import Calls
from holdfast.model.errors import Invalid

# Seconds after which a stream says that it is alive, so that a dead client is noticed.
HEARTBEAT = 15.0
# Changes within this many seconds travel together.
GATHER = 0.02
_AT_ONCE = 200


@get("/events", tags=["events"], media_type="text/event-stream", **reading())
async def events(
    calls: Calls,
    last: Annotated[
        str, Parameter(header="Last-Event-ID", description="Begin after this event; without it, with what is new.")
    ] = "",
) -> ServerSentEvent:
    """Follow operations: `event: operation`, data an operation, id to come back with. `reset` tells to list anew."""
    if last and not (last.isascii() and last.isdecimal() and len(last) < 19):
        raise Invalid(f"The Last-Event-ID {ascii(last)} is not one of ours.", "Begin without it, and list anew.")
    latest = await calls.run(calls.daemon.engine.latest)
    reset = bool(last) and int(last) > latest
    return ServerSentEvent(_stream(calls, int(last) if last and not reset else latest, reset=reset))


async def _stream(calls: Calls, seen: int, *, reset: bool) -> AsyncIterator[ServerSentEventMessage]:
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def ring(_op: str, _state: str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closing
            loop.call_soon_threadsafe(news.set)

    engine = calls.daemon.engine
    engine.watch.add_all(ring)
    try:
        yield ServerSentEventMessage(id=str(seen), event="reset" if reset else "ready", data="{}")
        while not calls.stopping.is_set():
            found = await calls.run(lambda: engine.since(seen, _AT_ONCE))
            for view in found:
                seen = view.changed
                data = msgspec.json.encode(view).decode()
                yield ServerSentEventMessage(id=str(seen), event="operation", data=data)
            if found:
                await asyncio.sleep(GATHER)
                continue
            news.clear()
            if not await calls.run(lambda: engine.latest() > seen):
                await calls.first_of(news, HEARTBEAT)
                if not news.is_set():
                    yield ServerSentEventMessage(comment="still here")
    finally:
        engine.watch.remove_all(ring)


HANDLERS: list[Any] = [events]
