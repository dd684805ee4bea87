"""The plans under test of an orchestrator: what it stages and publishes, with its mount point, and takes back."""

import errno
import os

from holdfast.control.daemon import Daemon
from holdfast.host import syscalls
from holdfast.model.resources import Attachment, Grant
from holdfast.operations.attachment.mount import MountRestore, VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.snapshot.group import GroupCreate
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.grant import VolumeGrant
from holdfast.records import resources
from holdfast.testing.matrix import POINT, Scenario

# Of the doubles: as of the plans that copy one volume.
FEW = 0.2


def csi_scenarios(scratch: str) -> list[Scenario]:
    """Over one scratch path."""
    pool = PoolCreate(name="p", config={"source": f"{scratch}/pool"})
    at, point = f"{scratch}/mnt/at", f"{scratch}/mnt/{POINT}"
    ext4 = (pool, VolumeCreate(pool="p", name="v", size="2MiB", content="filesystem", fs="ext4"))
    block = (pool, VolumeCreate(pool="p", name="v", size="1MiB", content="block"))
    stage = VolumeMount(pool="p", name="v", path=at, use="stage", flags=("nosuid",))
    publish = VolumeMount(pool="p", name="v", path=point, use="publish", flags=("noatime",))
    grant = VolumeGrant(pool="p", name="v", to=Grant("m"))
    unpublish = VolumeUnmount(path=point)
    other = VolumeCreate(pool="p", name="w", size="2MiB", content="filesystem", fs="ext4")
    group = GroupCreate(pool="p", volumes=("v", "w"), name="s")
    full = errno.ENOSPC
    denied, no_image = errno.EPERM, (("child.mount-image.before", errno.EPERM),)

    def plan(name: str, setup: tuple[Asked, ...], request: object, **more: object) -> Scenario:
        return Scenario(name, setup, request, prepare=_staging, **more)  # type: ignore[arg-type]

    return [
        plan("stage-ext4", ext4, stage, twin="mount-ext4"),
        plan("publish-ext4", (*ext4, stage), publish),
        plan("publish-ext4-undo", (*ext4, stage), publish, weather=no_image),
        plan("publish-block", block, publish),
        plan("publish-block-undo", block, publish, weather=(("child.mount-node.before", denied),)),
        plan("unpublish-ext4", (*ext4, stage, publish), unpublish),
        plan("unpublish-ext4-undo", (*ext4, stage, publish), unpublish, weather=(("point.rmdir.before", denied),)),
        plan("unpublish-block", (*block, publish), unpublish),
        plan("publish-again", (*ext4, stage, publish), _again, between=_rebooted, crooked=True),
        plan("volume-grant", block, grant),
        plan("snapshot-group", (*ext4, other, stage), group, share=FEW),
        plan(
            "snapshot-group-undo", (*ext4, other, stage), group, weather=(("volume.publish.before", full),), share=FEW
        ),
    ]


def _staging(scratch: str) -> None:
    os.mkdir(f"{scratch}/mnt/at")


def _rebooted(scratch: str) -> None:
    """As after a reboot, of a kubelet whose directories do not last."""
    syscalls.umount(f"{scratch}/mnt/{POINT}")
    os.rmdir(f"{scratch}/mnt/{POINT}")


def _again(daemon: Daemon) -> Asked:
    rows = daemon.records.read(lambda tx: resources.page(tx, Attachment))
    return MountRestore(attachment=next(row.uid for row in rows if row.spec.use == "publish"))
