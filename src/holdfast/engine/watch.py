"""Watching operations: callbacks per operation, told after each commit."""

from collections.abc import Callable

from holdfast.engine import views
from holdfast.engine.live import Live
from holdfast.model.operations import ENDED, OperationView
from holdfast.runtime.api import Runtime

# The new state, and a way to see the operation as it is now, which must be used within the call.
Listener = Callable[[str, Callable[[], OperationView]], None]


class Watch:
    """Who wants to know. Listeners must be quick and never raise."""

    def __init__(self, runtime: Runtime, get: Callable[[str], OperationView]) -> None:
        self._runtime = runtime
        self._get = get
        self._turn = runtime.condition()
        self._listeners: dict[str, list[Listener]] = {}
        self._all: tuple[Callable[[str, str], None], ...] = ()

    def changed(self, op: str, state: str, live: Live | None) -> None:
        """A change of `op` was committed; `live` is what its thread holds of it."""
        for of_all in self._all:
            of_all(op, state)
        if op not in self._listeners:  # whoever begins to listen looks after that
            return
        with self._turn:
            listeners = list(self._listeners.get(op, ()))
        for listener in listeners:
            listener(state, lambda: self._get(op) if live is None else views.of_live(live))

    def add_all(self, listener: Callable[[str, str], None]) -> None:
        """Tell `listener` of each change of any operation, with its id and state."""
        with self._turn:
            self._all = (*self._all, listener)

    def remove_all(self, listener: Callable[[str, str], None]) -> None:
        """Stop telling."""
        with self._turn:
            self._all = tuple(other for other in self._all if other is not listener)

    def add(self, op: str, listener: Listener) -> None:
        """Tell `listener` of each change of `op` until removed."""
        with self._turn:
            self._listeners.setdefault(op, []).append(listener)

    def remove(self, op: str, listener: Listener) -> None:
        """Stop telling."""
        with self._turn:
            left = [other for other in self._listeners.get(op, ()) if other is not listener]
            if left:
                self._listeners[op] = left
            else:
                self._listeners.pop(op, None)

    def wait(self, op: str, timeout: float, *, parked: bool = True) -> OperationView:
        """The operation once it ended, or (if `parked`) waits, or after `timeout` seconds, as it is then."""
        bell = self._runtime.condition()
        news = [False]

        def ring(_state: str, _view: object) -> None:
            with bell:
                news[0] = True
                bell.notify_all()

        self.add(op, ring)
        try:
            end = self._runtime.monotonic() + timeout
            while True:
                view = self._get(op)
                left = end - self._runtime.monotonic()
                if view.state in ENDED or (parked and view.state == "parked") or left <= 0:
                    return view
                with bell:
                    if not news[0]:
                        bell.wait(left)
                    news[0] = False
        finally:
            self.remove(op, ring)
