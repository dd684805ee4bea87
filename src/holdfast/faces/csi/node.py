"""What this member does for a node's workloads: volumes staged, published, looked at and grown. See csi.proto.

Nothing is ever formatted here: that is a volume's making, and a fact of its record. What is published is a mount of
the volume itself; a staging path is only ever looked at.
"""

import os
from typing import Any

from holdfast.control.daemon import Daemon
from holdfast.faces.csi import stats
from holdfast.faces.csi.capabilities import Mounting, against, mounting
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.expanding import expanded
from holdfast.faces.csi.finding import at, the_volume
from holdfast.faces.csi.kubelet import Kubelet
from holdfast.faces.csi.naming import MEMBER
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.using import Using, published
from holdfast.faces.csi.volumes import look
from holdfast.model.errors import Exists, Foreign, Invalid, NotFound, WrongState
from holdfast.model.resources import Attachment, AttachmentSpec, Pool, Volume

_Rpc = csi.NodeServiceCapability.RPC
OFFERED = (
    _Rpc.STAGE_UNSTAGE_VOLUME, _Rpc.GET_VOLUME_STATS, _Rpc.EXPAND_VOLUME, _Rpc.VOLUME_CONDITION,
    _Rpc.SINGLE_NODE_MULTI_WRITER,
)  # fmt: skip


class Node:
    """See csi.proto. `most` is how many volumes this node may have, 0 for any number."""

    def __init__(self, daemon: Daemon, kubelet: Kubelet, most: int) -> None:
        self.daemon = daemon
        self._kubelet = kubelet
        self._most = most

    def NodeGetCapabilities(  # noqa: N802 - CSI's name
        self, _asked: csi.NodeGetCapabilitiesRequest, _ensuring: Ensuring
    ) -> csi.NodeGetCapabilitiesResponse:
        """Those of these calls."""
        kinds = [csi.NodeServiceCapability(rpc=_Rpc(type=each)) for each in OFFERED]
        return csi.NodeGetCapabilitiesResponse(capabilities=kinds)

    def NodeGetInfo(self, _asked: csi.NodeGetInfoRequest, _ensuring: Ensuring) -> csi.NodeGetInfoResponse:  # noqa: N802 - CSI's name
        """By the member's uid; its volumes are on it alone."""
        uid = self.daemon.member.uid
        topology = csi.Topology(segments={MEMBER: uid})
        return csi.NodeGetInfoResponse(node_id=uid, max_volumes_per_node=self._most, accessible_topology=topology)

    # -- staging -----------------------------------------------------------------------------------

    def NodeStageVolume(self, asked: csi.NodeStageVolumeRequest, ensuring: Ensuring) -> csi.NodeStageVolumeResponse:  # noqa: N802 - CSI's name
        """It is mounted there; of a block volume nothing is, and it is looked at."""
        path = self._kubelet.path("staging_target_path", asked.staging_target_path)
        pool, volume, how = self._wanted(asked)
        if volume.spec.content == "block":
            look(self.daemon, pool, volume)
        else:
            Using(self.daemon, ensuring).there(self._spec(volume, path, how, "stage"))
        return csi.NodeStageVolumeResponse()

    def NodeUnstageVolume(  # noqa: N802 - CSI's name
        self, asked: csi.NodeUnstageVolumeRequest, ensuring: Ensuring
    ) -> csi.NodeUnstageVolumeResponse:
        """It is not mounted there. What is published goes first."""
        path = self._kubelet.path("staging_target_path", asked.staging_target_path)
        using = Using(self.daemon, ensuring)
        for row in self.daemon.records.read(lambda tx: published(tx, asked.volume_id)):
            if using.is_there(row) or os.path.lexists(os.path.dirname(row.spec.path)):
                raise WrongState(f"The volume is still published at {row.spec.path}.", "Unpublish it first.")
            using.gone(asked.volume_id, row.spec.path, "publish")  # its pod's directory is gone
        using.gone(asked.volume_id, path, "stage")
        return csi.NodeUnstageVolumeResponse()

    # -- publishing --------------------------------------------------------------------------------

    def NodePublishVolume(  # noqa: N802 - CSI's name
        self, asked: csi.NodePublishVolumeRequest, ensuring: Ensuring
    ) -> csi.NodePublishVolumeResponse:
        """It is at the target path, whose mount point is made. It must be staged, and is mounted there if it was."""
        path = self._kubelet.path("target_path", asked.target_path)
        if not asked.staging_target_path:
            raise WrongState("The field staging_target_path is required: volumes are staged before.")
        staging = self._kubelet.path("staging_target_path", asked.staging_target_path)
        _pool, volume, how = self._wanted(asked)
        using = Using(self.daemon, ensuring)
        if volume.spec.content != "block":
            staged = self._at(asked.volume_id, staging, "stage")
            if staged is None or not staged.status.ready:
                raise WrongState(f"The volume is not staged at {staging}.", "Stage it first.")
            if staged.spec.read_only and not (how.read_only or asked.readonly):
                raise WrongState(f"The volume is staged read-only at {staging}.")
            using.there(staged.spec)
        using.there(self._spec(volume, path, how, "publish", read_only=asked.readonly))
        return csi.NodePublishVolumeResponse()

    def NodeUnpublishVolume(  # noqa: N802 - CSI's name
        self, asked: csi.NodeUnpublishVolumeRequest, ensuring: Ensuring
    ) -> csi.NodeUnpublishVolumeResponse:
        """It is not there, and its mount point is gone."""
        path = self._kubelet.path("target_path", asked.target_path)
        Using(self.daemon, ensuring).gone(asked.volume_id, path, "publish")
        return csi.NodeUnpublishVolumeResponse()

    # -- looking, growing --------------------------------------------------------------------------

    def NodeGetVolumeStats(  # noqa: N802 - CSI's name
        self, asked: csi.NodeGetVolumeStatsRequest, ensuring: Ensuring
    ) -> csi.NodeGetVolumeStatsResponse:
        """How full it is; or what is wrong with it, if anything is."""
        pool, volume, row = self._used(asked)
        try:
            if not Using(self.daemon, ensuring).is_there(row):
                raise WrongState(f"It is not mounted at {row.spec.path}.")
            full = stats.usage(self.daemon, pool, volume, row.spec.path)
        except (Exists, Foreign, WrongState) as error:
            condition = csi.VolumeCondition(abnormal=True, message=error.detail)
            return csi.NodeGetVolumeStatsResponse(volume_condition=condition)
        return csi.NodeGetVolumeStatsResponse(usage=full, volume_condition=csi.VolumeCondition(message="mounted"))

    def NodeExpandVolume(  # noqa: N802 - CSI's name
        self, asked: csi.NodeExpandVolumeRequest, ensuring: Ensuring
    ) -> csi.NodeExpandVolumeResponse:
        """It is as large as asked for, with its device and the file system in it."""
        self._used(asked)
        size = expanded(self.daemon, asked.volume_id, asked.capacity_range, ensuring)
        return csi.NodeExpandVolumeResponse(capacity_bytes=size)

    # -- reading -----------------------------------------------------------------------------------

    def _wanted(self, asked: Any) -> tuple[Pool, Volume, Mounting]:
        """The volume, ready, and how it is to be mounted. Raises Invalid, NotFound, WrongState."""
        how = mounting(asked.volume_capability)
        pool, volume = self.daemon.records.read(lambda tx: the_volume(tx, asked.volume_id))
        if said := against(volume, asked.volume_capability):
            raise WrongState(said)
        if not volume.status.ready:
            raise WrongState(f"The volume {pool.name}/{volume.name} is not ready.")
        return pool, volume, how

    def _spec(self, volume: Volume, path: str, how: Mounting, use: Any, *, read_only: bool = False) -> AttachmentSpec:
        return AttachmentSpec(
            volume=volume.uid, member=self.daemon.member.uid, path=path, read_only=how.read_only or read_only, use=use,
            flags=how.flags, alone=how.alone and use == "publish",
        )  # fmt: skip

    def _at(self, volume: str, path: str, *uses: str) -> Attachment | None:
        row = self.daemon.records.read(lambda tx: at(tx, path))
        return row if row is not None and row.parent == volume and row.spec.use in uses else None

    def _used(self, asked: Any) -> tuple[Pool, Volume, Attachment]:
        """The volume, and where it is staged or published. Raises NotFound."""
        pool, volume = self.daemon.records.read(lambda tx: the_volume(tx, asked.volume_id))
        for each in filter(None, (asked.volume_path, asked.staging_target_path)):
            try:
                path = self._kubelet.path("path", each)
            except Invalid as error:
                raise NotFound(error.detail) from error
            row = self._at(volume.uid, path, "stage", "publish")
            if row is not None:
                return pool, volume, row
        raise NotFound(f"The volume is not at {ascii(asked.volume_path[:200])}.")
