"""One HTTP/1.1 connection by h11 over asyncio. It knows when it ends while nobody uses it, and lets go by itself."""

import asyncio
import contextlib
import os
import select
import ssl
from collections.abc import Callable
from typing import cast

import h11

from holdfast.client.address import Address

# Bytes taken in before the daemon has to wait.
_MOST = 1 << 18
# What a connection that broke, or another server, raises.
BROKEN = (OSError, EOFError, h11.RemoteProtocolError)


class Connection(asyncio.Protocol):
    """One exchange at a time; `gone` is told of its end."""

    def __init__(self, gone: Callable[["Connection"], None]) -> None:
        self._gone = gone
        self._http = h11.Connection(h11.CLIENT)
        self._received = bytearray()
        self._news = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None
        self._transport: asyncio.Transport | None = None
        self.idle = False
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From asyncio."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """From asyncio. What comes unasked would be taken for the next answer."""
        if self.idle:
            self.abort()
            return
        self._received += data
        if len(self._received) > _MOST and self._transport is not None:
            self._transport.pause_reading()
        self._news.set()

    def eof_received(self) -> None:
        """From asyncio; it closes the connection then."""
        self._ended = True
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """From asyncio."""
        if exc is not None:
            self._rest()
        self._ended, self._error = True, exc
        self._news.set()
        self.closed.set()
        self._gone(self)

    def _rest(self) -> None:
        """Asyncio reads no more once it could not write; an answer may have come: to one connection too many."""
        transport = self._transport
        if transport is not None and transport.get_extra_info("sslcontext") is None:
            with contextlib.suppress(OSError):
                while part := os.read(transport.get_extra_info("socket").fileno(), _MOST):
                    self._received += part

    async def ask(self, method: str, target: str, headers: dict[str, str], data: bytes | None) -> int:
        """Send a request; the status of its answer."""
        self.idle = False
        length = {} if method == "GET" else {"Content-Length": str(len(data or b""))}
        head = h11.Request(method=method, target=target, headers=list({**headers, **length}.items()))
        parts: list[h11.Event] = [head, *([h11.Data(data)] if data else []), h11.EndOfMessage()]
        if self._transport is not None:
            self._transport.write(b"".join(self._http.send(part) or b"" for part in parts))
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event.status_code

    async def part(self) -> bytes:
        """What comes next of the body; nothing at its end."""
        while True:
            event = await self._next()
            if isinstance(event, h11.EndOfMessage):
                return b""
            if isinstance(event, h11.Data) and event.data:
                return bytes(event.data)

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._read()
            if not data and self._http.their_state is not h11.SEND_BODY:
                raise EOFError("the connection ended without an answer")
            self._http.receive_data(data)
        return event

    async def _read(self) -> bytes:
        while not self._received and not self._ended:
            self._news.clear()
            await self._news.wait()
        data = bytes(self._received)
        self._received.clear()
        if data and self._transport is not None:
            self._transport.resume_reading()
        if not data and self._error is not None:
            raise self._error
        return data

    def again(self) -> bool:
        """Whether another exchange can follow; then it is idle."""
        whole = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if not whole or self._ended or self._received or self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        self.idle = True
        return True

    def quiet(self) -> bool:
        """Whether it can be used again: nothing came unasked, its end neither, also not yet told by asyncio."""
        if self._ended or self._transport is None or self._transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Take leave; over TLS that needs the other side."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Let go at once."""
        if self._transport is not None:
            self._transport.abort()


async def open_to(address: Address, tls: ssl.SSLContext | None, gone: Callable[[Connection], None]) -> Connection:
    """Connect; raise OSError."""
    loop = asyncio.get_running_loop()

    def made() -> Connection:
        return Connection(gone)

    if tls is None:
        _, connection = await loop.create_unix_connection(made, address.path)
    else:
        _, connection = await loop.create_connection(made, address.host, address.port, ssl=tls)
    return connection
