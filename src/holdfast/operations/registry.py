"""All released requests and steps. An entry never leaves this list; a changed meaning is a new tag."""

from holdfast.engine.codec import Codec
from holdfast.engine.request import Request
from holdfast.model.step import Step
from holdfast.operations.attachment.mount import MountRestore, VolumeMount
from holdfast.operations.attachment.release import DeviceRelease
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.connection.cut import ConnectionCut
from holdfast.operations.pool.adopt import PoolAdopt
from holdfast.operations.pool.change import PoolChange
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.pool.import_ import PoolImport
from holdfast.operations.pool.recover import PoolRecover
from holdfast.operations.snapshot.change import SnapshotChange
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.operations.snapshot.group import GroupCreate
from holdfast.operations.snapshot.mount import SnapshotMount
from holdfast.operations.snapshot.rename import SnapshotRename
from holdfast.operations.snapshot.restore import SnapshotRestore
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.grant import VolumeGrant
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.resize import VolumeResize
from holdfast.operations.volume.trim import VolumeTrim
from holdfast.steps.care import VolumeChecked, VolumeTrimmed
from holdfast.steps.connection import ConnectionGone, VolumeConnect, VolumeDisconnect
from holdfast.steps.copy import VolumeCopy
from holdfast.steps.device import DeviceAppear, DeviceGone, DeviceGrown, FileSystemGrown, VolumeFormat
from holdfast.steps.group import GroupTake
from holdfast.steps.hosts import HostsGone
from holdfast.steps.importing import PoolRead, PoolRecovered, PoolTakenOver
from holdfast.steps.loop import LoopAttach, LoopDetach, LoopGrown
from holdfast.steps.mount import Mount, Unmount
from holdfast.steps.paths import DevicesFree, DevicesGone, PathsFree
from holdfast.steps.points import PointMade, PointRemoved
from holdfast.steps.pool import PoolMake, PoolRemove
from holdfast.steps.restore import RestoreStaged, RestoreSwapped, RestoreTidied
from holdfast.steps.settling import CopySettled
from holdfast.steps.volume import CopyResized, VolumeMake, VolumeRemove, VolumeResized
from holdfast.steps.volume import VolumeRename as RenameStep

REQUESTS: tuple[type[Request], ...] = (
    PoolCreate, PoolDelete, PoolForget, VolumeCreate, VolumeDelete, VolumeRename, VolumeMount, VolumeUnmount,
    MountRestore, DeviceRelease, PoolChange, VolumeLabel, VolumeCheck, VolumeTrim,
    ConnectionCut, VolumeResize, SnapshotCreate, SnapshotDelete, SnapshotRename, SnapshotChange,
    SnapshotMount, SnapshotRestore, VolumeClone,
    PoolImport, PoolAdopt, PoolRecover, VolumeGrant, GroupCreate,
)  # fmt: skip
STEPS: tuple[type[Step], ...] = (
    PoolMake,
    PoolRemove,
    HostsGone,
    GroupTake,
    DevicesGone,
    VolumeMake,
    VolumeRemove,
    RenameStep,
    LoopAttach,
    LoopDetach,
    Mount,
    Unmount,
    PathsFree,
    DevicesFree,
    VolumeChecked,
    VolumeTrimmed,
    VolumeConnect,
    VolumeDisconnect,
    DeviceAppear,
    DeviceGone,
    VolumeFormat,
    ConnectionGone,
    VolumeResized,
    CopyResized,
    DeviceGrown,
    FileSystemGrown,
    LoopGrown,
    VolumeCopy,
    RestoreStaged,
    RestoreSwapped,
    RestoreTidied,
    CopySettled,
    PoolTakenOver,
    PoolRead,
    PoolRecovered,
    PointMade,
    PointRemoved,
)


def codec() -> Codec:
    """For the engine."""
    return Codec(REQUESTS, STEPS)
