"""What all routes share: blocking work off the event loop, changes with `?wait=`, and errors as problems."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
from litestar import Request as HttpRequest
from litestar import Response

from holdfast.control.daemon import Daemon
from holdfast.engine.submit import Caller
from holdfast.model.errors import Invalid
from holdfast.model.operations import ENDED, OperationView
from holdfast.operations.base import Asked

T = TypeVar("T")
LONGEST_WAIT = 3600.0


class Calls:
    """Threads for calls that touch records or the world, beside the event loop."""

    def __init__(self, daemon: Daemon, threads: int = 16) -> None:
        self.daemon = daemon
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="rest")

    async def run(self, fn: Callable[[], T]) -> T:
        """`fn` on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, fn)

    async def change(
        self, http: "HttpRequest[Any, Any, Any]", asked: Asked, wait: float | None
    ) -> Response[OperationView]:
        """Check, submit and, if asked to, wait: 200 with the ended operation, else 202."""
        if wait is not None and not 0 <= wait <= LONGEST_WAIT:
            raise Invalid(f"wait is {wait}; it is a number of seconds from 0 to {LONGEST_WAIT:g}.")
        caller = Caller(str(http.scope.get("holdfast_caller", "local")), f"{http.method} {http.url.path}")
        key = http.headers.get("idempotency-key", "")
        if len(key) > 255:
            raise Invalid("The Idempotency-Key is longer than 255 characters.")

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
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(bell.wait(), seconds)
                now = await self.run(lambda: self.daemon.engine.get(view.id))
            return now
        finally:
            self.daemon.engine.watch.remove(view.id, ring)

    @staticmethod
    def answer(view: OperationView) -> Response[OperationView]:
        """200 for an ended operation, whatever its outcome; else 202."""
        code = 200 if view.state in ENDED else 202
        return Response(view, status_code=code, headers={"Location": f"/v1/operations/{view.id}"})


class Page(msgspec.Struct, frozen=True):
    """A list's answer."""

    items: list[object]
    next: str | None = None
