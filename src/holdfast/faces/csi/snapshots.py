"""Snapshots taken, deleted and listed: a name of CSI's is one of all volumes. See csi.proto."""

import contextlib
from collections.abc import Mapping
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.finding import snapshot_by_uid, the_volume
from holdfast.faces.csi.listing import all_snapshots
from holdfast.faces.csi.naming import name_of
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.using import TURNS
from holdfast.faces.csi.volumes import look
from holdfast.model.conditions import ABANDONED, holds
from holdfast.model.errors import Again, Exists, Invalid, NotFound, WrongState
from holdfast.model.resources import Snapshot
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.records import claims, resources

# Of a snapshot class; those with a prefix of Kubernetes' are its own.
_THEIRS = "csi.storage.k8s.io/"
_TAKES = ("snapshot.create", "snapshot.group")


def shown(row: Snapshot) -> Any:
    """As CSI shows it."""
    made = Timestamp(seconds=int(row.created), nanos=int(row.created % 1 * 1e9))
    return csi.Snapshot(
        snapshot_id=row.uid, source_volume_id=row.parent, size_bytes=row.spec.size, creation_time=made,
        ready_to_use=row.status.ready, group_snapshot_id=row.spec.group,
    )  # fmt: skip


def no_parameters(parameters: Mapping[str, str]) -> None:
    """Raise Invalid if there is one that is not Kubernetes' own."""
    unknown = sorted(key for key in parameters if not key.startswith(_THEIRS))
    if unknown:
        raise Invalid(f"The parameter {ascii(unknown[0][:200])} is not known.", "A snapshot has none.")


def drop(daemon: Daemon, uid: str, ensuring: Ensuring) -> None:
    """There is no such snapshot. Its taking, if it is under way, is cancelled."""
    for _ in range(TURNS):
        try:
            pool, volume, row = daemon.records.read(lambda tx: snapshot_by_uid(tx, uid))
        except NotFound:
            return
        mine = claims.on_uid(row.uid)
        if ensuring.joined(mine, "snapshot.delete"):
            continue
        for op, kind in ensuring.holders(mine):
            if kind in _TAKES:
                ensuring.cancelled(op, kind)
        try:
            ensuring.asked(SnapshotDelete(pool=pool.name, volume=volume.name, name=row.name))
        except NotFound:  # it was renamed, or is gone by now
            continue
    raise Again(f"The snapshot {uid} comes and goes.")


class Snapshots:
    """See csi.proto."""

    daemon: Daemon

    def CreateSnapshot(self, asked: csi.CreateSnapshotRequest, ensuring: Ensuring) -> csi.CreateSnapshotResponse:  # noqa: N802 - CSI's name
        """A snapshot of that name is there, of that volume."""
        no_parameters(asked.parameters)
        name = name_of("snapshot", asked.name)
        for _ in range(TURNS):
            pool, volume = self.daemon.records.read(lambda tx: the_volume(tx, asked.source_volume_id))
            rows = self.daemon.records.read(lambda tx: resources.snapshots_named(tx, name))
            row = next((each for each in rows if each.parent == volume.uid), None)
            if row is None:
                if rows:
                    raise Exists(f"There is a snapshot {name} of another volume.")
                if ensuring.joined(claims.on_name(volume.uid, name), "snapshot.create"):
                    continue
                try:
                    ensuring.asked(SnapshotCreate(pool=pool.name, volume=volume.name, name=name))
                except (Exists, NotFound):  # somebody was faster, or renamed the volume
                    continue
            elif holds(row.conditions, ABANDONED):
                raise WrongState(f"The taking of the snapshot {name} was abandoned.", "Delete it.")
            elif row.spec.group:
                raise Exists(f"There is a snapshot {name} of several volumes.")
            elif row.status.ready:
                look(self.daemon, pool, row)
                return csi.CreateSnapshotResponse(snapshot=shown(row))
            else:
                ensuring.joined(claims.on_uid(row.uid), "snapshot.create")
        raise Again(f"The snapshot {name} comes and goes.")

    def DeleteSnapshot(self, asked: csi.DeleteSnapshotRequest, ensuring: Ensuring) -> csi.DeleteSnapshotResponse:  # noqa: N802 - CSI's name
        """There is no such snapshot. Its taking, if it is under way, is cancelled. One of a group goes with that."""
        with contextlib.suppress(NotFound):
            _, _, row = self.daemon.records.read(lambda tx: snapshot_by_uid(tx, asked.snapshot_id))
            if row.spec.group:
                raise Invalid("The snapshot is one of a group, and is deleted with that.")
            drop(self.daemon, row.uid, ensuring)
        return csi.DeleteSnapshotResponse()

    def ListSnapshots(self, asked: csi.ListSnapshotsRequest, _ensuring: Ensuring) -> csi.ListSnapshotsResponse:  # noqa: N802 - CSI's name
        """A page; none if the volume or the snapshot that is asked for is not there."""
        page, after = self.daemon.records.read(
            lambda tx: all_snapshots(
                tx, asked.starting_token, asked.max_entries, asked.source_volume_id, asked.snapshot_id
            )
        )
        entries = [csi.ListSnapshotsResponse.Entry(snapshot=shown(row)) for row in page]
        return csi.ListSnapshotsResponse(entries=entries, next_token=after)

    def GetSnapshot(self, asked: csi.GetSnapshotRequest, _ensuring: Ensuring) -> csi.GetSnapshotResponse:  # noqa: N802 - CSI's name
        """As it is recorded, and proves to be now."""
        pool, _volume, row = self.daemon.records.read(lambda tx: snapshot_by_uid(tx, asked.snapshot_id))
        if row.status.ready:
            look(self.daemon, pool, row)
        return csi.GetSnapshotResponse(snapshot=shown(row))
