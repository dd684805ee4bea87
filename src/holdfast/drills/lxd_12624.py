"""Undos that are each right compose into a leak: the inner one empties what the outer one looks for."""

from holdfast.drills import looks
from holdfast.drills.orders import Order
from holdfast.drills.report import Failed, Scene
from holdfast.drills.stage import POOL, SIZE, Stage, sickness
from holdfast.model.operations import OperationView
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.volume.create import VolumeCreate

_NAME = "device"
# Rows that stay, by kind: that of the one volume.
_KEPT = {"volume": 1, "attachment": 0}


def play(stage: Stage) -> None:
    """The undo of a mount that has two parts, and that of a creation, each killed before and after its inner act."""
    stage.do(VolumeCreate(pool=POOL, name=_NAME, size=SIZE, content="block"))
    with open(stage.path("node"), "wb"):
        pass
    _mount(stage, "killed between two undos", Order("child.loop-detach.before"), detached=False)
    _mount(stage, "killed after both undos", Order("journal.undone.before", 2), detached=True)
    _create(
        stage, "killed amid the discarding", Order("tree.remove.after", after="journal.undoing.after"), discarded=False
    )
    _create(stage, "killed after the discarding", Order("journal.undone.before"), discarded=True)


def _mount(stage: Stage, broken: str, death: Order, *, detached: bool) -> None:
    """A loop device is attached, its node cannot be mounted, and the control plane dies in the undo."""
    with stage.scene(broken) as scene:
        stage.ail("unmountable")
        with stage.dying(death):
            stage.begin(VolumeMount(pool=POOL, name=_NAME, path=stage.path("node")))
        _died(stage, "attachment", gone=not stage.loops(), wanted=detached)
        scene.did(f"mount refused (EPERM); died, its device {'detached' if detached else 'attached'}")
        _undone(stage, scene, "attachment.mount")
        scene.found(not stage.loops(), "no loop device", "a loop device is left")
        scene.found(not stage.mounts(), "no mount", "a mount is left")
        _forgotten(stage, scene)


def _create(stage: Stage, broken: str, death: Order, *, discarded: bool) -> None:
    """A volume is formatted, cannot be proven, is cancelled, and the control plane dies in the undo."""
    with stage.scene(broken) as scene:
        before = stage.files()
        stage.order(Order("child.mkfs-ext4.before", sickness=sickness("zeros")))
        op = stage.begin(stage.new("new"))
        stage.waits(op, "it reads blank")
        with stage.dying(death):
            stage.tell("cancel", op=op)
        _died(stage, "volume", gone=stage.files() == before, wanted=discarded)
        scene.did(f"cancelled; died, its files {'gone' if discarded else 'half gone'}")
        _undone(stage, scene, "volume.create")
        more = sorted(set(stage.files()) - set(before))
        scene.found(not more, "no file", f"left is {', '.join(more)}")
        _forgotten(stage, scene)


def _died(stage: Stage, kind: str, *, gone: bool, wanted: bool) -> None:
    """At the right moment: what the undo removes is gone or not, as `wanted`, and the row is there."""
    kinds, claims = looks.rows(stage.directory)
    if gone != wanted or kinds.get(kind, 0) != _KEPT[kind] + 1 or not claims:
        raise Failed("it was not killed where it was to be")


def _undone(stage: Stage, scene: Scene, work: str) -> None:
    """The next one finishes the undo."""
    stage.heal()
    view = stage.ask(OperationView, "newest", work=work)
    stage.ends(view.id, "undone")
    scene.did("the next daemon undid the rest")


def _forgotten(stage: Stage, scene: Scene) -> None:
    """Nothing is recorded any more, nor claimed."""
    kinds, claims = looks.rows(stage.directory)
    kept = {kind: kinds.get(kind, 0) for kind in _KEPT}
    scene.found(kept == _KEPT, "no row", f"rows are left: {kinds}")
    scene.found(claims == 0, "no claim", f"{claims} claims are left")
