"""HTTP by http.client over a unix socket or TLS: quick to import, one connection, reopened when it breaks."""

import http.client
import socket
import time
from collections.abc import Iterator
from typing import TypeVar

from holdfast.client.calls import Call
from holdfast.client.wire import Address, Event, EventParser, answer, body_of, headers_of, unreachable

T = TypeVar("T")
# Seconds between tries while a daemon does not answer.
PAUSE = 0.1


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


class Transport:
    """See the module. `timeout` in seconds per answer; `patience` in seconds for a daemon that does not answer."""

    def __init__(self, address: Address, timeout: float, patience: float) -> None:
        self.address = address
        self._timeout = timeout
        self._patience = patience
        self._connection: http.client.HTTPConnection | None = None

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        where = self.address
        if where.path:
            connection: http.client.HTTPConnection = _UnixConnection(where.path, timeout)
        else:
            connection = http.client.HTTPSConnection(where.host, where.port, timeout=timeout, context=where.tls())
        connection.connect()
        return connection

    def run(self, call: Call[T]) -> T:
        """One exchange; sent again if a kept connection broke, under the same key. Raises the daemon's error."""
        headers, data = headers_of(call, self.address), body_of(call)
        end = time.monotonic() + self._patience
        while True:
            fresh = self._connection is None
            try:
                status, raw = self._once(call, data, headers)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if fresh and time.monotonic() >= end:
                    raise unreachable(self.address, error) from error
                if fresh:
                    time.sleep(PAUSE)
                continue
            return answer(call, status, raw)

    def _once(self, call: Call[T], data: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._open(self._timeout)
        self._connection.sock.settimeout(self._timeout + call.wait)
        self._connection.request(call.method, call.target, data, headers)
        said = self._connection.getresponse()
        return said.status, said.read()

    def events(self, last: str, timeout: float) -> Iterator[Event]:
        """The stream, on a connection of its own, until it ends; `timeout` seconds of silence are Unavailable."""
        call = Call(kind=bytes, path="/v1/events")
        headers = {**headers_of(call, self.address), **({"Last-Event-ID": last} if last else {})}
        try:
            connection = self._open(timeout)
        except OSError as error:
            raise unreachable(self.address, error) from error
        try:
            connection.request("GET", call.target, None, headers)
            said = connection.getresponse()
            if said.status >= 400:
                answer(call, said.status, said.read())
            parser = EventParser()
            for line in said:
                yield from parser.feed(line.decode().rstrip("\r\n"))
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(self.address, error) from error
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
