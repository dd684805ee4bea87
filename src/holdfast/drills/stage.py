"""What a drill plays on: a scratch pool, a private control plane, and what ails their devices."""

import contextlib
import os
from collections.abc import Iterator

import msgspec

from holdfast.drills import looks
from holdfast.drills.asking import PAUSE, Asking
from holdfast.drills.messages import CHART, Image, Made
from holdfast.drills.orders import Order
from holdfast.drills.private import PATIENCE, Ended, Private
from holdfast.drills.report import Failed, Row, Scene
from holdfast.drills.sickness import Chart, Illness, Sickness
from holdfast.drivers.dir.marks import POOL_MARK
from holdfast.model.errors import HoldfastError
from holdfast.model.operations import OperationView
from holdfast.operations.volume.create import VolumeCreate
from holdfast.runtime.api import Runtime

POOL = "drill"
SIZE = 8 << 20


class Stage(Asking):
    """`directory` is the drill's own; `place` is where the pool is, and `before` the names that were there before."""

    def __init__(self, runtime: Runtime, directory: str) -> None:
        super().__init__(runtime, Private(directory))
        self.directory = directory
        self.place = ""
        self.before = frozenset[str]()
        self.rows: list[Row] = []
        # What could not be removed at the end.
        self.left: list[str] = []
        # What must be there until all is cleared.
        self.until_cleared = contextlib.ExitStack()
        self._chart = Chart(os.path.join(directory, CHART))

    def open(self, place: str) -> None:
        """The pool is about to be made there."""
        self.place, self.before = place, looks.names(place)

    @contextlib.contextmanager
    def scene(self, broken: str) -> Iterator[Scene]:
        """One row of the table; an error in it is Holdfast's."""
        scene, passed = Scene(broken), False
        try:
            yield scene
            passed = True
        except (Failed, HoldfastError) as error:
            raise Failed(f"{broken}: {error}") from error
        except Ended:
            raise Failed(f"{broken}: the control plane ended by itself") from None
        finally:
            self.rows.append(scene.row(passed=passed))

    def ail(self, kind: Illness, image: Image | None = None) -> None:
        """A device falls ill, or all do."""
        self._chart.put(sickness(kind, image))

    def heal(self) -> None:
        """All are well, and nothing else is ordered. A control plane that died is started anew."""
        self._chart.clear()
        if not self.private.runs:
            self.private.start()
        self.order()

    def order(self, *orders: Order) -> None:
        """Break the control plane at failpoints."""
        self.tell("arm", orders=msgspec.to_builtins(orders))

    @contextlib.contextmanager
    def dying(self, order: Order) -> Iterator[None]:
        """What is asked for meanwhile kills the control plane by that order; raise Failed if it does not."""
        self.order(order)
        end = self.runtime.monotonic() + PATIENCE
        try:
            yield
            while self.private.ask(Made, "made").operations and self.runtime.monotonic() < end:
                self.runtime.sleep(PAUSE)
        except Ended:
            if not self.private.was_killed():
                raise Failed(f"the control plane ended by itself before {order.at}") from None
        else:
            raise Failed(f"nothing passed the failpoint {order.at}")

    def again(self, op: str) -> None:
        """All are well now: it tries at once, and is done."""
        self.heal()
        self.tell("retry", op=op)
        self.ends(op, "done")

    def begin_restore(self, path: str) -> str:
        """Ask for what is wanted at a path, as who published it does again; the operation's id."""
        return self.ask(OperationView, "restore", path=path).id

    def restored(self, path: str) -> None:
        """The same, and it must be there then."""
        self.ends(self.begin_restore(path), "done")

    def new(self, name: str) -> VolumeCreate:
        """The request for a small volume with ext4."""
        return VolumeCreate(pool=POOL, name=name, size=SIZE, content="filesystem", fs="ext4")

    def image(self, name: str) -> Image:
        """Of a volume."""
        return self.ask(Image, "image", pool=POOL, name=name)

    def loops(self) -> list[tuple[str, str]]:
        """Node and file of each loop device that is attached to something that the drill made."""
        return looks.loops(self.place, self.before) if self.place else []

    def mounts(self) -> list[str]:
        """Where something is mounted in the drill's own directory, the newest first."""
        return looks.mounts(self.directory)

    def files(self) -> list[str]:
        """All that the drill made in the pool's place, but for the mark while it is replaced, as it is now and then."""
        replaced = os.path.join(self.place, f".{POOL_MARK}.new")
        return [path for path in looks.added(self.place, self.before) if path != replaced]

    def path(self, name: str) -> str:
        """A name in the drill's own directory."""
        return os.path.join(self.directory, name)

    def formatted(self) -> list[str]:
        """What mkfs ran on, each time, by path."""
        return looks.children(self.directory, "mkfs-ext4")


def sickness(kind: Illness, image: Image | None = None) -> Sickness:
    """Of one image, or of all."""
    return Sickness(kind, image.backing if image else None)
