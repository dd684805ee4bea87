"""What all routes share: blocking work off the event loop, changes with `?wait=`, parameters, and the stop."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypeVar

from litestar import Request, Response
from litestar.params import Parameter

from holdfast.control.daemon import Daemon
from holdfast.engine.submit import Caller
from holdfast.model.errors import Invalid
from holdfast.model.names import check_name
from holdfast.model.operations import ENDED, OperationView
from holdfast.operations.base import Asked
from holdfast.records.resources import Filter

T = TypeVar("T")
LONGEST_WAIT = 3600.0
LONGEST_KEY = 255
MOST = 1000

Http = Request[Any, Any, Any]
Answer = Response[OperationView]
PoolName = Annotated[str, Parameter(description="The pool's name.")]
VolumeName = Annotated[str, Parameter(description="The volume's name.")]
Cursor = Annotated[str, Parameter(description="`next` of the page before.")]
Limit = Annotated[int, Parameter(ge=1, le=MOST, description="How many at the most.")]
State = Annotated[str, Parameter(query="state", description="Only those in this state.")]
Label = Annotated[
    list[str] | None,
    Parameter(query="label", description="Only those with this label: NAME, or NAME=VALUE. May be given again."),
]
Wait = Annotated[
    float | None,
    Parameter(
        ge=0, le=LONGEST_WAIT,
        description="Seconds to wait for the operation's end. Without it the answer is 202 as soon as it is durable.",
    ),
]  # fmt: skip
IfMatch = Annotated[
    str, Parameter(header="If-Match", description="Do it only while the resource's ETag is this one, else 412.")
]


def filter_of(state: str, labels: list[str] | None) -> Filter:
    """From `?state=` and `?label=`; raise Invalid."""
    if state not in ("", "making", "ready", "abandoned"):
        raise Invalid(f"There is no state {ascii(state)}.", "It is making, ready or abandoned.")
    found = []
    for label in labels or []:
        name, equals, value = label.partition("=")
        for part in name.split("/"):
            check_name("label's", part)
        found.append((name, value if equals else None))
    return Filter(state, tuple(found))


class Calls:
    """Threads for calls that touch records or the world, beside the event loop."""

    def __init__(self, daemon: Daemon, threads: int = 16) -> None:
        self.daemon = daemon
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        # Set when the daemon is to stop: whoever waits is answered as things are.
        self.stopping = asyncio.Event()

    async def run(self, fn: Callable[[], T]) -> T:
        """`fn` on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, fn)

    async def change(self, http: Http, asked: Asked, wait: float | None) -> Answer:
        """Check, submit and, if asked to, wait: 200 with the ended operation, else 202."""
        principal = http.scope["state"]["principal"]
        caller = Caller(principal.name, f"{http.method} {http.url.path}")
        key = http.headers.get("idempotency-key", "")
        if len(key) > LONGEST_KEY:
            raise Invalid(f"The Idempotency-Key is longer than {LONGEST_KEY} characters.")

        def submit() -> OperationView:
            # A repeated key is answered from the journal, whatever the world looks like by now.
            earlier = self.daemon.engine.earlier(asked, caller, key) if key else None
            return earlier or self.daemon.engine.submit(asked.checked(self.daemon.desk), caller, key=key, said=asked)

        view = await self.run(submit)
        if wait is not None:
            view = await self.wait(view, wait)
        return self.answer(view)

    async def wait(self, view: OperationView, seconds: float, *, parked: bool = True) -> OperationView:
        """The operation once it ended or (if `parked`) waits for the world, or as it is after `seconds`."""
        loop = asyncio.get_running_loop()
        bell = asyncio.Event()
        over = ENDED | {"parked"} if parked else ENDED

        def ring(state: str) -> None:
            if state in over:
                with contextlib.suppress(RuntimeError):  # the loop is closing
                    loop.call_soon_threadsafe(bell.set)

        self.daemon.engine.watch.add(view.id, ring)
        try:
            now = await self.run(lambda: self.daemon.engine.get(view.id))
            if now.state not in over and seconds:
                await self.first_of(bell, seconds)
                now = await self.run(lambda: self.daemon.engine.get(view.id))
            return now
        finally:
            self.daemon.engine.watch.remove(view.id, ring)

    async def first_of(self, bell: asyncio.Event, seconds: float) -> None:
        """Wait for the bell, the daemon's stop, or so many seconds."""
        waits = [asyncio.ensure_future(event.wait()) for event in (bell, self.stopping)]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    @staticmethod
    def answer(view: OperationView) -> Answer:
        """200 for an ended operation, whatever its outcome; else 202."""
        code = 200 if view.state in ENDED else 202
        return Response(view, status_code=code, headers={"Location": f"/v1/operations/{view.id}"})
