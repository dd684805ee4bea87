"""All drills, and running one."""

from collections.abc import Callable

import msgspec

from holdfast.drills import (
    ceph_csi_4762,
    longhorn_10416,
    longhorn_13668,
    longhorn_14042,
    lxd_12624,
    lxd_15210,
    lxd_16177,
)
from holdfast.drills.private import Ended
from holdfast.drills.report import Failed, Report, Result
from holdfast.drills.scratch import staged, told
from holdfast.drills.stage import Stage
from holdfast.model.errors import NotFound
from holdfast.model.resources import Content


class Drill(msgspec.Struct, frozen=True):
    """`incident` is a public issue; `story` is told before it is played; `needs` is what a pool must offer."""

    name: str
    incident: str
    line: str
    story: str
    needs: tuple[Content, ...]
    play: Callable[[Stage], None]


DRILLS = (
    Drill(
        "ceph-csi-4762", "ceph/ceph-csi#4762", "after a reboot an empty directory is published instead of a volume",
        "After a reboot nothing was mounted at the staging path. The empty directory there was\n"
        "given to the workload, which wrote to the host's own disk.",
        ("filesystem",), ceph_csi_4762.play,
    ),
    Drill(
        "longhorn-10416", "longhorn/longhorn#10416", "a device vanishes, comes back, and is formatted",
        "A device vanished just before the check for a file system: it looked blank.\n"
        "It came back, and the remembered answer formatted it, with the data on it.",
        ("filesystem",), longhorn_10416.play,
    ),
    Drill(
        "longhorn-13668", "longhorn/longhorn#13668", "a device serves zeros, looks blank, and is formatted",
        "A degraded device served zeros for a while. The check for a file system took\n"
        "them for a blank device, and the data was formatted away.",
        ("filesystem",), longhorn_13668.play,
    ),
    Drill(
        "longhorn-14042", "longhorn/longhorn#14042", "reads fail with ENODATA, which is taken for blank",
        "Reads of a device failed with ENODATA. The check for a file system took that\n"
        "for a blank device, and the data was formatted away.",
        ("filesystem",), longhorn_14042.play,
    ),
    Drill(
        "lxd-12624", "canonical/lxd#12624", "two undos, each right by itself, compose into a leak",
        "A failed operation was undone. The inner undo emptied what the outer one looked\n"
        "for, so that one did nothing: each right by itself, together they left a wreck.",
        ("block", "filesystem"), lxd_12624.play,
    ),
    Drill(
        "lxd-15210", "canonical/lxd#15210", "a device never appears, and the undo leaves volume and connection",
        "The device of a connected volume did not appear. The undo deleted the volume before\n"
        "it was disconnected; the array refused, the error was dropped, and both leaked.",
        (), lxd_15210.play,
    ),
    Drill(
        "lxd-16177", "canonical/lxd#16177", "a volume that is connected for a resize stays connected",
        "A volume of an array was connected to grow the file system in it, and stayed\n"
        "connected for ever: nothing could delete it any more.",
        (), lxd_16177.play,
    ),
)  # fmt: skip


def named(name: str) -> Drill:
    """By name; raise NotFound."""
    found = next((drill for drill in DRILLS if drill.name == name), None)
    if found is None:
        raise NotFound(f"There is no drill {ascii(name)}.", "`holdfast drill list` shows them.")
    return found


def run(drill: Drill, driver: str, options: dict[str, str]) -> Report:
    """Play it on a scratch pool. Raises what is wrong with the pool, and DrillFailed if then something is left."""
    with staged(driver, options) as stage:
        result, reason = _play(drill, stage, driver)
    if stage.left:
        result, reason = "failed", "; ".join(filter(None, (reason, told(stage))))
    return Report(drill.name, drill.incident, drill.story, stage.rows, result, reason)


def _play(drill: Drill, stage: Stage, driver: str) -> tuple[Result, str]:
    lacks = sorted(set(drill.needs) - set(stage.ask(list[str], "contents", driver=driver)))
    if lacks:
        return "skipped", f"the driver {driver} offers no {' and no '.join(lacks)} volumes"
    try:
        drill.play(stage)
    except Failed as error:
        return "failed", str(error)
    except Ended:
        return "failed", "the control plane ended by itself"
    return "passed", ""
