"""HTTP connections with limits: how long a request may take to come in, how large its head, how many at once."""

import asyncio
import http
import json
from typing import Any, Literal

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from holdfast.faces.rest.auth import Access


class Limits(msgspec.Struct, frozen=True):
    """`head` in bytes; `request` seconds until a request is whole; `idle` seconds between two; `connections` at once."""

    head: int = 64 << 10
    request: float = 30.0
    idle: float = 75.0
    connections: int = 4096


class Limited(HttpToolsProtocol):
    """One connection; `limits` and `access` come from a subclass made by `protocol`."""

    limits = Limits()
    access: Access
    unix = False

    def connection_made(self, transport: Any) -> None:
        """Who is it; one too many is told so."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._refused = False
        self._phase: Literal["idle", "head", "body"] = "idle"
        self._head = 0
        self.app_state = {**self.app_state, "access": self.access}
        if self.unix:
            self.app_state["peer"] = "unix"
            self.app_state["principal"] = self.access.of_peer(transport.get_extra_info("socket"))
            self.client = ("unix", 0)
        if len(self.connections) > self.limits.connections:
            self._refuse(503, "unavailable", "Too many connections are open.", "Try again in a moment.")
        else:
            self._arm(self.limits.idle)

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        if self.transport.is_closing():
            return
        if self._phase == "idle":  # nobody waits for an answer
            self.transport.close()
            return
        self._refuse(408, "again", "The request did not come in whole in time.", "Send it faster, or again.")

    def _refuse(self, status: int, code: str, detail: str, hint: str) -> None:
        """Answer below the application, and close."""
        self._refused = True
        self._disarm()
        answered = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if not self.transport.is_closing() and not answered:
            self.transport.write(_problem(status, code, detail, hint))
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Count a head that does not end."""
        if self._refused:
            return
        began = self._phase == "head"
        super().data_received(data)
        if began and self._phase == "head":
            self._head += len(data)
            if self._head > self.limits.head:
                self._too_large()

    def _too_large(self) -> None:
        self._refuse(431, "too-large", f"The request's head is larger than {self.limits.head} bytes.", "Send less.")

    def on_message_begin(self) -> None:
        """A request begins; from now on it must come in."""
        super().on_message_begin()
        self._phase, self._head = "head", 0
        self._arm(self.limits.request)

    def on_headers_complete(self) -> None:
        """Its head is here."""
        self._phase = "body"
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > self.limits.head:
            self._too_large()
        if not self._refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """It is whole."""
        self._phase = "idle"
        self._disarm()
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self._refuse(400, "invalid", msg, "Speak HTTP/1.1.")

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._disarm()
        super().connection_lost(exc)


def protocol(limits_: Limits, access_: Access, *, unix_: bool) -> type[Limited]:
    """The protocol class for one listener."""

    class Listener(Limited):
        limits = limits_
        access = access_
        unix = unix_

    return Listener


def _problem(status: int, code: str, detail: str, hint: str) -> bytes:
    said = {
        "type": f"urn:holdfast:{code}",
        "title": code,
        "status": status,
        "detail": detail,
        "code": code,
        "hint": hint,
    }
    body = json.dumps(said).encode()
    head = (
        f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
