"""The device serves zeros for a while, so it looks blank, and is formatted."""

from holdfast.drills.cargo import Cargo, formatted_once
from holdfast.drills.orders import Order
from holdfast.drills.report import Failed
from holdfast.drills.stage import Stage, sickness


def play(stage: Stage) -> None:
    """At a mount, at a staging, and behind the back of a format."""
    _mount(stage, Cargo(stage), "device reads zeros at mount")
    _mount(stage, Cargo(stage, "stage"), "zeros while it is staged")
    _create(stage)


def _mount(stage: Stage, cargo: Cargo, broken: str) -> None:
    with stage.scene(broken) as scene:
        stage.ail("zeros", cargo.image)
        view = stage.ends(stage.begin(cargo.mount), "undone")
        if view.error is None or view.error.code != "damaged":
            raise Failed(f"the mount was refused for another reason: {view.error}")
        scene.did("refused to mount it: damaged")
        cargo.untouched(scene)
        scene.found(not stage.loops(), "no loop device", "a loop device is left")
        stage.heal()
        stage.ends(stage.begin(cargo.mount), "done")
        scene.did("mounted it when it was well")
        cargo.whole(scene)


def _create(stage: Stage) -> None:
    with stage.scene("zeros from mkfs on") as scene:
        runs = len(stage.formatted())
        stage.order(Order("child.mkfs-ext4.before", sickness=sickness("zeros")))
        op = stage.begin(stage.new("new"))
        stage.waits(op, "it reads blank")
        scene.did("waited: made, but reads blank")
        stage.again(op)
        scene.did("discarded that image, made another")
        formatted_once(stage, scene, "new", runs)
