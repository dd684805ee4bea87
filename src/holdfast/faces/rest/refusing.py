"""What is answered below the application: problems of the connection itself, in the order of the requests."""

import asyncio
import http
import select
from typing import Any, Literal

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from holdfast.faces.rest.problems import MEDIA_TYPE, problem

# Seconds for which a refused client may still send, so that it reads the answer instead of a broken connection.
LINGER = 1.0


class Refusing(HttpToolsProtocol):
    """A connection that can say no. `_phase` is of the request that comes in: its head, its body, or none."""

    def connection_made(self, transport: Any) -> None:
        """Nothing is refused yet."""
        super().connection_made(transport)
        self._phase: Literal["idle", "head", "body"] = "idle"
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        """The timer came first."""
        self.transport.abort()

    def _answering(self) -> bool:
        """Whether an earlier request is not answered yet, so that nothing can be said about a later one."""
        if self._phase == "body":
            return bool(self.pipeline)
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: int, code: str, detail: str, hint: str) -> None:
        """Answer the request that comes in with a problem, take no other, and close."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._disarm()
        if self._phase != "body" and self._answering():
            self.cycle.keep_alive = False  # the earlier ones' answers come, then the end
            return
        silent = self._answering() or (self._phase == "body" and self.cycle.response_started)
        if self._phase == "body":
            self.cycle.disconnected = True  # whatever the application says is too late
            self.cycle.message_event.set()
        if silent:
            self.transport.close()
            return
        self.transport.write(_raw(status, code, detail, hint))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._arm(LINGER)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self._refuse(400, "invalid", msg, "Speak HTTP/1.1; the documentation of your client tells how.")

    def data_received(self, data: bytes) -> None:
        """Refused clients are not listened to."""
        if not self._refused:
            super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio's word is: true keeps it open
        """A client that sent all it has (shutdown(2)) still gets its answer; one that is gone does not.

        Only on the unix socket: TLS has no half-closed connections.
        """
        waits = self._phase == "idle" and self.cycle is not None and not self.cycle.response_complete
        if not waits or self.scheme == "https" or _gone(self.transport.get_extra_info("socket").fileno()):
            return False
        self.cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._disarm()
        super().connection_lost(exc)


def _gone(fd: int) -> bool:
    """Whether the other end is closed both ways: poll(2) says POLLHUP then, and not for a half."""
    poll = select.poll()
    poll.register(fd, 0)
    return any(event & select.POLLHUP for _fd, event in poll.poll(0))


def _raw(status: int, code: str, detail: str, hint: str) -> bytes:
    body = msgspec.json.encode(problem(status, code, detail, hint))
    head = (
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
