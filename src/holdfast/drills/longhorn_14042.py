"""Reads fail with ENODATA, the check takes that for blank, and formats."""

import errno
import os

from holdfast.drills.cargo import Cargo, formatted_once
from holdfast.drills.sickness import Illness
from holdfast.drills.stage import Stage

_READS: tuple[Illness, ...] = ("ENODATA", "EIO")


def _says(kind: Illness) -> str:
    return os.strerror(getattr(errno, kind))


def play(stage: Stage) -> None:
    """At a mount, at a staging, and at the first look at a new volume."""
    _mount(stage, Cargo(stage), "reads fail at a mount")
    _mount(stage, Cargo(stage, "stage"), "reads fail while it is staged")
    _create(stage)


def _mount(stage: Stage, cargo: Cargo, broken: str) -> None:
    with stage.scene(broken) as scene:
        stage.ail("ENODATA", cargo.image)
        op = stage.begin(cargo.mount)
        for kind in _READS:
            stage.ail(kind, cargo.image)
            stage.waits(op, _says(kind))
            scene.did(f"waited: {_says(kind)}")
        cargo.untouched(scene)
        stage.again(op)
        scene.did("mounted it when it was well")
        cargo.whole(scene)


def _create(stage: Stage) -> None:
    with stage.scene("reads fail on a new volume") as scene:
        runs = len(stage.formatted())
        stage.ail("ENODATA")
        op = stage.begin(stage.new("new"))
        for kind in _READS:
            stage.ail(kind)
            stage.waits(op, _says(kind))
            scene.did(f"waited: {_says(kind)}")
        scene.found(len(stage.formatted()) == runs, "no mkfs meanwhile", "mkfs ran on what could not be read")
        stage.again(op)
        scene.did("made it when it was well")
        formatted_once(stage, scene, "new", runs)
