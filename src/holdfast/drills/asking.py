"""Asking the private control plane for operations, and demanding how they go."""

from collections.abc import Callable
from typing import Any, TypeVar

from holdfast.drills.private import PATIENCE, Private, raised
from holdfast.drills.report import Failed
from holdfast.engine.codec import encode
from holdfast.model.errors import HoldfastError
from holdfast.model.operations import OperationView
from holdfast.operations.base import Asked
from holdfast.runtime.api import Runtime

T = TypeVar("T")
# Between two looks at an operation; seconds.
PAUSE = 0.01


class Asking:
    """Whatever is not as demanded raises Failed."""

    def __init__(self, runtime: Runtime, private: Private) -> None:
        self.runtime = runtime
        self.private = private

    def ask(self, kind: type[T], verb: str, **args: Any) -> T:
        """A question to the control plane; see `Private.ask`."""
        return self.private.ask(kind, verb, **args)

    def tell(self, verb: str, **args: Any) -> None:
        """The same, where nothing is answered."""
        self.private.ask(object, verb, **args)

    def begin(self, request: Asked) -> str:
        """Ask for an operation; its id."""
        return self.ask(OperationView, "submit", request=encode(request)).id

    def until(self, op: str, holds: Callable[[OperationView], bool], what: str) -> OperationView:
        """The operation once that holds, or once it ended."""
        end = self.runtime.monotonic() + PATIENCE
        while True:
            view = self.ask(OperationView, "view", op=op)
            if view.ended or holds(view):
                return view
            if self.runtime.monotonic() > end:
                raise Failed(f"{view.kind} is {view.state} after {PATIENCE:g} s, not {what}: {view.reason}")
            self.runtime.sleep(PAUSE)

    def waits(self, op: str, reason: str) -> None:
        """It waits, and says that reason."""
        view = self.until(op, lambda view: view.state == "parked" and reason in view.reason, f"waiting for {reason!r}")
        if view.ended:
            why = f": {view.error.detail}" if view.error else ""
            raise Failed(f"{view.kind} is {view.state} instead of waiting for {reason!r}{why}")

    def ends(self, op: str, state: str) -> OperationView:
        """It ends, and so."""
        view = self.until(op, lambda _view: False, "over")
        if view.state != state:
            why = f": {view.error.detail}" if view.error else ""
            raise Failed(f"{view.kind} is {view.state} instead of {state}{why}")
        return view

    def do(self, request: Asked) -> None:
        """An operation that must end well; raises its error."""
        view = self.until(self.begin(request), lambda _view: False, "over")
        if view.state != "done":
            raise raised(view.error) if view.error else HoldfastError(f"{view.kind} is {view.state}.")
