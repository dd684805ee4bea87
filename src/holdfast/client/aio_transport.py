"""Calls over asyncio: a connection for each exchange under way, kept for the next."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator
from typing import TypeVar

from holdfast.client import calls
from holdfast.client.address import Address
from holdfast.client.aio_connection import BROKEN, Connection, open_to
from holdfast.client.calls import Call
from holdfast.client.events import EventParser
from holdfast.client.tries import Tries, check_times
from holdfast.client.wire import Event, NotNow, answer, error_of, unreachable
from holdfast.http1 import LARGEST
from holdfast.model.errors import Unavailable

T = TypeVar("T")
# Seconds that connections get to take leave.
GOODBYE = 2.0


class AsyncTransport:
    """See the module. `timeout` in seconds per answer; `patience` in seconds for a daemon that does not answer."""

    def __init__(self, address: Address, timeout: float, patience: float) -> None:
        check_times(timeout, patience)
        self.address = address
        self._timeout = timeout
        self._patience = patience
        self._tls: ssl.SSLContext | None = None
        self._all: set[Connection] = set()
        # The last one used is the first one taken, so that those which are not needed grow old and end.
        self._idle: dict[Connection, None] = {}
        self._closings = 0

    def _gone(self, connection: Connection) -> None:
        self._all.discard(connection)
        self._idle.pop(connection, None)

    async def _open(self, closings: int) -> Connection:
        if self._tls is None and not self.address.path:
            self._tls = self.address.tls()
        connection = await open_to(self.address, self._tls, self._gone)
        if not connection.closed.is_set():
            self._all.add(connection)
        try:
            self._check_open(closings)
        except Unavailable:
            connection.abort()
            raise
        return connection

    def _check_open(self, closings: int) -> None:
        if self._closings != closings:
            raise Unavailable(
                "The client was closed before the answer came.", "What was asked may have been done all the same."
            )

    def _kept(self) -> Connection | None:
        while self._idle:
            kept, _ = self._idle.popitem()
            if kept.quiet():
                return kept
            kept.abort()
        return None

    async def run(self, call: Call[T]) -> T:
        """One exchange, sent again where that is safe, see `Tries`. Raises the daemon's error, or Unavailable."""
        tries, closings = Tries(call, self.address, self._patience), self._closings
        failed = False
        while True:
            # What cannot be repeated does not go out on a connection that may just be closing.
            kept = self._kept() if call.repeatable and not failed else None
            try:
                async with asyncio.timeout(self._timeout + tries.call.longer):
                    status, raw = await self._once(kept, tries, closings)
                return answer(call, status, raw)
            except (*BROKEN, NotNow) as error:
                await self._pause(tries, error, closings, kept=kept is not None)
                failed = not isinstance(error, NotNow)

    async def _pause(self, tries: Tries[T], error: Exception, closings: int, *, kept: bool) -> None:
        self._check_open(closings)
        await asyncio.sleep(tries.pause(error, kept=kept))
        self._check_open(closings)

    async def _once(self, kept: Connection | None, tries: Tries[T], closings: int) -> tuple[int, bytes]:
        connection = kept or await self._open(closings)
        whole = False
        try:
            status = await self._ask(connection, tries)
            raw = await _whole(connection)
            whole = connection.again()
        finally:
            if not whole:
                connection.abort()
        if whole:
            self._idle[connection] = None
        return status, raw

    async def _ask(self, connection: Connection, tries: Tries[T]) -> int:
        call = tries.call
        tries.sent = True
        return await connection.ask(call.method, call.target, tries.headers, tries.data)

    async def events(self, last: str, silence: float) -> AsyncGenerator[Event, None]:
        """The stream, on a connection of its own, until it ends; so many seconds of silence are Unavailable."""
        closings = self._closings
        connection = await self._stream(Tries(calls.events(last), self.address, self._patience), closings)
        parser = EventParser()
        try:
            while True:
                try:
                    async with asyncio.timeout(silence):
                        part = await connection.part()
                except BROKEN as error:
                    self._check_open(closings)
                    raise unreachable(self.address, error, begun=False) from error
                if not part:
                    return
                for event in parser.feed(part):
                    yield event
        finally:
            connection.abort()

    async def _stream(self, tries: Tries[bytes], closings: int) -> Connection:
        while True:
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._begin(tries, closings)
            except (*BROKEN, NotNow) as error:
                await self._pause(tries, error, closings, kept=False)

    async def _begin(self, tries: Tries[bytes], closings: int) -> Connection:
        connection = await self._open(closings)
        try:
            status = await self._ask(connection, tries)
            if status == 200:
                return connection
            raise error_of(status, await _whole(connection))
        except BaseException:
            connection.abort()
            raise

    async def close(self) -> None:
        """Close all connections; what is under way on them ends with Unavailable. Another call opens one."""
        self._closings += 1
        all_ = list(self._all)
        for connection in all_:
            (connection.close if connection.idle else connection.abort)()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                for connection in all_:
                    await connection.closed.wait()
        for connection in all_:
            connection.abort()


async def _whole(connection: Connection) -> bytes:
    parts, size = [], 0
    while part := await connection.part():
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise Unavailable(f"The daemon's answer is larger than {LARGEST} bytes.", "Ask for less at a time.")
    return b"".join(parts)
