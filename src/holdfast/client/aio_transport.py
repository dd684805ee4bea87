"""HTTP by h11 over asyncio's streams: a connection per exchange under way, kept for the next."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TypeVar

import h11

from holdfast.client.calls import Call
from holdfast.client.transport import PAUSE
from holdfast.client.wire import Address, Event, EventParser, answer, body_of, headers_of, unreachable

T = TypeVar("T")
_PART = 1 << 16
_BROKEN = (OSError, h11.RemoteProtocolError, EOFError, TimeoutError)


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)

    async def send(self, method: str, target: str, headers: dict[str, str], data: bytes | None) -> h11.Response:
        """The request; the head of its answer."""
        length = {"Content-Length": str(len(data))} if data is not None else {}
        request = h11.Request(method=method, target=target, headers=list({**headers, **length}.items()))
        parts: tuple[h11.Event, ...] = (request, h11.Data(data or b""), h11.EndOfMessage())
        for part in parts:
            self._writer.write(self._http.send(part) or b"")
        await self._writer.drain()
        async for event in self._events():
            if isinstance(event, h11.Response):
                return event
        raise EOFError("no answer came")

    async def body(self) -> AsyncIterator[bytes]:
        """The answer's body as it comes."""
        async for event in self._events():
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    async def _events(self) -> AsyncIterator[object]:
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(_PART))
                continue
            if isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
                return
            if isinstance(event, h11.ConnectionClosed):
                raise EOFError("the daemon closed the connection")  # noqa: TRY004 - it is no matter of types
            yield event

    def again(self) -> bool:
        """Whether another exchange can follow."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return True
        return False

    def close(self) -> None:
        """Let go."""
        self._writer.close()


class AsyncTransport:
    """See the module; times in seconds."""

    def __init__(self, address: Address, timeout: float, patience: float) -> None:
        self.address = address
        self._timeout = timeout
        self._patience = patience
        self._idle: list[_Connection] = []

    async def _open(self) -> _Connection:
        where = self.address
        if where.path:
            return _Connection(*await asyncio.open_unix_connection(where.path))
        return _Connection(*await asyncio.open_connection(where.host, where.port, ssl=where.tls()))

    async def run(self, call: Call[T]) -> T:
        """One exchange; sent again if a kept connection broke, under the same key."""
        headers, data = headers_of(call, self.address), body_of(call)
        end = time.monotonic() + self._patience
        while True:
            kept = self._idle.pop() if self._idle else None
            try:
                async with asyncio.timeout(self._timeout + call.wait):
                    status, raw = await self._once(kept, call, data, headers)
            except _BROKEN as error:
                if kept is None and time.monotonic() >= end:
                    raise unreachable(self.address, error) from error
                if kept is None:
                    await asyncio.sleep(PAUSE)
                continue
            return answer(call, status, raw)

    async def _once(
        self, kept: _Connection | None, call: Call[T], data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        connection = kept or await self._open()
        whole = False
        try:
            head = await connection.send(call.method, call.target, headers, data)
            raw = b"".join([part async for part in connection.body()])
            whole = connection.again()
        finally:
            if not whole:
                connection.close()
        if whole:
            self._idle.append(connection)
        return head.status_code, raw

    async def events(self, last: str, silence: float) -> AsyncIterator[Event]:
        """The stream, until it ends; so many seconds of silence are Unavailable."""
        call = Call(kind=bytes, path="/v1/events")
        headers = {**headers_of(call, self.address), **({"Last-Event-ID": last} if last else {})}
        connection = None
        try:
            connection = await self._open()
            head = await connection.send("GET", call.target, headers, None)
            if head.status_code >= 400:
                answer(call, head.status_code, b"".join([part async for part in connection.body()]))
            parser = EventParser()
            async for line in _lines(connection.body(), silence):
                for event in parser.feed(line):
                    yield event
        except _BROKEN as error:
            raise unreachable(self.address, error) from error
        finally:
            if connection is not None:
                connection.close()

    async def close(self) -> None:
        """Close what is kept."""
        while self._idle:
            self._idle.pop().close()


async def _lines(body: AsyncIterator[bytes], silence: float) -> AsyncIterator[str]:
    raw = b""
    while True:
        try:
            async with asyncio.timeout(silence):
                raw += await anext(body)
        except StopAsyncIteration:
            return
        *whole, raw = raw.split(b"\n")
        for line in whole:
            yield line.decode().rstrip("\r")
