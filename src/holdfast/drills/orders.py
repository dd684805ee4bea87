"""What shall happen to the control plane of a drill at a failpoint: it dies, or a device falls ill at that moment."""

import os
import signal

import msgspec

from holdfast.drills.sickness import Chart, Sickness
from holdfast.runtime.api import Runtime


class Order(msgspec.Struct):
    """At the `nth` time that failpoint is passed, once that of `after` was: this sickness begins, or (None) SIGKILL."""

    at: str
    nth: int = 1
    sickness: Sickness | None = None
    after: str = ""


class Orders:
    """A hook for `Runtime.hook`."""

    def __init__(self, runtime: Runtime, chart: Chart) -> None:
        self._turn = runtime.condition()
        self._chart = chart
        self._waiting: list[Order] = []

    def give(self, orders: list[Order]) -> None:
        """These, instead of what was ordered before."""
        with self._turn:
            self._waiting = orders

    def __call__(self, name: str) -> None:
        """A failpoint is passed."""
        with self._turn:
            for order in self._waiting:
                if order.after:
                    order.after = "" if order.after == name else order.after
                else:
                    order.nth -= order.at == name
            due = [order for order in self._waiting if order.nth == 0]
            self._waiting = [order for order in self._waiting if order.nth > 0]
        for order in due:
            if order.sickness is None:
                os.kill(os.getpid(), signal.SIGKILL)
            else:
                self._chart.put(order.sickness)
