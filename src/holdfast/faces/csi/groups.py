"""Snapshots of several volumes at one moment: a name of CSI's is one of all volumes. See csi.proto."""

from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.finding import is_uid, the_volume
from holdfast.faces.csi.naming import name_of
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.snapshots import drop, no_parameters, shown
from holdfast.faces.csi.using import TURNS
from holdfast.faces.csi.volumes import look
from holdfast.model.conditions import ABANDONED, holds
from holdfast.model.errors import Again, Exists, InUse, Invalid, NotFound, WrongState
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.operations.snapshot.group import GroupCreate
from holdfast.records import claims, resources
from holdfast.records.contract import Tx

_Rpc = csi.GroupControllerServiceCapability.RPC
OFFERED = (_Rpc.CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT,)


class GroupController:
    """See csi.proto."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def GroupControllerGetCapabilities(  # noqa: N802 - CSI's name
        self, _asked: csi.GroupControllerGetCapabilitiesRequest, _ensuring: Ensuring
    ) -> csi.GroupControllerGetCapabilitiesResponse:
        """Those of these calls."""
        kinds = [csi.GroupControllerServiceCapability(rpc=_Rpc(type=each)) for each in OFFERED]
        return csi.GroupControllerGetCapabilitiesResponse(capabilities=kinds)

    def CreateVolumeGroupSnapshot(  # noqa: N802 - CSI's name
        self, asked: csi.CreateVolumeGroupSnapshotRequest, ensuring: Ensuring
    ) -> csi.CreateVolumeGroupSnapshotResponse:
        """Snapshots of that name are there, of just these volumes, and were taken together."""
        no_parameters(asked.parameters)
        name, wanted = name_of("snapshot", asked.name), list(asked.source_volume_ids)
        if len(set(wanted)) != len(wanted):
            raise Invalid("The field source_volume_ids has a volume twice.")
        for _ in range(TURNS):
            found, rows = self.daemon.records.read(lambda tx: _found(tx, name, wanted))
            if not rows:
                self._take(name, found, ensuring)
                continue
            groups = {row.spec.group for row in rows}
            if groups == {""} or len(groups) != 1 or {row.parent for row in rows} != set(wanted):
                raise Exists(f"There are snapshots {name} already, and they are otherwise.")
            if any(holds(row.conditions, ABANDONED) for row in rows):
                raise WrongState(f"The taking of the snapshots {name} was abandoned.", "Delete them.")
            if all(row.status.ready for row in rows):
                return csi.CreateVolumeGroupSnapshotResponse(group_snapshot=self._shown(found, rows))
            ensuring.joined(claims.on_uid(groups.pop()), "snapshot.group")
        raise Again(f"The snapshots {name} come and go.")

    def _take(self, name: str, found: list[tuple[Pool, Volume]], ensuring: Ensuring) -> None:
        pools = {pool.name for pool, _ in found}
        if len(pools) > 1:
            raise WrongState(f"The volumes are in several pools, {', '.join(sorted(pools))}: they have no one moment.")
        if ensuring.joined(claims.on_name(found[0][1].uid, name), "snapshot.group"):
            return
        try:
            ensuring.asked(GroupCreate(pool=pools.pop(), volumes=tuple(each.name for _, each in found), name=name))
        except (Exists, NotFound):  # somebody was faster, or renamed a volume
            return

    def DeleteVolumeGroupSnapshot(  # noqa: N802 - CSI's name
        self, asked: csi.DeleteVolumeGroupSnapshotRequest, ensuring: Ensuring
    ) -> csi.DeleteVolumeGroupSnapshotResponse:
        """There is none of them. Their taking, if it is under way, is cancelled."""
        rows, used = self.daemon.records.read(lambda tx: _members(tx, asked.group_snapshot_id))
        if not {row.uid for row in rows} <= set(asked.snapshot_ids):
            raise Invalid("The field snapshot_ids is not of the group's snapshots.")
        for row in rows:
            if row.spec.protected or row.uid in used:
                raise InUse(f"A snapshot {row.name} of the group is {'mounted' if row.uid in used else 'protected'}.")
        for row in rows:
            drop(self.daemon, row.uid, ensuring)
        return csi.DeleteVolumeGroupSnapshotResponse()

    def GetVolumeGroupSnapshot(  # noqa: N802 - CSI's name
        self, asked: csi.GetVolumeGroupSnapshotRequest, _ensuring: Ensuring
    ) -> csi.GetVolumeGroupSnapshotResponse:
        """As they are recorded, and prove to be now."""

        def read(tx: Tx) -> tuple[list[tuple[Pool, Volume]], list[Snapshot]]:
            rows, _ = _members(tx, asked.group_snapshot_id)
            return [the_volume(tx, row.parent) for row in rows], rows

        found, rows = self.daemon.records.read(read)
        if not rows:
            raise NotFound(f"There is no group of snapshots {ascii(asked.group_snapshot_id[:200])}.")
        if {row.uid for row in rows} != set(asked.snapshot_ids):
            raise Invalid("The field snapshot_ids is not of the group's snapshots.")
        return csi.GetVolumeGroupSnapshotResponse(group_snapshot=self._shown(found, rows))

    def _shown(self, found: list[tuple[Pool, Volume]], rows: list[Snapshot]) -> csi.VolumeGroupSnapshot:
        by_volume = {row.parent: row for row in rows}
        ordered = [(pool, by_volume[volume.uid]) for pool, volume in found]
        for pool, row in ordered:
            if row.status.ready:
                look(self.daemon, pool, row)
        made = rows[0].created
        return csi.VolumeGroupSnapshot(
            group_snapshot_id=rows[0].spec.group, snapshots=[shown(row) for _, row in ordered],
            creation_time=Timestamp(seconds=int(made), nanos=int(made % 1 * 1e9)),
            ready_to_use=all(row.status.ready for row in rows),
        )  # fmt: skip


def _found(tx: Tx, name: str, volumes: list[str]) -> tuple[list[tuple[Pool, Volume]], list[Snapshot]]:
    """The volumes with their pools, and all snapshots of the name. Raises NotFound."""
    return [the_volume(tx, uid) for uid in volumes], resources.snapshots_named(tx, name)


def _members(tx: Tx, group: str) -> tuple[list[Snapshot], set[Any]]:
    """The snapshots of a group, and the uids of those that are mounted; an id may be anything."""
    rows = resources.snapshots_of_group(tx, group) if is_uid(group) else []
    return rows, {row.uid for row in rows if resources.page(tx, Attachment, row.uid, most=1)}
