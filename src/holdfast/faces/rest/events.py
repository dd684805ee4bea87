"""`GET /v1/events`: operations as they change, as server-sent events that can be taken up again.

An event says how an operation is now, not each state that it passed: after a pause a client gets every operation
that changed meanwhile, once. Its id is the operation's `changed`, so nothing has to be kept for those who may return.
A stream ends when its token does not let in any more: at the latest with the next sign of life.
"""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.params import HeaderParameter
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from holdfast.faces.rest.answers import reading
from holdfast.faces.rest.auth import still_in
from holdfast.faces.rest.calls import Calls, Http
from holdfast.faces.rest.fields import Here
from holdfast.model.errors import Invalid

# Seconds after which a stream says that it is alive, so that a dead client is noticed.
HEARTBEAT = 15.0
# Changes within this many seconds travel together.
GATHER = 0.02
_AT_ONCE = 200


@get("/events", tags=["events"], media_type="text/event-stream", **reading())
async def events(
    request: Http,
    calls: Here,
    last: Annotated[
        str | None,
        HeaderParameter(
            name="Last-Event-ID",
            description="Begin after this event; without it, with what is new.",
            schema_extra={"pattern": "^[0-9]{1,18}$"},
        ),
    ] = None,
) -> ServerSentEvent:
    """Follow operations: `event: operation`, data an operation, id to come back with. `reset` tells to list anew."""
    if last is not None and not (last.isascii() and last.isdecimal() and len(last) < 19):
        raise Invalid(f"The Last-Event-ID {ascii(last)} is not one of ours.", "Begin without it, and list anew.")
    latest = await calls.run(calls.daemon.engine.latest)
    reset = last is not None and int(last) > latest
    seen = latest if last is None or reset else int(last)
    return ServerSentEvent(stream(calls, seen, lambda: still_in(request), reset=reset))


async def stream(
    calls: Calls, seen: int, allowed: Callable[[], bool], *, reset: bool
) -> AsyncIterator[ServerSentEventMessage]:
    """Events after the number `seen`, until the daemon stops or the caller is not `allowed` any more."""
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
            news.clear()
            found = await calls.run(functools.partial(engine.since, seen, _AT_ONCE))
            if not allowed():
                return
            for view in found:
                seen = view.changed
                data = msgspec.json.encode(view).decode()
                yield ServerSentEventMessage(id=str(seen), event="operation", data=data)
            if found:
                await asyncio.sleep(GATHER)
                continue
            await calls.first_of(news, HEARTBEAT)
            if not news.is_set():
                yield ServerSentEventMessage(comment="still here", data=None)
    finally:
        engine.watch.remove_all(ring)


HANDLERS: list[Any] = [events]
