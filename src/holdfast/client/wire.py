"""What both transports share: the headers, and what an answer, or none, means."""

import contextlib
import os
import ssl
from typing import Any, TypeVar, cast

import msgspec

from holdfast.client.address import Address
from holdfast.client.calls import Call
from holdfast.model.errors import Forbidden, HoldfastError, Invalid, Unavailable, by_code
from holdfast.model.operations import OperationView

T = TypeVar("T")
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Event(msgspec.Struct, frozen=True):
    """One of `events`: `kind` operation has an operation; ready and reset say where the stream begins.

    After `reset` the last event given is not known any more: list anew. `id` is what to come back with.
    """

    id: str
    kind: str
    operation: OperationView | None = None


class NotNow(Unavailable):
    """The daemon itself says `unavailable`: it stops, or cannot write; with patience it is asked again."""


def headers_of(call: Call[T], address: Address) -> dict[str, str]:
    """A change that the daemon can know again carries a key, so that sending it again is safe. Raises Invalid."""
    found = {"Host": address.authority, "Accept": "*/*" if call.kind is bytes else "application/json"}
    if token := address.token.reveal():
        found["Authorization"] = f"Bearer {token}"
    if call.body is not None:
        found["Content-Type"] = "application/json"
    if call.keyed:
        found["Idempotency-Key"] = call.key or os.urandom(16).hex()
    if call.if_match:
        found["If-Match"] = call.if_match
    if call.last_event:
        found["Last-Event-ID"] = call.last_event
    for name, value in found.items():
        # Not the value: it may be the token.
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise Invalid(f"What was given as {name} is not printable ASCII.", "Is there a line's end in it?")
    return found


def body_of(call: Call[T]) -> bytes | None:
    """As JSON."""
    return None if call.body is None else msgspec.json.encode(call.body)


def answer(call: Call[T], status: int, raw: bytes) -> T:
    """The typed answer, or the daemon's error raised. What is in an answer is in no error: it may be a secret."""
    if not 200 <= status < 300:
        raise error_of(status, raw)
    if call.kind is bytes:
        return cast("T", raw)
    try:
        return msgspec.json.decode(raw, type=call.kind)
    except _UNREADABLE as error:
        what = f"The daemon's answer to {call.method} {call.path} cannot be read: {_why(error)}."
        raise Unavailable(what, "Are this client and the daemon of one version? `holdfast status` shows it.") from error


def error_of(status: int, raw: bytes) -> HoldfastError:
    """The problem as an error. Only a problem's own code tells which: another server's 404 proves nothing absent."""
    said: Any = None
    with contextlib.suppress(*_UNREADABLE):
        said = msgspec.json.decode(raw)
    if not isinstance(said, dict) or not isinstance(said.get("code"), str) or not isinstance(said.get("detail"), str):
        return Unavailable(f"What answers is no holdfast daemon: HTTP {status} without a problem that it would tell.",
                           "Is the address right, and nothing between?")  # fmt: skip
    kind = by_code().get(said["code"], HoldfastError)
    hint = said.get("hint")
    return (NotNow if kind is Unavailable else kind)(said["detail"], hint if isinstance(hint, str) else "")


def unreachable(address: Address, error: Exception, *, begun: bool) -> HoldfastError:
    """No answer came; `begun` if a change was sent and may have been done all the same."""
    perhaps = "What was asked may have been done all the same: look before you ask again. " if begun else ""
    if isinstance(error, PermissionError) and address.path:
        return Forbidden(f"The socket {address.path} may not be used: {_why(error)}.", "Run the command as root.")
    what = f"No holdfast daemon answers at {address}: {_why(error)}"
    return Unavailable(what, perhaps + _hint(address, error))


def permanent(error: Exception) -> bool:
    """Whether trying again would meet the same."""
    return isinstance(error, (PermissionError, ssl.SSLCertVerificationError))


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _hint(address: Address, error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "It may be busy: try again, or give it more time."
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Is it the right daemon? The CA of its certificate is named by ca_file, or HOLDFAST_CA_FILE."
    return "Start one: holdfast serve" if address.path else "Is the address right, and is TCP configured there?"
