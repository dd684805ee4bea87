"""What all routes share: blocking work off the event loop, changes with `?wait=`, filters, and the stop."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, get_args

from litestar import Request, Response

from holdfast.control.asking import ask
from holdfast.control.daemon import Daemon
from holdfast.engine.submit import Caller
from holdfast.engine.watch import Listener
from holdfast.model.errors import Invalid
from holdfast.model.names import check_name
from holdfast.model.operations import ENDED, OperationView
from holdfast.model.resources import ResourceState
from holdfast.operations.base import Asked
from holdfast.records.resources import Filter

T = TypeVar("T")
LONGEST_KEY = 255
# Where a wait for an operation ends, unless it is for its end alone.
_AT_REST = ENDED | {"parked"}

Http = Request[Any, Any, Any]
Answer = Response[OperationView]


def check_state(state: str | None, states: tuple[str, ...]) -> str:
    """What `?state=` asks for, an empty text for anything; raise Invalid."""
    if state is not None and state not in states:
        raise Invalid(f"There is no state {ascii(state)}.", f"There are {', '.join(states)}.")
    return state or ""


def filter_of(state: str | None, labels: list[str] | None) -> Filter:
    """From `?state=` and `?label=`; raise Invalid."""
    found = []
    for label in labels or []:
        name, equals, value = label.partition("=")
        for part in name.split("/"):
            check_name("label's", part)
        found.append((name, value if equals else None))
    return Filter(check_state(state, get_args(ResourceState)), tuple(found))


class Calls:
    """Threads for calls that touch records or the world, beside the event loop."""

    def __init__(self, daemon: Daemon, threads: int = 16) -> None:
        self.daemon = daemon
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        # Both come true when the daemon is to stop: whoever waits is answered as things are.
        self.stopping = asyncio.Event()
        self._stop: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def stop(self) -> None:
        """Let go whoever waits."""
        self.stopping.set()
        if not self._stop.done():
            self._stop.set_result(None)

    async def run(self, fn: Callable[[], T]) -> T:
        """`fn` on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, fn)

    async def change(self, http: Http, asked: Asked, wait: float | None) -> Answer:
        """Check, submit and, if asked to, wait: 200 with the ended operation, else 202."""
        principal = http.scope["state"]["principal"]
        caller = Caller(principal.name, f"{http.method} {http.scope['path']}")
        key = http.headers.get("idempotency-key", "")
        if len(key) > LONGEST_KEY:
            raise Invalid(f"The Idempotency-Key is longer than {LONGEST_KEY} signs.", "Make a shorter one.")
        begun: list[str] = []

        def submit() -> OperationView:
            return ask(self.daemon, asked, caller, key, begun=begun.append if wait else None)

        loop = asyncio.get_running_loop()
        began = loop.time()
        work = loop.run_in_executor(self._pool, submit)
        if wait:
            first: tuple[asyncio.Future[Any], ...] = (work, self._stop, http.scope["state"]["gone"])
            await asyncio.wait(first, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
            if begun and not work.done():  # its thread works on it, and it takes its time
                return self.answer(await self.run(lambda: self.daemon.engine.get(begun[0])))
        view = await work
        left = (wait or 0.0) - (loop.time() - began)
        if view.state in _AT_REST or left <= 0:
            return self.answer(view)
        return self.answer(await self.wait(http, view, left))

    async def wait(self, http: Http, view: OperationView, seconds: float, *, parked: bool = True) -> OperationView:
        """The operation once it ended or (if `parked`) waits for the world, or as it is after `seconds`."""
        over = _AT_REST if parked else ENDED
        answered: asyncio.Future[OperationView] = asyncio.get_running_loop().create_future()
        ring = self._bell(answered, over)
        self.daemon.engine.watch.add(view.id, ring)
        try:
            now = await self.run(lambda: self.daemon.engine.get(view.id))
            if now.state in over or answered.done():
                return answered.result() if answered.done() else now
            if seconds:
                first: tuple[asyncio.Future[Any], ...] = (answered, self._stop, http.scope["state"]["gone"])
                await asyncio.wait(first, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if answered.done():
                return answered.result()
            return await self.run(lambda: self.daemon.engine.get(view.id))
        finally:
            self.daemon.engine.watch.remove(view.id, ring)

    def _bell(self, answered: "asyncio.Future[OperationView]", over: frozenset[str]) -> Listener:
        loop = asyncio.get_running_loop()

        def answer(view: OperationView) -> None:
            if not answered.done():
                answered.set_result(view)

        def ring(state: str, view: Callable[[], OperationView]) -> None:
            if state in over:
                with contextlib.suppress(RuntimeError):  # the loop is closing
                    loop.call_soon_threadsafe(answer, view())

        return ring

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
