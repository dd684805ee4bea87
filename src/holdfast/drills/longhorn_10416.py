"""The device vanishes, so it looks unformatted; it comes back, and what was remembered formats it."""

from holdfast.drills.cargo import Cargo, formatted_once
from holdfast.drills.orders import Order
from holdfast.drills.stage import Stage, sickness

_GONE = "No such device or address"  # ENXIO


def play(stage: Stage) -> None:
    """Before a mount, between its look and its act, and between the look at a new volume and its format."""
    cargo = Cargo(stage)
    _mount(stage, cargo, "device gone before a mount", None)
    _mount(stage, cargo, "gone between look and mount", "child.mount-image.before")
    _mount(stage, Cargo(stage, "stage"), "gone while it is staged", "child.mount-image.before")
    _create(stage)


def _mount(stage: Stage, cargo: Cargo, broken: str, at: str | None) -> None:
    with stage.scene(broken) as scene:
        if at is None:
            stage.ail("gone", cargo.image)
        else:
            stage.order(Order(at, sickness=sickness("gone", cargo.image)))
        op = stage.begin(cargo.mount)
        stage.waits(op, _GONE)
        scene.did(f"waited: {_GONE}")
        cargo.untouched(scene)
        stage.again(op)
        scene.did("mounted when it was back")
        cargo.whole(scene)


def _create(stage: Stage) -> None:
    with stage.scene("gone between look and mkfs") as scene:
        before = stage.files()
        stage.order(Order("child.mkfs-ext4.before", sickness=sickness("gone")))
        stage.ends(stage.begin(stage.new("new")), "undone")
        scene.did("undid the creation")
        same = stage.files() == before
        scene.found(same, "nothing left of it", "something is left of it")
        stage.heal()
        runs = len(stage.formatted())
        stage.ends(stage.begin(stage.new("new")), "done")
        scene.did("made it when the device was back")
        formatted_once(stage, scene, "new", runs)
