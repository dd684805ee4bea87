"""One run of a scenario under a sequence of faults."""

import contextlib

from holdfast.control.daemon import Daemon
from holdfast.model.errors import HoldfastError, NotFound
from holdfast.model.operations import OperationView
from holdfast.operations.base import Asked
from holdfast.testing.matrix import checks
from holdfast.testing.matrix.asking import PATIENCE, ended, rest, submit
from holdfast.testing.matrix.breaking import Breaker
from holdfast.testing.matrix.faults import Faults
from holdfast.testing.matrix.scenario import Broken, Scenario
from holdfast.testing.matrix.stage import Stage
from holdfast.testing.matrix.witness import Witness
from holdfast.testing.universe import Universe

KEY = "the-same-key"


class History:
    """Lay out the stage, ask, break, recover, check."""

    def __init__(self, scenario: Scenario, stage: Stage, faults: Faults, witness: Witness | None = None) -> None:
        self.scenario = scenario
        self.faults = faults
        self.breaker = Breaker(faults, scenario.weather, lambda: None)
        self._witness = witness
        self.universe = stage.lay()
        self.operation = ""
        self.state = ""

    def run(self) -> OperationView:
        """The operation as it ended. Raises Broken."""
        universe, breaker = self.universe, self.breaker
        self.scenario.between(universe.scratch)
        before = checks.contents(universe.scratch)
        universe.hook = self._witnessed if self._witness else breaker
        breaker.armed = True
        view = self._until_ended()
        breaker.armed = False
        universe.hook = None
        if universe.runtime.dead or universe.daemon is None:
            raise Broken("the daemon was killed after the end")
        self._check(universe.daemon, view, before)
        self.state = view.state
        return view

    def _witnessed(self, universe: Universe, name: str) -> None:
        if self._witness is not None and self.breaker.armed:
            self._witness.see(universe)
        self.breaker(universe, name)

    def _until_ended(self) -> OperationView:
        """Ask with the same key, through as many deaths as it takes."""
        for _ in range(len(self.faults) + 3):
            if self.universe.daemon is None and not self.universe.start():
                self.universe.bury()
                continue
            view = self._attempt()
            if not self.universe.runtime.dead and view is not None:
                return view
            self.universe.bury()
        raise Broken("it never ended")

    def _attempt(self) -> OperationView | None:
        daemon = self.universe.daemon
        if daemon is None:
            return None
        way = self._cancelling if self.scenario.cancel else self._asking
        view: OperationView | None = self.universe.run(lambda: way(daemon))
        return view

    def _asking(self, daemon: Daemon) -> OperationView:
        views = [submit(daemon, self._request(daemon), f"{KEY}-0")]
        self._same(views[0])
        for number, request in enumerate(self.scenario.beside, start=1):
            with contextlib.suppress(NotFound):  # the first one may be over by now, and have changed the name
                views.append(submit(daemon, request, f"{KEY}-{number}"))
        first, *_ = [ended(daemon, view) for view in views]
        rest(daemon)
        return first

    def _request(self, daemon: Daemon) -> Asked:
        request = self.scenario.request
        return request if isinstance(request, Asked) else request(daemon)

    def _cancelling(self, daemon: Daemon) -> OperationView:
        view = submit(daemon, self._request(daemon), f"{KEY}-0")
        self._same(view)
        parked = daemon.engine.watch.wait(view.id, PATIENCE)
        if not parked.ended:
            try:
                daemon.engine.exits.cancel(view.id)
            except HoldfastError as error:
                raise Broken(f"cancel was refused: {error}") from error
        return daemon.engine.watch.wait(view.id, PATIENCE, parked=False)

    def _same(self, view: OperationView) -> None:
        if self.operation and view.id != self.operation:
            raise Broken("the same idempotency key gave another operation")
        self.operation = view.id

    def _check(self, daemon: Daemon, view: OperationView, before: dict[str, list[tuple[int, bytes]]]) -> None:
        if view.state not in ("done", "undone"):
            raise Broken(f"it ended as {view.state}")
        checks.check_records(daemon)
        if checks.contents(self.universe.scratch) != before:
            raise Broken("a bystander's contents changed")
        if self.scenario.crooked and view.state == "undone":
            return
        checks.check_audit(self.universe, daemon)
        checks.check_world(self.universe, daemon)
        if any(fault.kind == "child-half" for fault in self.faults):
            checks.check_file_systems(self.universe, daemon)

    def close(self) -> None:
        """End the incarnation, and leave nothing mounted or attached."""
        checks.tidy(self.universe.scratch)
        self.universe.bury()
