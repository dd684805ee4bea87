"""How a face asks for a change: what was asked before under the same key is answered from the journal."""

from collections.abc import Callable

from holdfast.control.daemon import Daemon
from holdfast.engine.submit import Caller
from holdfast.model.errors import HoldfastError
from holdfast.model.operations import OperationView
from holdfast.operations.base import Asked


def ask(
    daemon: Daemon,
    asked: Asked,
    caller: Caller,
    key: str = "",
    *,
    allowance: float | None = None,
    begun: Callable[[str], None] | None = None,
    durable: bool = True,
) -> OperationView:
    """The operation of the key if it has one, whatever the world looks like by now; else a new one.

    Raises the errors of the early look and of `Engine.submit`, whose `allowance`, `begun` and `durable` these are.
    """
    engine = daemon.engine
    earlier = engine.earlier(asked, caller, key) if key else None
    if earlier is not None:
        return earlier
    try:
        checked = asked.checked(daemon.desk)
    except HoldfastError:
        # The same request, sent twice, may have been done by its twin since: then the look saw its effect.
        earlier = engine.earlier(asked, caller, key) if key else None
        if earlier is None:
            raise
        return earlier
    return engine.submit(checked, caller, key=key, said=asked, allowance=allowance, begun=begun, durable=durable)
