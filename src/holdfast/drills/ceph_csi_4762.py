"""After a reboot nothing is mounted at the staging path, and the empty directory is given to the workload."""

import os

from holdfast.drills.cargo import Cargo
from holdfast.drills.stage import POOL, Stage
from holdfast.host.linux import LINUX
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount


def play(stage: Stage) -> None:
    """Between staging and publishing, under what is published, and with files in what was left empty."""
    cargo, target = Cargo(stage, "stage"), stage.path("target")
    stage.do(cargo.mount)
    with stage.scene("a reboot before the publishing") as scene:
        _reboot(stage)
        scene.found(not stage.mounts(), "nothing mounted unasked", "something was mounted unasked")
        stage.do(VolumeMount(pool=POOL, name=cargo.name, path=target, use="publish"))
        scene.did("published the volume itself")
        cargo.intact(scene, target)
    with stage.scene("a reboot under what is published") as scene:
        _reboot(stage)
        scene.found(not stage.mounts(), "nothing mounted unasked", "something was mounted unasked")
        stage.restored(target)
        scene.did("published it again")
        cargo.intact(scene, target)
    with stage.scene("files in the directory left empty") as scene:
        _reboot(stage)
        astray = os.path.join(target, "astray")
        with open(astray, "w") as file:
            file.write("of the host's disk")
        stage.ends(stage.begin_restore(target), "undone")
        scene.did("refused: it is not empty")
        with open(astray) as file:
            scene.found(file.read() == "of the host's disk", "file kept", "the file is lost")
        os.unlink(astray)
        stage.restored(target)
        cargo.intact(scene, target)
    stage.do(VolumeUnmount(path=target))
    stage.do(VolumeUnmount(path=cargo.path))


def _reboot(stage: Stage) -> None:
    """The control plane dies, and what was mounted is not."""
    stage.private.kill()
    for path in stage.mounts():
        LINUX.umount(path)
    stage.heal()
