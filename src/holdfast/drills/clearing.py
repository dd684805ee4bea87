"""Removing what a drill made: by Holdfast itself; where that fails, mounts and devices by hand; then a look."""

import contextlib
import os

from holdfast.drills import looks
from holdfast.drills.messages import Made
from holdfast.drills.private import PATIENCE, Ended
from holdfast.drills.report import Failed
from holdfast.drills.stage import Stage
from holdfast.host import trees
from holdfast.host.linux import LINUX
from holdfast.host.mounttable import is_under
from holdfast.model.errors import HoldfastError, WrongState
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.volume.delete import VolumeDelete

_TROUBLE = (HoldfastError, Failed, Ended, OSError)


def clear(stage: Stage) -> list[str]:
    """What is left, each as a person would look for it; nothing, if all is well."""
    try:
        why = _removed(stage)
    finally:
        stage.private.stop()
    left = _left(stage)
    return [*left, f"because {why}"] if left and why else left


def _removed(stage: Stage) -> str:
    """Try, twice if need be; why it did not go well."""
    try:
        _by_holdfast(stage)
    except _TROUBLE:
        _by_hand(stage)
        try:
            _by_holdfast(stage)
        except _TROUBLE as error:
            return str(error)
    return ""


def _left(stage: Stage) -> list[str]:
    """The drill's own directory goes once nothing is mounted in it."""
    left = [f"{path} is mounted" for path in stage.mounts()]
    left += [f"{node} is attached to {file}" for node, file in stage.loops()]
    try:
        if not left and os.path.lexists(stage.directory):
            trees.remove(stage.runtime, stage.directory)
    except HoldfastError as error:
        left.append(error.detail)
    own = is_under(stage.place, stage.directory)
    return [*left, *([stage.directory] if left else []), *(() if own else looks.added(stage.place, stage.before))]


def _by_holdfast(stage: Stage) -> None:
    """Each by its own verb. Raises what hinders."""
    if not stage.place:
        return
    stage.heal()
    _end_all(stage)
    stage.tell("repair")
    made = stage.ask(Made, "made")
    for path in made.mounts:
        stage.do(VolumeUnmount(path=path))
    for pool, name in made.volumes:
        stage.do(VolumeDelete(pool=pool, name=name))
    for pool in made.pools:
        stage.do(PoolDelete(name=pool))


def _end_all(stage: Stage) -> None:
    """Operations under way are undone, or, past their point of no return, done."""
    end = stage.runtime.monotonic() + PATIENCE
    while waiting := stage.ask(Made, "made").operations:
        for op in waiting:
            with contextlib.suppress(WrongState):
                stage.tell("cancel", op=op)
            stage.tell("retry", op=op)
        if stage.runtime.monotonic() > end:
            raise Failed(f"the operation {waiting[0]} does not end")
        stage.runtime.sleep(0.05)


def _by_hand(stage: Stage) -> None:
    """Mounts in the drill's own directory, and devices of images that it made: nothing else is the drill's."""
    for path in stage.mounts():
        with contextlib.suppress(OSError):
            LINUX.umount(path)
    for loop in stage.loops():
        with contextlib.suppress(OSError):
            fd = os.open(loop[0], os.O_RDONLY | os.O_CLOEXEC)
            try:
                if loop in stage.loops():  # while it is open it stays what it is
                    LINUX.loop_clear(fd)
            finally:
                os.close(fd)
