"""The crash matrix: every (plan, failpoint, fault), and again at every failpoint of what follows.

Generated, not written: a scenario is run once to learn which failpoints it visits; each of them is then broken
in each way that fits it. So a new step, or a new call in an old one, is covered without writing a test.

    kill        the daemon dies there; another starts
    error       the call raises EIO, nothing was done (at a journal write: the daemon stops)
    reply-lost  the call was done, yet raises EIO
    hang        the call takes longer than the operation's whole allowance, then goes on; a child is killed
                at its deadline, having done nothing
    late        a child cannot be killed at its deadline, and acts after it
"""

import contextlib
import errno
import os
import random
from collections.abc import Callable, Iterator

import msgspec

from holdfast.control.daemon import Daemon
from holdfast.engine.engine import Engine
from holdfast.engine.submit import Caller
from holdfast.host import loops, mounttable, syscalls
from holdfast.model.errors import HoldfastError, NotFound
from holdfast.model.operations import OperationView
from holdfast.model.resources import Attachment, Pool
from holdfast.operations.base import Asked
from holdfast.records import claims, operations, resources
from holdfast.testing.universe import ChildHangs, ChildIsLate, Universe

FAULTS = ("kill", "error", "reply-lost", "hang", "late")
# Longer than the allowance that the matrix gives, and that longer than any child's deadline; virtual seconds.
HANG = 1100.0
ALLOWANCE = 1000.0
KEY = "the-same-key"
PATIENCE = 1e6


class Fault(msgspec.Struct, frozen=True):
    """Break the `nth` visit of a failpoint, counted from the fault before."""

    at: str
    nth: int
    kind: str

    def __str__(self) -> str:
        return f"{self.at}#{self.nth}:{self.kind}"


class Scenario(msgspec.Struct, frozen=True):
    """What is there before, what is asked, and what must be true when it is done and when it is undone.

    `crooked` says that records and world disagree beforehand, and so again if it is undone. `weather` are
    permanent errors at failpoints: they drive a plan into its undo.
    """

    name: str
    setup: tuple[Asked, ...]
    request: Asked | Callable[[Daemon], Asked]
    weather: tuple[tuple[str, int], ...] = ()
    prepare: Callable[[str], None] = lambda _scratch: None
    between: Callable[[str], None] = lambda _scratch: None
    beside: tuple[Asked, ...] = ()
    cancel: bool = False
    crooked: bool = False


class Broken(AssertionError):
    """An invariant did not hold."""


def faults_for(visits: list[str], start: int = 0) -> Iterator[Fault]:
    """Every fault that fits, for every visit of a trace."""
    counts: dict[str, int] = {}
    for name in visits[start:]:
        counts[name] = counts.get(name, 0) + 1
        for kind in FAULTS:
            if _fits(name, kind):
                yield Fault(name, counts[name], kind)


def _fits(name: str, kind: str) -> bool:
    before = name.endswith(".before")
    if kind == "kill":
        return True
    if kind == "reply-lost":
        return not before and not name.startswith("records.")
    if kind == "late":
        return before and name.startswith("child.") and name != "child.kill.before"
    if kind == "hang":
        return before and not name.startswith("records.")
    return before


class History:
    """One run of a scenario under a sequence of faults."""

    def __init__(self, scenario: Scenario, scratch: str, faults: tuple[Fault, ...], seed: int = 1) -> None:
        self.scenario = scenario
        self.universe = Universe(scratch, seed)
        self.faults = faults
        self.fired = 0
        self.armed = False
        self.visits: list[str] = []
        self.after: list[str] = []
        self._counts: dict[str, int] = {}
        self.operation = ""

    # -- breaking things -----------------------------------------------------------------------

    def _hook(self, universe: Universe, name: str) -> None:
        if not self.armed:
            return
        self.visits.append(name)
        if self.fired:
            self.after.append(name)
        if self.fired < len(self.faults):
            self._maybe_fire(universe, name)
        for at, code in self.scenario.weather:
            if at == name:
                raise OSError(code, os.strerror(code))

    def _maybe_fire(self, universe: Universe, name: str) -> None:
        fault = self.faults[self.fired]
        if fault.at != name:
            return
        self._counts[name] = self._counts.get(name, 0) + 1
        if self._counts[name] < fault.nth:
            return
        self.fired += 1
        self._counts = {}
        if fault.kind == "kill" or (
            name.startswith(("journal.", "records.")) and fault.kind in ("error", "reply-lost")
        ):
            universe.kill()  # a journal that cannot be written stops the daemon
        if fault.kind in ("error", "reply-lost"):
            raise OSError(errno.EIO, f"injected at {name}")
        if fault.kind == "late":
            raise ChildIsLate
        if name.startswith("child.") and name != "child.kill.before":
            raise ChildHangs
        if universe.scheduler.current is not None:
            universe.runtime.sleep(HANG)

    # -- running -------------------------------------------------------------------------------

    def run(self) -> OperationView:
        """Set up, ask, break, recover, check; the operation as it ended. Raises Broken."""
        universe = self.universe
        for name in ("pool", "mnt", "other"):
            os.mkdir(os.path.join(universe.scratch, name))
        self.scenario.prepare(universe.scratch)
        universe.hook = lambda u, name: self._hook(u, name)
        universe.start()
        for number, request in enumerate(self.scenario.setup):
            self._expect(self._ask(request, f"setup-{number}"), request)
        self.scenario.between(universe.scratch)
        before = self.contents()
        self.armed = True
        view = self._until_ended()
        self.armed = False
        universe.hook = None
        if universe.runtime.dead or universe.daemon is None:
            raise Broken("the daemon was killed after the end")
        self.check(view, before)
        return view

    @staticmethod
    def _expect(view: OperationView | None, request: Asked) -> None:
        if view is None or view.state != "done":
            raise Broken(f"the set-up {request} did not work: {view}")

    def _ask(self, request: Asked, key: str) -> OperationView | None:
        daemon = self.universe.daemon
        return self.universe.run(lambda: _ask(daemon, request, key)) if daemon is not None else None

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
        caller = Caller()
        views = [_submit(daemon, self._request(daemon), f"{KEY}-0", caller)]
        self._same(views[0])
        for number, request in enumerate(self.scenario.beside, start=1):
            with contextlib.suppress(NotFound):  # the first one may be over by now, and have changed the name
                views.append(_submit(daemon, request, f"{KEY}-{number}", caller))
        ended = [daemon.engine.watch.wait(view.id, PATIENCE, parked=False) for view in views]
        if any(not view.ended for view in ended):
            raise Broken(f"it did not end within {PATIENCE:g} s: {ended}")
        self._rest(daemon)
        return ended[0]

    def _request(self, daemon: Daemon) -> Asked:
        request = self.scenario.request
        return request if isinstance(request, Asked) else request(daemon)

    @staticmethod
    def _rest(daemon: Daemon) -> None:
        """Operations of the daemon's own loops end too."""
        for row in daemon.records.read(lambda tx: operations.unended(tx, daemon.member.uid)):
            daemon.engine.watch.wait(row.id, PATIENCE, parked=False)

    def _cancelling(self, daemon: Daemon) -> OperationView:
        view = _submit(daemon, self._request(daemon), f"{KEY}-0", Caller())
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

    # -- checking ------------------------------------------------------------------------------

    def contents(self) -> dict[str, bytes]:
        """The bystanders' files."""
        found = {}
        other = os.path.join(self.universe.scratch, "other")
        for name in sorted(os.listdir(other)):
            with open(os.path.join(other, name), "rb") as file:
                found[name] = file.read()
        return found

    def check(self, view: OperationView, before: dict[str, bytes]) -> None:
        """The invariants that hold after every history."""
        daemon = self.universe.daemon
        if daemon is None:
            raise Broken("no daemon")
        if view.state not in ("done", "undone"):
            raise Broken(f"it ended as {view.state}")
        held = daemon.records.read(claims.held)
        if held:
            raise Broken(f"claims are left: {held}")
        if self.contents() != before:
            raise Broken("a bystander's contents changed")
        if self.scenario.crooked and view.state == "undone":
            return
        findings = self.universe.run(lambda: daemon.repair.run(repair=False))
        if findings:
            raise Broken(f"the audit found {findings}")
        self._check_world(daemon)

    def _check_world(self, daemon: Daemon) -> None:
        scratch = self.universe.scratch
        wanted = {a.spec.path for a in daemon.records.read(lambda tx: resources.page(tx, Attachment))}
        mounted = {m.path for m in mounttable.read() if m.path.startswith(scratch + "/")}
        if mounted != wanted:
            raise Broken(f"mounted {mounted}, wanted {wanted}")
        devices = [loop for loop in loops.attached() if loop.file.startswith(scratch + "/")]
        if not wanted and any(loops.stays(loop) for loop in devices):
            raise Broken(f"loop devices are left: {devices}")
        if not daemon.records.read(lambda tx: resources.page(tx, Pool)) and os.listdir(os.path.join(scratch, "pool")):
            raise Broken("no pool is recorded, and its directory is not empty")
        for directory, names, files in os.walk(os.path.join(scratch, "pool")):
            for name in (*names, *files):
                if name.startswith(".") and not name.startswith(".holdfast-pool.json.new"):
                    raise Broken(f"a temporary name is left: {directory}/{name}")
        if self.universe.alive:
            raise Broken("it ended while a child was alive")

    def close(self) -> None:
        """Unmount and detach whatever is left, and end the incarnation."""
        scratch = self.universe.scratch
        for mount in reversed([m for m in mounttable.read() if m.path.startswith(scratch + "/")]):
            with contextlib.suppress(OSError):  # what hides below another is reached in its turn
                syscalls.umount(mount.path)
        for loop in loops.attached():
            if loop.file.startswith(scratch + "/"):
                loops.detach(loop)
        self.universe.bury()


def _submit(daemon: Daemon, request: Asked, key: str, caller: Caller) -> OperationView:
    earlier = daemon.engine.earlier(request, caller, key)
    return earlier or daemon.engine.submit(
        request.checked(daemon.desk), caller, key=key, said=request, allowance=ALLOWANCE
    )


def _ask(daemon: Daemon, request: Asked, key: str) -> OperationView:
    engine: Engine = daemon.engine
    view = _submit(daemon, request, key, Caller())
    return engine.watch.wait(view.id, PATIENCE, parked=False)


def sample(faults: list[tuple[Fault, Fault]], share: float, seed: int) -> list[tuple[Fault, Fault]]:
    """A seeded share of the doubles."""
    chosen = random.Random(seed)
    return [pair for pair in faults if chosen.random() < share]
