"""Asking a daemon, with a key, as a client does that asks again after a death."""

from holdfast.control.asking import ask
from holdfast.control.daemon import Daemon
from holdfast.engine.submit import Caller
from holdfast.model.operations import OperationView
from holdfast.operations.base import Asked
from holdfast.records import operations
from holdfast.testing.matrix.scenario import Broken

ALLOWANCE = 1000.0
# Far above two checks that hang until their children are killed; virtual seconds.
PATIENCE = 1e5


def submit(daemon: Daemon, request: Asked, key: str) -> OperationView:
    """The operation made under this key now or earlier; the errors of `Engine.submit`."""
    return ask(daemon, request, Caller(), key, allowance=ALLOWANCE)


def ended(daemon: Daemon, view: OperationView) -> OperationView:
    """The operation once it is over; raises Broken if it never is."""
    found = daemon.engine.watch.wait(view.id, PATIENCE, parked=False)
    if not found.ended:
        raise Broken(f"it did not end within {PATIENCE:g} s: {found}")
    return found


def rest(daemon: Daemon) -> None:
    """Operations of the daemon's own loops end too."""
    for row in daemon.records.read(lambda tx: operations.unended(tx, daemon.member.uid)):
        daemon.engine.watch.wait(row.id, PATIENCE, parked=False)
