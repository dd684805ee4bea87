"""One exchange with an array: HTTPS, verified, with one deadline; the seam at which tests put another array."""

import ssl
from typing import Any, Protocol

import msgspec

from holdfast.http1 import BROKEN, Connection, open_tls
from holdfast.model.errors import Again, Refused, Unavailable
from holdfast.runtime.api import Runtime

# Seconds for one answer, from its first byte out to its last one in.
DEADLINE = 20.0
# Seconds that a connection is kept for the next request; an array closes its idle ones too.
IDLE = 5.0


class Answered(msgspec.Struct, frozen=True):
    """An answer. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: Any


class Wire(Protocol):
    """What a session asks through. `send` raises Again if no answer came; the change may have been made."""

    def send(self, method: str, target: str, headers: dict[str, str], body: Any) -> Answered:
        """One request; `target` is path and query."""
        ...

    def close(self) -> None:
        """Let go of what is kept for the next request."""
        ...


class HttpsWire:
    """See the module. One connection is kept between requests, for GETs alone: what changes something is sent once."""

    def __init__(self, runtime: Runtime, gateway: str, ca_file: str) -> None:
        self._runtime = runtime
        self._gateway = gateway
        self._ca_file = ca_file
        self._tls: ssl.SSLContext | None = None
        self._turn = runtime.condition()
        self._idle: tuple[Connection, float] | None = None

    def send(self, method: str, target: str, headers: dict[str, str], body: Any) -> Answered:
        """See `Wire`."""
        kept = self._kept() if method == "GET" else None
        if kept is not None:
            try:
                return self._ask(kept, method, target, headers, body)
            except Again:
                pass  # it was closed meanwhile: a GET is asked again on a new one
        return self._ask(self._open(), method, target, headers, body)

    def _kept(self) -> Connection | None:
        with self._turn:
            kept, self._idle = self._idle, None
        if kept is None:
            return None
        if self._runtime.monotonic() - kept[1] > IDLE or not kept[0].quiet():
            kept[0].close()
            return None
        return kept[0]

    def close(self) -> None:
        """See `Wire`."""
        with self._turn:
            kept, self._idle = self._idle, None
        if kept is not None:
            kept[0].close()

    def _open(self) -> Connection:
        host, port = address(self._gateway)
        try:
            if self._tls is None:
                self._tls = ssl.create_default_context(cafile=self._ca_file or None)
            return open_tls(host, port, self._tls, DEADLINE)
        except ssl.SSLCertVerificationError as error:
            raise Again(
                f"The array {self._gateway} does not prove who it is: {error.verify_message}.",
                "Name the CA of its certificate with the option ca_file.",
            ) from error
        except OSError as error:
            raise Again(f"The array {self._gateway} cannot be reached: {_why(error)}.") from error

    def _ask(self, connection: Connection, method: str, target: str, headers: dict[str, str], body: Any) -> Answered:
        data = None if body is None else msgspec.json.encode(body)
        fields = {"Host": self._gateway, "Accept": "application/json", **headers}
        if data is not None:
            fields["Content-Type"] = "application/json"
        whole = False
        try:
            said = connection.ask(method, target, fields, data, DEADLINE)
            raw = said.whole()
            whole = not said.last
        except (*BROKEN, Unavailable) as error:
            raise Again(f"The array {self._gateway} did not answer: {_why(error)}.") from error
        finally:
            if not whole:
                connection.close()
        if whole:
            self._keep(connection)
        return Answered(said.status, {name.lower(): value for name, value in said.getheaders()}, self._decoded(raw))

    def _keep(self, connection: Connection) -> None:
        with self._turn:
            old, self._idle = self._idle, (connection, self._runtime.monotonic())
        if old is not None:
            old[0].close()

    def _decoded(self, raw: bytes) -> Any:
        try:
            return msgspec.json.decode(raw) if raw else None
        except msgspec.DecodeError as error:
            raise Again(f"The array {self._gateway} answered what is no JSON; is something between?") from error


def address(gateway: str) -> tuple[str, int]:
    """Host and port of `HOST`, `HOST:PORT` or `[IPV6]:PORT`; raise Refused."""
    host, port = gateway, "443"
    if gateway.startswith("["):
        host, _, rest = gateway[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif gateway.count(":") == 1:
        host, _, port = gateway.partition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise Refused(f"{ascii(gateway)} is no address.", "As in array.example.net, or 10.0.0.5:443.")
    return host, int(port)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"not within {DEADLINE:g} s"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
