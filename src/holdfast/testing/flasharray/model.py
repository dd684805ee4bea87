"""What the array holds: plain data, and how each thing looks in an answer."""

from typing import Any

import msgspec

# Milliseconds that a destroyed object is kept, unless it is eradicated before.
PENDING_MS = 24 * 3600 * 1000


class Pod(msgspec.Struct):
    """A container of volumes."""

    id: str
    name: str
    destroyed_at: float | None = None
    protections: list[Any] = msgspec.field(
        default_factory=lambda: [{"name": "pgroup-auto", "type": "protection_group"}]
    )
    quota: int | None = None


class Volume(msgspec.Struct):
    """A volume or a snapshot (`origin` is then the volume's id). `tags` by (namespace, key)."""

    id: str
    name: str
    serial: str
    size: int
    created: float
    pod: str = ""
    destroyed_at: float | None = None
    source: str = ""
    origin: str = ""
    tags: dict[tuple[str, str], tuple[str, bool]] = {}


class Entry(msgspec.Struct):
    """A host entry."""

    id: str
    name: str
    iqns: list[str] = []
    nqns: list[str] = []


class Sent(msgspec.Struct, frozen=True):
    """A request as the array met it, for tests to judge: `connected` and `answered` tell of the volumes it named.

    `connected` says of which hosts each was at that moment, `told` whether the answer reached the client. `asked` is
    how many had been done when it was sent: one that is done late was decided by what was known then.
    """

    at: float
    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    told: bool
    connected: dict[str, tuple[str, ...]] = {}
    items: tuple[Any, ...] = ()
    asked: int = 0


def remaining(destroyed_at: float | None, now: float) -> dict[str, Any]:
    """How a thing is shown that may be waiting for its end."""
    if destroyed_at is None:
        return {"destroyed": False}
    return {"destroyed": True, "time_remaining": max(0, int(PENDING_MS - (now - destroyed_at) * 1000))}
