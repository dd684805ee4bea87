"""A peer's API over its unix socket: one keep-alive connection of plain http.client, the same for every peer."""

import abc
import http.client
import socket
from typing import Any, ClassVar

import msgspec.json

LONGEST_ANSWER = 600.0


class BenchError(Exception):
    """A measurement could not be made; what it would have said is unknown."""


class Rejected(BenchError):
    """The peer answered with an HTTP status of 400 or above."""

    def __init__(self, what: str, status: int, body: bytes) -> None:
        super().__init__(f"{what}: HTTP {status}: {body[:500]!r}")
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=LONGEST_ANSWER)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.close()  # else it would count as connected
            raise


class Face(abc.ABC):
    """One client of one peer. What a verb returns from is acknowledged, and ended well."""

    # The first 200 here ends a start.
    ready: ClassVar[str]

    def __init__(self, socket_path: str) -> None:
        self._connection = _UnixConnection(socket_path)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One exchange; the decoded answer. Raises Rejected for a status of 400 and above."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {} if data is None else {"Content-Type": "application/json"}
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        raw = answer.read()
        if answer.status >= 400:
            raise Rejected(f"{method} {path}", answer.status, raw)
        return msgspec.json.decode(raw)

    def answers(self) -> bool:
        """Whether the API is up: no for nobody there, and for 503; other refusals are raised."""
        try:
            self.call("GET", self.ready)
        except (OSError, http.client.HTTPException):
            self.close()
            return False
        except Rejected as error:
            if error.status != http.HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            return False
        return True

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._connection.close()

    @abc.abstractmethod
    def make_pool(self, source: str, driver: str = "dir") -> None:
        """The pool that all volumes are made in."""

    @abc.abstractmethod
    def create(self, name: str) -> None:
        """A volume that is a directory."""

    @abc.abstractmethod
    def delete(self, name: str) -> None:
        """That volume."""

    @abc.abstractmethod
    def snapshot(self, name: str, snapshot: str) -> None:
        """Of that volume."""

    @abc.abstractmethod
    def restore(self, name: str, snapshot: str) -> None:
        """That volume to that snapshot of it."""

    @abc.abstractmethod
    def drop(self, name: str, snapshot: str) -> None:
        """Delete that snapshot of the volume."""

    @abc.abstractmethod
    def clone(self, name: str, snapshot: str, new: str) -> None:
        """A new volume of what a snapshot of that volume holds; of what the volume holds, if that is empty."""

    @abc.abstractmethod
    def count(self) -> int:
        """List the volumes, whole, up to a thousand; how many there are."""
