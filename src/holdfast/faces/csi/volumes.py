"""What the calls about volumes share: the look behind an answer, and how a volume is shown."""

from typing import Any

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.naming import MEMBER
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.model.errors import Again, Foreign, WrongState
from holdfast.model.observations import Absent, ForeignObject, Present, Unknown
from holdfast.model.resources import Pool, Snapshot, Volume
from holdfast.operations.refs import object_ref, pool_ref


def look(daemon: Daemon, pool: Pool, row: Volume | Snapshot) -> None:
    """It is there now. Raises WrongState, Foreign or Again."""
    ref = pool_ref(pool, daemon.member.uid)
    match daemon.drivers.of(ref).look_volume(ref, object_ref(row)):
        case Present():
            return
        case Absent():
            raise WrongState(f"{pool.name}/{row.name} is recorded, and is not in its pool.", "`holdfast audit` looks.")
        case ForeignObject(evidence):
            raise Foreign(evidence)
        case Unknown(reason):
            raise Again(reason)


def shown(daemon: Daemon, pool: Pool, volume: Volume) -> Any:
    """As CSI shows it: its id is its uid, and here is where it is."""
    kind, _, uid = volume.spec.cloned_of.partition("/")
    source = None
    if kind == "snapshot":
        source = csi.VolumeContentSource(snapshot=csi.VolumeContentSource.SnapshotSource(snapshot_id=uid))
    elif kind == "volume":
        source = csi.VolumeContentSource(volume=csi.VolumeContentSource.VolumeSource(volume_id=uid))
    return csi.Volume(
        volume_id=volume.uid, capacity_bytes=volume.spec.size,
        volume_context={"pool": pool.name, "name": volume.name}, content_source=source,
        accessible_topology=[csi.Topology(segments={MEMBER: daemon.member.uid})],
    )  # fmt: skip
