"""HTTP connections with limits: how long a request may take to come in, how large its head, how many at once."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from holdfast.faces.rest.auth import Access
from holdfast.faces.rest.refusing import Refusing


class Limits(msgspec.Struct, frozen=True):
    """`head` in bytes; `request` seconds until a request is whole; `idle` seconds between two; `connections` at once.

    A client that takes nothing of its answer for `idle` seconds is cut off too.
    """

    head: int = 64 << 10
    request: float = 30.0
    idle: float = 75.0
    connections: int = 4096


class Limited(Refusing):
    """One connection; `limits` and `access` come from a subclass made by `protocol`."""

    limits = Limits()
    access: Access
    unix = False

    def connection_made(self, transport: Any) -> None:
        """Who is it; one too many is told so."""
        super().connection_made(transport)
        self._stalled: asyncio.TimerHandle | None = None
        self._moved = False
        # Bytes of the head (and of what may follow a body), and bytes that moved nothing forward.
        self._fields = self._silent = 0
        self._gone: asyncio.Future[None] = self.loop.create_future()
        # Asked for and not answered yet; `cycle` is only the newest of them.
        self._asked: deque[Any] = deque()
        self.app_state = {**self.app_state, "access": self.access, "gone": self._gone}
        if self.unix:
            self.app_state["peer"] = "unix"
            self.app_state["principal"] = self.access.of_peer(transport.get_extra_info("socket"))
            self.client = ("unix", 0)
        count = len(self.connections)
        if count > 2 * self.limits.connections:
            self.transport.abort()  # not even an answer for so many
        elif count > self.limits.connections:
            self._refuse(503, "unavailable", "Too many connections are open.", "Try again in a moment.")
        else:
            self._arm(self.limits.idle)

    # -- time ------------------------------------------------------------------------------------

    def _late(self) -> None:
        if self._refused or self._phase == "idle":  # nobody waits for an answer
            self.transport.close()
        elif not self._answering():  # else it is we who do not read
            self._refuse(
                408, "again", f"The request did not come in whole within {self.limits.request:g} seconds.",
                "Send it again, and faster.",
            )  # fmt: skip

    def on_message_begin(self) -> None:
        """A request begins; from now on it must come in."""
        super().on_message_begin()
        self._phase, self._fields, self._silent, self._moved = "head", 0, 0, True
        self._arm(self.limits.request)

    def on_message_complete(self) -> None:
        """It is whole."""
        self._phase = "idle"
        if not self._refused:
            super().on_message_complete()
            self._rest()

    def on_response_complete(self) -> None:
        """An answer is out: the next request has its full time."""
        if self._asked:
            self._asked.popleft()
        super().on_response_complete()
        self._unset_keepalive_if_required()  # ours also ends what sends empty lines for ever
        if not self._refused:
            self._rest()

    def _rest(self) -> None:
        """Something is over: how long the client has for what is next."""
        if self._phase != "idle":
            self._arm(self.limits.request)
        elif self.cycle.response_complete:
            self._arm(self.limits.idle)
        else:
            self._disarm()  # it is our turn

    def pause_writing(self) -> None:
        """The client does not take what it asked for."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.idle, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        self._flows()
        super().resume_writing()

    def _flows(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    # -- size ------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Count what moves nothing forward: a head, or what follows a body, that does not end."""
        before, self._moved = self._phase, False
        super().data_received(data)
        if self._phase == before != "idle" and not self._moved:
            self._silent += len(data)
            self._check(self._silent)

    def _check(self, size: int) -> None:
        if size > self.limits.head:
            self._refuse(
                431, "too-large", f"The request's head is larger than {self.limits.head} bytes.",
                "Send fewer or shorter headers, and a shorter path.",
            )  # fmt: skip

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        super().on_url(url)
        self._fields += len(url)
        self._check(self._fields)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head, or one after the body."""
        self._fields += len(name) + len(value) + 4
        self._check(self._fields)
        if not self._refused:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is here."""
        if not self._refused:
            super().on_headers_complete()
            self._asked.append(self.cycle)
            self._phase, self._silent, self._moved = "body", 0, True
            if self.parser is not None and self.parser.should_upgrade():
                self.cycle.keep_alive = False  # what follows would be in the other protocol

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if not self._refused:
            self._silent, self._moved = 0, True
            super().on_body(body)

    # -- the end ---------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """The daemon stops: answers under way go out; half a request, or a client that does not read, holds nothing."""
        if self._stalled is not None:
            self.transport.abort()
        elif self._phase != "idle" and not self._answering():
            self._refuse(503, "unavailable", "The daemon is stopping.", "Try again when it runs.")
        else:
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._flows()
        self._gone.set_result(None)
        for each in self._asked:
            each.disconnected = True
        self.pipeline.clear()
        super().connection_lost(exc)


def protocol(limits_: Limits, access_: Access, *, unix_: bool) -> type[Limited]:
    """The protocol class for one listener."""

    class Listener(Limited):
        limits = limits_
        access = access_
        unix = unix_

    return Listener
