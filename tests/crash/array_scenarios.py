"""The plans of volumes that must be connected, on a simulated array with real loop devices."""

import errno
from collections.abc import Callable

from holdfast.control.daemon import Daemon
from holdfast.model.resources import Volume
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.release import DeviceRelease
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.connection.cut import ConnectionCut
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.pool.import_ import PoolImport
from holdfast.operations.pool.recover import PoolRecover
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.operations.snapshot.mount import SnapshotMount
from holdfast.operations.snapshot.restore import SnapshotRestore
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.resize import VolumeResize
from holdfast.records import operations, resources
from holdfast.testing.flasharray.local import config
from holdfast.testing.flasharray.universe import ArrayUniverse
from holdfast.testing.matrix import Scenario

# A history takes several times as long as one of a directory, and has more failpoints.
SHARE = 0.05


Parts = Callable[[str], None]


def array_scenarios(
    scratch: str, directory_at: Parts, file_at: Parts, unmount_by_hand: Parts, restore: Callable[[Daemon], Asked]
) -> list[Scenario]:
    """All of them, with the parts that they share with those of directories."""
    fabric = f"{scratch}/array"
    pool = PoolCreate(name="p", driver="flasharray", config=config(fabric), place="flasharray:array/pod1")
    keeping = PoolCreate(
        name="p", driver="flasharray", config=config(fabric, eradicate="never"), place="flasharray:array/pod1"
    )
    back = PoolImport(name="p", driver="flasharray", config=config(fabric), place="flasharray:array/pod1")
    path, denied, full = f"{scratch}/mnt/at", errno.EPERM, errno.ENOSPC
    block = VolumeCreate(pool="p", name="v", size="1MiB", content="block")
    ext4 = VolumeCreate(pool="p", name="v", size="2MiB", content="filesystem", fs="ext4")
    xfs = VolumeCreate(pool="p", name="v", size="300MiB", content="filesystem", fs="xfs")
    mount, unmount = VolumeMount(pool="p", name="v", path=path), VolumeUnmount(path=path)
    delete = VolumeDelete(pool="p", name="v")
    take, give_up = SnapshotCreate(pool="p", volume="v", name="s"), SnapshotDelete(pool="p", volume="v", name="s")
    clone, larger = (VolumeClone(pool="p", source="v", name="w", size=size) for size in (None, "320MiB"))
    go_back = SnapshotRestore(pool="p", volume="v", name="s")

    def plain(
        name: str, setup: tuple[Asked, ...], request: Asked | Callable[[Daemon], Asked], **more: object
    ) -> Scenario:
        return Scenario(f"array-{name}", setup, request, universe=ArrayUniverse, **{"share": SHARE, **more})  # type: ignore[arg-type]

    return [
        plain("pool-create", (), pool),
        plain("pool-create-undo", (), pool, weather=(("array.mark-pod.before", full),)),
        plain("pool-delete", (pool,), PoolDelete(name="p")),
        plain("create-block", (pool,), block),
        plain("create-block-undo", (pool,), block, weather=(("array.tag-volume.before", full),)),
        plain("create-ext4", (pool,), ext4),
        plain("create-ext4-undo", (pool,), ext4, weather=(("child.loop-attach.before", denied),)),
        plain("create-ext4-late-undo", (pool,), ext4, weather=(("array.tag-whole.before", full),)),
        plain("delete-block", (pool, block), delete),
        plain("rename", (pool, block), VolumeRename(pool="p", name="v", new_name="w")),
        plain("check", (pool, ext4), VolumeCheck(pool="p", name="v")),
        plain("mount-ext4", (pool, ext4), mount, prepare=directory_at),
        plain(
            "mount-ext4-undo", (pool, ext4), mount, prepare=directory_at,
            weather=(("child.mount-device.before", denied), ("child.mount-device.after", denied)),
        ),
        plain("mount-block", (pool, block), mount, prepare=file_at),
        plain("unmount-ext4", (pool, ext4, mount), unmount, prepare=directory_at),
        plain("unmount-block", (pool, block, mount), unmount, prepare=file_at),
        plain(
            "unmount-undo", (pool, block, mount), unmount, prepare=file_at,
            weather=(("array.disconnect.before", denied),),
        ),
        plain(
            "mount-restore", (pool, ext4, mount), restore, prepare=directory_at, between=unmount_by_hand, crooked=True
        ),
        plain("resize-block", (pool, block, mount), VolumeResize(pool="p", name="v", size="2MiB"), prepare=file_at),
        plain("resize-xfs", (pool, xfs), VolumeResize(pool="p", name="v", size="320MiB")),
        plain("snapshot-block", (pool, block), take),
        plain("snapshot-ext4", (pool, ext4), take),
        plain("snapshot-ext4-mounted", (pool, ext4, mount), take, prepare=directory_at),
        plain("snapshot-undo", (pool, ext4), take, weather=(("array.tag-whole.before", full),)),
        plain("snapshot-mount", (pool, ext4, take), SnapshotMount(pool="p", volume="v", name="s", path=path),
              prepare=directory_at),
        plain("snapshot-delete", (pool, block, take), give_up),
        plain("clone-ext4", (pool, ext4), clone),
        plain("clone-larger", (pool, xfs), larger, share=0.01),
        plain("clone-undo", (pool, ext4), clone, weather=(("child.identify-ext4.before", denied),)),
        plain("restore-ext4", (pool, ext4, take), go_back),
        plain("restore-larger", (pool, block, VolumeResize(pool="p", name="v", size="2MiB"), take), go_back),
        plain("pool-import", (pool, ext4, take, PoolForget(name="p")), back, crooked=True),
        plain("pool-recover", (keeping, ext4, delete), _recover),
        plain("pool-recover-renamed", (keeping, block, delete, block), _recover),
        plain(
            "pool-recover-undo", (keeping, block, delete, block), _recover,
            weather=(("array.tag-name.before", full),),
        ),
        plain("pool-recover-of-snapshot", (keeping, block, take, give_up), _recover),
        plain("device-release", (pool, block), _release),
        plain("connection-cut", (pool, block), ConnectionCut(pool="p", name="v", host="esx-17")),
    ]  # fmt: skip


def _recover(daemon: Daemon) -> Asked:
    """What was deleted."""
    rows = daemon.records.read(operations.page)
    (uid,) = [row.ref_uid for row in rows if row.kind in ("volume.delete", "snapshot.delete")]
    return PoolRecover(name="p", uid=uid)


def _release(daemon: Daemon) -> Asked:
    return DeviceRelease(volume=daemon.records.read(lambda tx: resources.page(tx, Volume))[0].uid)
