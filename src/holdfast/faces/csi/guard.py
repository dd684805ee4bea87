"""What stands around every call of CSI: one interceptor.

What is required is there; an error of ours is the status that its table says; a fault of ours is INTERNAL, and logged.
Each call is counted, and logged with its operations; what csi.proto marks as secret is in no log. A call that is
cancelled, or past its deadline, stops nothing.
"""

from collections.abc import Callable
from typing import Any, Protocol

import grpc
import structlog

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.errors import status_of
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.required import missing
from holdfast.model.errors import HoldfastError, Invalid

log = structlog.get_logger()
_STRIPPED = "(secret)"
# Letters of what is told, and of what is logged of a request.
_LONGEST = 1000


class Counting(Protocol):
    """Who counts calls."""

    def called(self, call: str, status: str, seconds: float) -> None:
        """One is answered."""
        ...


def guarded(daemon: Daemon, counts: Counting, act: Callable[[Any, Ensuring], Any]) -> Callable[[Any, Any], Any]:
    """A call's handler."""
    name = act.__name__

    def call(asked: Any, context: Any) -> Any:
        ensuring, begun = Ensuring(daemon, context.time_remaining), daemon.runtime.monotonic()
        status, told, answer = grpc.StatusCode.OK, "", None
        try:
            if lacks := missing(asked):
                raise Invalid(f"The field {lacks} is required.")
            answer = act(asked, ensuring)
        except HoldfastError as error:
            status, told = status_of(error), f"{error.detail} {error.hint}".strip()[:_LONGEST]
        except Exception:
            log.exception("a call of CSI met a fault of Holdfast itself", call=name, operation=ensuring.operations)
            status, told = grpc.StatusCode.INTERNAL, "a fault of Holdfast itself; its log tells more"
        counts.called(name, status.name, daemon.runtime.monotonic() - begun)
        tell = log.debug if status is grpc.StatusCode.OK else log.info
        tell(
            "a call of CSI", call=name, status=status.name, reason=told, operation=",".join(ensuring.operations),
            asked=str(stripped(asked)).replace("\n", " ")[:_LONGEST],
        )  # fmt: skip
        return answer if answer is not None else context.abort(status, told)

    return call


def stripped(asked: Any) -> Any:
    """A copy in which no secret is: by the field option `csi_secret`, as csi.proto asks of all logs."""
    copy = type(asked)()
    copy.CopyFrom(asked)
    _strip(copy)
    return copy


def is_secret(field: Any) -> bool:
    """By its description."""
    return bool(field.GetOptions().Extensions[csi.csi_secret])


def _strip(message: Any) -> None:
    for field, value in message.ListFields():
        if is_secret(field):
            _hide(message, field, value)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in value if hasattr(value, "__len__") else (value,):
                _strip(each)


def _hide(message: Any, field: Any, value: Any) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        for key in list(value):
            value[key] = _STRIPPED
    else:
        message.ClearField(field.name)
