"""A connected volume's device never appears, and the undo deletes the volume before it disconnects it."""

import os

from holdfast.drills.array import Theatre, arrayed
from holdfast.drills.orders import Order
from holdfast.drills.stage import Stage
from holdfast.testing.flasharray.weather import on


def play(stage: Stage) -> None:
    """The undo of a creation, broken in one more way each time."""
    with arrayed(stage) as array:
        array.weather.device_after = None
        _plain(stage, array)
        _lost(stage, array)
        _away(stage, array)
        _killed(stage, array)
        _kept(stage, array)
        array.weather.device_after = 0.0
        _busy(stage, array)


def _plain(stage: Stage, array: Theatre) -> None:
    with stage.scene("the device never appears") as scene:
        stage.ends(stage.begin(array.create("never")), "undone")
        scene.did("gave up after 1 s, disconnected, deleted")
        array.nothing_left(scene)


def _lost(stage: Stage, array: Theatre) -> None:
    with stage.scene("and the answers to connect and disconnect are lost") as scene:
        array.weather.lose_reply(on("POST", "connections"))
        array.weather.lose_reply(on("DELETE", "connections"))
        stage.ends(stage.begin(array.create("lost")), "undone")
        scene.found(array.weather.met.get("reply-lost") == 2, "both were lost", "no answer was lost")
        scene.did("looked at what had become of both")
        array.nothing_left(scene)


def _away(stage: Stage, array: Theatre) -> None:
    with stage.scene("and the array is away for the whole undo") as scene:
        op = stage.begin(array.create("away"))
        stage.waits(op, "has not appeared")
        array.weather.away = True
        stage.waits(op, "did not answer")
        scene.did("waited: the array did not answer")
        array.weather.away = False
        stage.tell("retry", op=op)
        stage.ends(op, "undone")
        scene.did("went on when it was back")
        array.nothing_left(scene)


def _killed(stage: Stage, array: Theatre) -> None:
    for at in ("array.disconnect.after", "array.destroy.after"):
        with stage.scene(f"and it is killed right after {at.split('.')[1]}") as scene:
            with stage.dying(Order(at)):
                op = stage.begin(array.create("killed"))
            stage.heal()
            stage.ends(op, "undone")
            scene.did("the next one undid the rest")
            array.nothing_left(scene)


def _kept(stage: Stage, array: Theatre) -> None:
    with stage.scene("and the array erases nothing (SafeMode)") as scene:
        array.weather.safe_mode = True
        stage.ends(stage.begin(array.create("kept")), "undone")
        scene.did("destroyed it, and left the erasing to the array")
        array.nothing_left(scene)
        array.weather.safe_mode = False
        stage.tell("repair")
        names = list(array.server.array.state.volumes)
        scene.found(len(names) == 1, "erased when asked again", f"left is {names}")


def _busy(stage: Stage, array: Theatre) -> None:
    with stage.scene("the device is busy when it is to be taken back") as scene:
        with stage.dying(Order("child.mkfs-ext4.before")):
            op = stage.begin(array.create("busy"))
        held = os.open(array.devices()[0], os.O_RDONLY | os.O_CLOEXEC)
        try:
            stage.heal()
            stage.tell("cancel", op=op)
            stage.waits(op, "device busy")
            scene.did("waited: device busy")
            scene.found(
                len(array.connections()) == 1, "still connected meanwhile", "it was disconnected below its user"
            )
        finally:
            os.close(held)
        stage.tell("retry", op=op)
        stage.ends(op, "undone")
        scene.did("took it back when it was free")
        array.nothing_left(scene)
