"""Calls over blocking connections: one is kept for the next call, and opened anew when it broke."""

import ssl
import time
from collections.abc import Generator
from typing import TypeVar

from holdfast.client import calls
from holdfast.client.address import Address
from holdfast.client.calls import Call
from holdfast.client.events import EventParser
from holdfast.client.tries import Tries, check_times
from holdfast.client.wire import Event, NotNow, answer, error_of, unreachable
from holdfast.http1 import BROKEN, Answer, Connection, open_tls, open_unix

T = TypeVar("T")


def open_to(address: Address, tls: ssl.SSLContext | None, timeout: float) -> Connection:
    """Connect, within `timeout` seconds for each step of it; raise OSError."""
    return open_unix(address.path, timeout) if tls is None else open_tls(address.host, address.port, tls, timeout)


class Transport:
    """See the module. `timeout` in seconds per answer; `patience` in seconds for a daemon that does not answer."""

    def __init__(self, address: Address, timeout: float, patience: float) -> None:
        check_times(timeout, patience)
        self.address = address
        self._timeout = timeout
        self._patience = patience
        self._tls: ssl.SSLContext | None = None
        self._idle: Connection | None = None

    def _open(self) -> Connection:
        if self._tls is None and not self.address.path:
            self._tls = self.address.tls()
        return open_to(self.address, self._tls, self._timeout)

    def _kept(self) -> Connection | None:
        kept, self._idle = self._idle, None
        if kept is not None and not kept.quiet():
            kept.close()
            return None
        return kept

    def run(self, call: Call[T]) -> T:
        """One exchange, sent again where that is safe, see `Tries`. Raises the daemon's error, or Unavailable."""
        tries = Tries(call, self.address, self._patience)
        while True:
            # What cannot be repeated does not go out on a connection that may just be closing.
            kept = self._kept() if call.repeatable else None
            try:
                return answer(call, *self._once(kept, tries))
            except (*BROKEN, NotNow) as error:
                time.sleep(tries.pause(error, kept=kept is not None))

    def _once(self, kept: Connection | None, tries: Tries[T]) -> tuple[int, bytes]:
        connection = kept or self._open()
        whole = False
        try:
            said = self._ask(connection, tries)
            raw = said.whole()
            whole = not said.last
        finally:
            if not whole:
                connection.close()
        if whole:
            self.close()
            self._idle = connection
        return said.status, raw

    def _ask(self, connection: Connection, tries: Tries[T]) -> Answer:
        call = tries.call
        tries.sent = True
        return connection.ask(call.method, call.target, tries.headers, tries.data, self._timeout + call.longer)

    def events(self, last: str, silence: float) -> Generator[Event, None, None]:
        """The stream, on a connection of its own, until it ends; so many seconds of silence are Unavailable."""
        connection, said = self._stream(Tries(calls.events(last), self.address, self._patience))
        parser = EventParser()
        try:
            while True:
                try:
                    part = said.part(silence)
                except BROKEN as error:
                    raise unreachable(self.address, error, begun=False) from error
                if not part:
                    return
                yield from parser.feed(part)
        finally:
            connection.close()

    def _stream(self, tries: Tries[bytes]) -> tuple[Connection, Answer]:
        while True:
            try:
                return self._begin(tries)
            except (*BROKEN, NotNow) as error:
                time.sleep(tries.pause(error, kept=False))

    def _begin(self, tries: Tries[bytes]) -> tuple[Connection, Answer]:
        connection = self._open()
        try:
            said = self._ask(connection, tries)
            if said.status == 200:
                return connection, said
            raise error_of(said.status, said.whole())
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close the connection that is kept; another call opens one."""
        if self._idle is not None:
            self._idle.close()
            self._idle = None
