"""The operations that can meet on one volume or one pool, by what each needs; and how each state comes about."""

import dataclasses
from collections.abc import Callable

from holdfast.control.daemon import Daemon
from holdfast.model.errors import NotFound
from holdfast.model.resources import Attachment, Content, Volume
from holdfast.operations.attachment.mount import MountRestore, VolumeMount
from holdfast.operations.attachment.release import DeviceRelease
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.change import PoolChange
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.snapshot.change import SnapshotChange
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.operations.snapshot.mount import SnapshotMount
from holdfast.operations.snapshot.rename import SnapshotRename
from holdfast.operations.snapshot.restore import SnapshotRestore
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.resize import VolumeResize
from holdfast.operations.volume.trim import VolumeTrim
from holdfast.records import resources
from holdfast.testing.matrix import Deed
from tests.crash.scenarios import attach_by_hand, directory_at, file_at, unmount_by_hand

SIZES: dict[Content, str] = {"directory": "1MiB", "block": "1MiB", "filesystem": "2MiB"}
# In the order in which a pair's state is chosen.
STATES = ("nothing", "pool", "volume", "mounted", "unmounted by hand", "attached by hand", "taken", "shown")


@dataclasses.dataclass(frozen=True)
class Ground:
    """How a state comes about."""

    setup: tuple[Asked, ...]
    prepare: Callable[[str], None]
    between: Callable[[str], None]


def pool(scratch: str) -> PoolCreate:
    return PoolCreate(name="p", config={"source": f"{scratch}/pool"})


def volume(content: Content) -> VolumeCreate:
    return VolumeCreate(pool="p", name="v", size=SIZES[content], content=content)


def mount(scratch: str) -> VolumeMount:
    return VolumeMount(pool="p", name="v", path=f"{scratch}/mnt/at")


def taken() -> SnapshotCreate:
    return SnapshotCreate(pool="p", volume="v", name="s")


def shown(scratch: str) -> SnapshotMount:
    return SnapshotMount(pool="p", volume="v", name="s", path=f"{scratch}/mnt/at")


def ground(scratch: str, state: str, content: Content) -> Ground:
    """The set-up of a state; what is done by hand follows it in each history."""
    steps = {"nothing": 0, "pool": 1, "volume": 2, "attached by hand": 2, "mounted": 3, "unmounted by hand": 3}
    more = {"taken": (taken(),), "shown": (taken(), shown(scratch))}
    hands = {"unmounted by hand": unmount_by_hand, "attached by hand": attach_by_hand}
    return Ground(
        ((pool(scratch), volume(content), mount(scratch))[: steps.get(state, 2)] + more.get(state, ())),
        file_at if content == "block" else directory_at,
        hands.get(state, lambda _scratch: None),
    )


def deeds(scratch: str) -> tuple[Deed, ...]:
    """All of them, over one scratch path. A volume that was renamed is found by its old name no more."""
    there = ("volume", "mounted", "unmounted by hand", "attached by hand", "taken", "shown")

    def asks(request: Asked) -> Callable[[Daemon, Content], Asked]:
        return lambda _daemon, _content: request

    name = {"pool": "p", "name": "v"}
    return (
        Deed("pool-create", {"nothing": "pool"}, asks(pool(scratch))),
        Deed("pool-delete", {"pool": "nothing"}, asks(PoolDelete(name="p"))),
        Deed(
            "pool-forget",
            dict.fromkeys(("pool", "volume", "unmounted by hand", "taken"), "forgotten"),
            asks(PoolForget(name="p")),
            forgets=True,
        ),
        Deed("pool-change", {s: s for s in STATES[1:]}, asks(PoolChange(name="p", limit="1GiB"))),
        Deed("create", {"pool": "volume"}, lambda _daemon, content: volume(content)),
        Deed("delete", {"volume": "pool"}, asks(VolumeDelete(**name))),
        Deed("rename", dict.fromkeys(there, "renamed"), asks(VolumeRename(**name, new_name="w"))),
        Deed(
            "resize", {s: s for s in there}, asks(VolumeResize(**name, size="12MiB")), contents=("directory", "block")
        ),
        Deed("label", {s: s for s in there}, asks(VolumeLabel(**name, labels={"kept": "here"}))),
        Deed("mount", {"volume": "mounted"}, asks(mount(scratch))),
        Deed("clone", {s: s for s in there}, asks(VolumeClone(pool="p", source="v", name="c"))),
        Deed("take", {"volume": "taken"}, asks(taken())),
        Deed("give up", {"taken": "volume"}, asks(SnapshotDelete(pool="p", volume="v", name="s"))),
        Deed("call", {"taken": "called"}, asks(SnapshotRename(pool="p", volume="v", name="s", new_name="t"))),
        Deed(
            "protect",
            {s: s for s in ("taken", "shown")},
            asks(SnapshotChange(pool="p", volume="v", name="s", labels={"kept": "here"})),
        ),
        Deed("show", {"taken": "shown"}, asks(shown(scratch))),
        Deed("go back", {"taken": "taken"}, asks(SnapshotRestore(pool="p", volume="v", name="s"))),
        Deed(
            "unmount",
            {"mounted": "volume", "unmounted by hand": "volume", "shown": "taken"},
            asks(VolumeUnmount(path=f"{scratch}/mnt/at")),
        ),
        Deed("restore", {"unmounted by hand": "mounted"}, _restore),
        Deed("release", {"attached by hand": "volume"}, _release, contents=("block",)),
        Deed("check", {"volume": "volume"}, asks(VolumeCheck(**name)), contents=("filesystem",)),
        Deed("trim", {"mounted": "mounted"}, asks(VolumeTrim(**name)), contents=("filesystem",)),
    )


def _restore(daemon: Daemon, _content: Content) -> Asked:
    for attachment in daemon.records.read(lambda tx: resources.page(tx, Attachment)):
        return MountRestore(attachment=attachment.uid)
    raise NotFound("No mount is wanted.")


def _release(daemon: Daemon, _content: Content) -> Asked:
    for found in daemon.records.read(lambda tx: resources.page(tx, Volume)):
        if found.name != "c":
            return DeviceRelease(volume=found.uid)
    raise NotFound("There is no volume.")
