"""HTTP over a unix socket. Changes carry an Idempotency-Key, so that sending again is safe."""

import http.client
import json
import os
import socket
from typing import Any

from holdfast.model.errors import HoldfastError, Unavailable, by_code

DEFAULT = "unix:/run/holdfast/holdfast.sock"


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
    """One connection, reopened when it breaks."""

    def __init__(self, address: str = "", timeout: float = 30.0) -> None:
        address = address or os.environ.get("HOLDFAST_ADDRESS", DEFAULT)
        if not address.startswith("unix:"):
            raise Unavailable(f"{address} is not an address.", "Write unix:/run/holdfast/holdfast.sock.")
        self._path = address.removeprefix("unix:")
        self._timeout = timeout
        self._connection: _UnixConnection | None = None

    def call(self, method: str, path: str, body: Any = None, *, wait: float = 0.0, key: str = "") -> Any:
        """One exchange; the decoded answer. Raises the daemon's error, or Unavailable."""
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        if method != "GET":
            headers["Idempotency-Key"] = key or os.urandom(16).hex()
        for last in (False, True):
            try:
                return self._once(method, path, data, headers, self._timeout + wait)
            except (OSError, http.client.HTTPException) as error:
                fresh = self._connection is None
                self.close()
                if last or fresh:
                    raise Unavailable(
                        f"No holdfast daemon answers at {self._path}: {error}", "Start one: holdfast serve"
                    ) from error
        raise Unavailable(f"No holdfast daemon answers at {self._path}.")

    def _once(self, method: str, path: str, data: bytes | None, headers: dict[str, str], timeout: float) -> Any:
        if self._connection is None:
            connection = _UnixConnection(self._path, timeout)
            connection.connect()
            self._connection = connection
        self._connection.sock.settimeout(timeout)
        self._connection.request(method, path, data, headers)
        answer = self._connection.getresponse()
        raw = answer.read()
        try:
            said = json.loads(raw) if raw else None
        except ValueError as error:
            raise Unavailable(f"The daemon answered with something that is not JSON: {raw[:200]!r}") from error
        if answer.status >= 400:
            raise _error(answer.status, said if isinstance(said, dict) else {})
        return said

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _error(status: int, said: dict[str, Any]) -> HoldfastError:
    kind = by_code().get(str(said.get("code", "")), HoldfastError)
    return kind(str(said.get("detail", f"HTTP {status}")), str(said.get("hint", "")))
