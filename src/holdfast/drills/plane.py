"""The private control plane: the daemon without faces in a process of its own, which does what a drill tells it.

`python -m holdfast.drills.plane SOCKET DIRECTORY`: it takes one question at a time from the socket, and stops in
order when that is closed. It never talks to the user's daemon, and has its state in the drill's own directory.
"""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

import msgspec

from holdfast.control.daemon import Daemon, Settings
from holdfast.drills.children import SickChildren
from holdfast.drills.kernel import SickLinux
from holdfast.drills.messages import CHART, CHILDREN, MOST, RUN, STATE, Answer, Image, Made, Question
from holdfast.drills.orders import Order, Orders
from holdfast.drills.sickness import Chart
from holdfast.engine.submit import Caller
from holdfast.host.loops import backing_of
from holdfast.model.errors import HoldfastError, NotFound
from holdfast.model.operations import OperationView, Problem
from holdfast.model.resources import Attachment, Pool, Volume
from holdfast.operations.attachment.mount import MountRestore
from holdfast.operations.base import Asked
from holdfast.operations.refs import find_pool, find_volume, pool_ref, volume_ref
from holdfast.operations.registry import codec
from holdfast.records import operations, resources
from holdfast.records.contract import Tx
from holdfast.runtime.threads import ThreadRuntime

# Its own audits would move things while a drill looks; seconds.
_NEVER = 1e9


class Plane:
    """Its methods without an underscore are the verbs."""

    def __init__(self, directory: str) -> None:
        chart, children = (os.path.join(directory, name) for name in (CHART, CHILDREN))
        runtime = ThreadRuntime()
        self._orders = Orders(runtime, Chart(chart))
        settings = Settings(
            os.path.join(directory, STATE), os.path.join(directory, RUN), threads=1, audit_every=_NEVER
        )  # fmt: skip
        self._daemon = Daemon(
            runtime, settings, children=SickChildren(runtime, chart, children), kernel=SickLinux(Chart(chart))
        )
        runtime.hook = self._orders
        self._codec = codec()

    def _answer(self, question: Question) -> Answer:
        try:
            verb: Callable[..., Any] = getattr(self, question.verb)
            return Answer(question.number, verb(**question.args))
        except HoldfastError as error:
            return Answer(question.number, problem=Problem(error.code, error.detail, error.hint))

    def _serve(self, control: socket.socket) -> None:
        self._daemon.start()
        with contextlib.suppress(BrokenPipeError):  # nobody listens any more
            control.send(msgspec.json.encode(Answer(0)))
            while said := control.recv(MOST):
                control.send(msgspec.json.encode(self._answer(msgspec.json.decode(said, type=Question))))
        self._daemon.stop()

    def arm(self, orders: list[dict[str, Any]]) -> None:
        """See `Orders.give`."""
        self._orders.give(msgspec.convert(orders, list[Order]))

    def submit(self, request: str) -> OperationView:
        """Begin an operation; the request is as the journal has it."""
        asked = cast("Asked", self._codec.request(request))
        return self._daemon.engine.submit(asked.checked(self._daemon.desk), Caller("drill"), said=asked)

    def restore(self, path: str) -> OperationView:
        """Bring back what is wanted at a path."""
        (found,) = self._daemon.records.read(lambda tx: resources.attachments(tx, paths=[path]))
        return self._daemon.engine.submit(MountRestore(attachment=found.uid), Caller("drill"))

    def view(self, op: str) -> OperationView:
        """An operation as it is now."""
        return self._daemon.engine.get(op)

    def newest(self, work: str) -> OperationView:
        """The operation that was asked for last among those of that kind."""
        found = [row.id for row in self._daemon.records.read(operations.page) if row.kind == work]
        if not found:
            raise NotFound(f"There is no operation {work}.")
        return self._daemon.engine.get(found[0])

    def retry(self, op: str) -> None:
        """See `Exits`."""
        self._daemon.engine.exits.retry(op)

    def cancel(self, op: str) -> None:
        """See `Exits`."""
        self._daemon.engine.exits.cancel(op)

    def repair(self) -> None:
        """As `holdfast audit --repair`."""
        self._daemon.repair.run(repair=True)

    def contents(self, driver: str) -> list[str]:
        """Which volumes the driver offers."""
        return sorted(self._daemon.drivers.named(driver).info.contents)

    def place(self, driver: str, options: dict[str, str]) -> str:
        """Where a pool with these options would be; raises what is wrong with them."""
        found = self._daemon.drivers.named(driver)
        return found.place(found.validate(options))

    def image(self, pool: str, name: str) -> Image:
        """Of a volume."""
        refs = self._daemon.records.read(lambda tx: self._refs(tx, pool, name))
        with self._daemon.drivers.of(refs[0]).access(*refs) as access:
            return Image(self._daemon.host.kernel.location(access.fd), backing_of(access.fd))

    def _refs(self, tx: Tx, pool: str, name: str) -> tuple[Any, Any]:
        found = find_pool(tx, pool)
        return pool_ref(found, self._daemon.member.uid), volume_ref(find_volume(tx, found, name))

    def made(self) -> Made:
        """What there is, by the records."""
        return self._daemon.records.read(self._made)

    def _made(self, tx: Tx) -> Made:
        pools = {pool.uid: pool.name for pool in resources.page(tx, Pool)}
        return Made(
            list(pools.values()),
            [(pools[volume.parent], volume.name) for volume in resources.page(tx, Volume)],
            [attachment.spec.path for attachment in resources.page(tx, Attachment)],
            [row.id for row in operations.unended(tx, self._daemon.member.uid)],
        )


def main() -> None:
    """See the module."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    Plane(sys.argv[2])._serve(control)
    os._exit(0)  # a thread whose call hangs delays nobody


if __name__ == "__main__":
    main()
