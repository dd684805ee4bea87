"""What both transports share: the address, the headers, and what an answer means."""

import contextlib
import os
import ssl
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from holdfast.client.calls import Call
from holdfast.model.errors import HoldfastError, Invalid, Unavailable, by_code
from holdfast.model.operations import OperationView

T = TypeVar("T")
DEFAULT = "unix:/run/holdfast/holdfast.sock"


class Address(msgspec.Struct, frozen=True):
    """Where a daemon is: a unix socket's `path`, or `host` and `port` over TLS with a token."""

    path: str = ""
    host: str = ""
    port: int = 0
    token: str = ""
    ca_file: str = ""

    def __str__(self) -> str:
        return self.path or f"https://{self.host}:{self.port}"

    def tls(self) -> ssl.SSLContext:
        """Verified, always; `ca_file` is whom to trust besides the system's own list."""
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise Invalid(f"The CA file {self.ca_file} cannot be used: {error}.") from error


class Event(msgspec.Struct, frozen=True):
    """One of `events`: `kind` operation has an operation; ready and reset say where the stream begins."""

    id: str
    kind: str
    operation: OperationView | None = None


def address_of(text: str, token: str, ca_file: str) -> Address:
    """From unix:PATH or https://HOST:PORT; what is empty comes from the environment, see docs/cli.md."""
    text = text or os.environ.get("HOLDFAST_ADDRESS", DEFAULT)
    if text.startswith("unix:"):
        return Address(path=text.removeprefix("unix:"))
    host, colon, port = text.removeprefix("https://").rstrip("/").rpartition(":")
    if not text.startswith("https://") or not colon or not port.isdecimal():
        raise Invalid(
            f"{ascii(text)} is not an address.", "Write unix:/run/holdfast/holdfast.sock or https://HOST:PORT."
        )
    token = token or os.environ.get("HOLDFAST_TOKEN", "") or _from_file(os.environ.get("HOLDFAST_TOKEN_FILE", ""))
    ca_file = ca_file or os.environ.get("HOLDFAST_CA_FILE", "")
    return Address(host=host.strip("[]"), port=int(port), token=token, ca_file=ca_file)


def _from_file(path: str) -> str:
    if not path:
        return ""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError) as error:
        raise Invalid(f"The token file {path} cannot be read: {error}.") from error


def headers_of(call: Call[T], address: Address) -> dict[str, str]:
    """A change carries a key, so that sending it again is safe."""
    headers = {"Host": address.host or "localhost", "Accept": "application/json"}
    if address.token:
        headers["Authorization"] = f"Bearer {address.token}"
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    if call.method != "GET":
        headers["Idempotency-Key"] = call.key or os.urandom(16).hex()
    if call.if_match:
        headers["If-Match"] = call.if_match
    return headers


def body_of(call: Call[T]) -> bytes | None:
    """As JSON."""
    return None if call.body is None else msgspec.json.encode(call.body)


def answer(call: Call[T], status: int, raw: bytes) -> T:
    """The typed answer, or the daemon's error raised."""
    if status < 400:
        try:
            return msgspec.json.decode(raw, type=call.kind)
        except msgspec.MsgspecError as error:
            raise Unavailable(f"The daemon's answer cannot be read ({error}): {raw[:200]!r}") from error
    raise _error(status, raw)


def _error(status: int, raw: bytes) -> HoldfastError:
    said: Any = None
    with contextlib.suppress(msgspec.MsgspecError):
        said = msgspec.json.decode(raw)
    said = said if isinstance(said, dict) else {}
    kind = by_code().get(str(said.get("code", "")), HoldfastError)
    return kind(str(said.get("detail", f"HTTP {status}")), str(said.get("hint", "")))


def unreachable(address: Address, error: Exception) -> Unavailable:
    """No answer came."""
    why = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error) or type(error).__name__
    hint = "Start one: holdfast serve" if address.path else "Is the address right, and is TCP configured there?"
    return Unavailable(f"No holdfast daemon answers at {address}: {why}", hint)


class EventParser:
    """Server-sent events (HTML standard, section 9.2) from lines; only the fields that the daemon sends."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}

    def feed(self, line: str) -> Iterator[Event]:
        """One line without its end; an empty one ends an event."""
        name, _, value = line.partition(":")
        if line and name:
            self._fields[name] = value.removeprefix(" ")
        elif not line and self._fields:
            fields, self._fields = self._fields, {}
            kind = fields.get("event", "")
            found = msgspec.json.decode(fields["data"], type=OperationView) if kind == "operation" else None
            yield Event(fields.get("id", ""), kind, found)
