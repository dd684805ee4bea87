"""When a call is sent again: under the same key, and only if that is safe."""

import time
from typing import Generic, TypeVar

import msgspec

from holdfast.client.address import Address
from holdfast.client.calls import Call
from holdfast.client.wire import NotNow, body_of, headers_of, permanent, unreachable
from holdfast.model.errors import HoldfastError, Invalid

T = TypeVar("T")
# Seconds between tries while a daemon does not answer.
PAUSE = 0.1
LONGEST_TIMEOUT = 86400.0


def check_times(timeout: float, patience: float) -> None:
    """Raise Invalid unless a client can be told so; seconds."""
    if not 0 < timeout <= LONGEST_TIMEOUT:
        raise Invalid(f"{timeout:g} seconds are no timeout.", f"More than 0, and {LONGEST_TIMEOUT:g} at most.")
    if not patience >= 0:
        raise Invalid(f"{patience:g} seconds are no patience.", "0, or more.")


class Tries(Generic[T]):
    """One call until it is answered: `headers` and `data` are the same each time, its key among them.

    A GET, and what the daemon knows again by its key, is sent again at once if a kept connection broke, and for
    `patience` seconds since the first failure while no daemon answers, or one that says `unavailable`. Anything else
    is sent once; `patience` is then for the connection alone.
    """

    def __init__(self, call: Call[T], address: Address, patience: float) -> None:
        self.call = call
        self.headers, self.data = headers_of(call, address), body_of(call)
        # Set before the first byte goes out: from then on the daemon may have it.
        self.sent = False
        self._address = address
        self._begun = time.monotonic()
        self._patience = patience
        self._end: float | None = None
        self._wait = call.wait

    def pause(self, error: Exception, *, kept: bool) -> float:
        """Seconds until it is sent again after this error; raises what the caller shall know if it is not."""
        safe, now = self.call.repeatable or not self.sent, time.monotonic()
        if self._end is None:  # the daemon may have been asked to wait for long before it went away
            self._end = now + self._patience
        stale = kept and not isinstance(error, (TimeoutError, NotNow))
        if not safe or permanent(error) or (now >= self._end and not stale):
            raise self._final(error) from error
        pause = 0.0 if stale else PAUSE
        if self._wait is not None:  # its time runs on
            left = self._begun + self._wait - (now + pause)
            self.call = msgspec.structs.replace(self.call, wait=max(0.0, left))
        return pause

    def _final(self, error: Exception) -> HoldfastError:
        if isinstance(error, NotNow):
            return error
        return unreachable(self._address, error, begun=self.sent and self.call.method != "GET")
