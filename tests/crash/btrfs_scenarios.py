"""The plans under test on a btrfs pool: those that do with subvolumes what others do with directories."""

import errno
from collections.abc import Callable

from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.restore import SnapshotRestore
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.resize import VolumeResize
from holdfast.testing.matrix import Scenario

# Of the doubles: the plans are the same as on a dir pool.
FEW = 0.1


def btrfs_scenarios(scratch: str, fill: Callable[[str], None]) -> list[Scenario]:
    """Over one scratch path; `fill` puts files into the volume."""
    pool = PoolCreate(name="p", driver="btrfs", config={"source": f"{scratch}/pool"})
    volume = VolumeCreate(pool="p", name="v", size="1MiB", content="directory")
    take = SnapshotCreate(pool="p", volume="v", name="s")
    full = (("volume.mark.before", errno.ENOSPC),)
    return [
        Scenario("btrfs-create", (pool,), volume, fs="btrfs", share=FEW),
        Scenario("btrfs-create-undo", (pool,), volume, weather=full, fs="btrfs", share=FEW),
        Scenario("btrfs-delete", (pool, volume), VolumeDelete(pool="p", name="v"), between=fill, fs="btrfs", share=FEW),
        Scenario("btrfs-resize", (pool, volume), VolumeResize(pool="p", name="v", size="2MiB"), fs="btrfs", share=FEW),
        Scenario("btrfs-snapshot", (pool, volume), take, between=fill, fs="btrfs", share=FEW),
        Scenario("btrfs-snapshot-undo", (pool, volume), take, weather=full, fs="btrfs", share=FEW),
        Scenario(
            "btrfs-restore",
            (pool, volume, take),
            SnapshotRestore(pool="p", volume="v", name="s"),
            between=fill,
            fs="btrfs",
            share=FEW,
        ),
        Scenario(
            "btrfs-clone",
            (pool, volume),
            VolumeClone(pool="p", source="v", name="w"),
            between=fill,
            twin="btrfs-snapshot",
            fs="btrfs",
        ),
    ]
