"""A volume is connected for a resize, and stays connected."""

import os

from holdfast.drills.array import ARRAY, Theatre, arrayed
from holdfast.drills.orders import Order
from holdfast.drills.report import Scene
from holdfast.drills.stage import SIZE, Stage
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.resize import VolumeResize

_NAME = "data"


def play(stage: Stage) -> None:
    """What connects a volume for a while: a check, also one that is killed, and a resize, also of a used one."""
    with arrayed(stage) as array:
        stage.do(VolumeCreate(pool=ARRAY, name=_NAME, size=SIZE, content="block"))
        stage.do(array.create("checked"))
        with stage.scene("its file system is checked") as scene:
            stage.do(VolumeCheck(pool=ARRAY, name="checked"))
            scene.did("connected it for the check")
            _free(array, scene)
        with stage.scene("it is killed amid such a check") as scene:
            with stage.dying(Order("child.fsck-ext4.before")):
                op = stage.begin(VolumeCheck(pool=ARRAY, name="checked"))
            stage.heal()
            stage.ends(op, "done")
            scene.did("the next one ended it")
            _free(array, scene)
        with stage.scene("it grows") as scene:
            stage.do(VolumeResize(pool=ARRAY, name=_NAME, size=2 * SIZE))
            scene.did("let it grow")
            _free(array, scene)
        _used(stage, array)
        for name in (_NAME, "checked"):
            stage.do(VolumeDelete(pool=ARRAY, name=name))


def _free(array: Theatre, scene: Scene) -> None:
    scene.found(not array.connections(), "no connection", f"connected is {array.connections()}")
    scene.found(not array.devices(), "no device", f"the device {', '.join(array.devices())} is left")


def _used(stage: Stage, array: Theatre) -> None:
    with stage.scene("it grows while it is used") as scene:
        node = stage.path("node")
        with open(node, "wb"):
            pass
        stage.do(VolumeMount(pool=ARRAY, name=_NAME, path=node))
        before = array.connections()
        stage.do(VolumeResize(pool=ARRAY, name=_NAME, size=3 * SIZE))
        scene.did("let it grow, and left it connected until it was unmounted")
        scene.found(array.connections() == before, "the connection that it had", f"connected is {array.connections()}")
        fd = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
        try:
            length = os.lseek(fd, 0, os.SEEK_END)
        finally:
            os.close(fd)
        scene.found(length == 3 * SIZE, "its device has the new size", f"its device has {length} bytes")
        stage.do(VolumeUnmount(path=node))
        _free(array, scene)
