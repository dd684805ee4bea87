"""Server-sent events (HTML standard, section 9.2), from bytes that come in any parts."""

import re
from collections.abc import Iterator

import msgspec

from holdfast.client.wire import Event
from holdfast.http1 import LARGEST
from holdfast.model.errors import Unavailable
from holdfast.model.operations import OperationView

# A carriage return at the end of a part may be half of a line's end.
_END = re.compile(rb"\r\n|\n|\r(?=[^\n])")


class EventParser:
    """Of one stream."""

    def __init__(self) -> None:
        self._raw = b""
        self._id = ""
        self._kind = ""
        self._data: list[str] = []

    def feed(self, part: bytes) -> Iterator[Event]:
        """The events that end in this part; raises Unavailable for one that cannot be read."""
        *lines, self._raw = _END.split(self._raw + part)
        if len(self._raw) > LARGEST:
            raise Unavailable("A line of the event stream does not end.", "Is this a holdfast daemon?")
        for line in lines:
            if line:
                self._field(*line.decode(errors="replace").partition(":"))
            elif event := self._event():
                yield event

    def _field(self, name: str, _colon: str, value: str) -> None:
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._kind = value
        elif name == "id":
            self._id = value

    def _event(self) -> Event | None:
        kind, data = self._kind or "message", "\n".join(self._data)
        self._kind, self._data = "", []
        if not data:
            return None
        if kind != "operation":
            return Event(self._id, kind)
        try:
            return Event(self._id, kind, msgspec.json.decode(data, type=OperationView))
        except (msgspec.MsgspecError, RecursionError) as error:
            what = f"The event {ascii(self._id)} cannot be read: {error}."
            raise Unavailable(
                what, "Are this client and the daemon of one version? `holdfast status` shows it."
            ) from error
