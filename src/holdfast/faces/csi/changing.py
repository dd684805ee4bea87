"""Volumes given to a node and taken back, grown, and relabelled. See csi.proto."""

from collections.abc import Mapping

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.capabilities import against, mounting
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.expanding import expanded
from holdfast.faces.csi.finding import by_uid, the_volume
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.using import published
from holdfast.model.errors import Exists, Invalid, NotFound, WrongState
from holdfast.model.names import check_labels
from holdfast.model.resources import Grant
from holdfast.operations.volume.grant import VolumeGrant
from holdfast.operations.volume.label import VolumeLabel
from holdfast.records import claims

# Of a volume attributes class: this, and the label's name behind it.
LABEL = "label."


def labels_of(parameters: Mapping[str, str]) -> dict[str, str]:
    """What mutable parameters say. Raises Invalid."""
    unknown = sorted(key for key in parameters if not key.startswith(LABEL))
    if unknown:
        raise Invalid(f"The mutable parameter {ascii(unknown[0][:200])} is not known.", f"There are {LABEL}NAME.")
    found = {key.removeprefix(LABEL): value for key, value in parameters.items()}
    check_labels(found)
    return found


class Changing:
    """See csi.proto."""

    daemon: Daemon

    def ControllerPublishVolume(  # noqa: N802 - CSI's name
        self, asked: csi.ControllerPublishVolumeRequest, ensuring: Ensuring
    ) -> csi.ControllerPublishVolumeResponse:
        """It is given to that node, which is this member; what is to be done there, staging does."""
        how = mounting(asked.volume_capability)
        self._settled(asked.volume_id, ensuring)
        pool, volume = self.daemon.records.read(lambda tx: the_volume(tx, asked.volume_id))
        if asked.node_id != self.daemon.member.uid:
            raise NotFound(f"There is no node {ascii(asked.node_id[:200])} here.")
        if said := against(volume, asked.volume_capability):
            raise WrongState(said)
        grant = Grant(self.daemon.member.uid, asked.readonly or how.read_only)
        if volume.spec.granted not in (None, grant):
            raise Exists("The volume is given to the node in another access mode.")
        if volume.spec.granted is None:
            ensuring.asked(VolumeGrant(pool=pool.name, name=volume.name, to=grant))
        return csi.ControllerPublishVolumeResponse()

    @staticmethod
    def _settled(volume: str, ensuring: Ensuring) -> None:
        """Nobody gives or takes it any more."""
        ensuring.joined(claims.on_uid(volume), "volume.grant")

    def ControllerUnpublishVolume(  # noqa: N802 - CSI's name
        self, asked: csi.ControllerUnpublishVolumeRequest, ensuring: Ensuring
    ) -> csi.ControllerUnpublishVolumeResponse:
        """That node, or any, has it not."""
        self._settled(asked.volume_id, ensuring)
        found = self.daemon.records.read(lambda tx: by_uid(tx, asked.volume_id))
        granted = found[1].spec.granted if found else None
        if found is None or granted is None or asked.node_id not in ("", granted.member):
            return csi.ControllerUnpublishVolumeResponse()
        pool, volume = found
        for row in self.daemon.records.read(lambda tx: published(tx, volume.uid)):
            raise WrongState(f"The volume is still published at {row.spec.path}.", "Unpublish it on the node first.")
        ensuring.asked(VolumeGrant(pool=pool.name, name=volume.name, to=None))
        return csi.ControllerUnpublishVolumeResponse()

    def ControllerExpandVolume(  # noqa: N802 - CSI's name
        self, asked: csi.ControllerExpandVolumeRequest, ensuring: Ensuring
    ) -> csi.ControllerExpandVolumeResponse:
        """As large as asked for, with what is in it: nothing is left for the node to do."""
        size = expanded(self.daemon, asked.volume_id, asked.capacity_range, ensuring)
        return csi.ControllerExpandVolumeResponse(capacity_bytes=size)

    def ControllerModifyVolume(  # noqa: N802 - CSI's name
        self, asked: csi.ControllerModifyVolumeRequest, ensuring: Ensuring
    ) -> csi.ControllerModifyVolumeResponse:
        """It has these labels, besides those that it had."""
        labels = labels_of(asked.mutable_parameters)
        ensuring.joined(claims.on_uid(asked.volume_id), "volume.label")
        pool, volume = self.daemon.records.read(lambda tx: the_volume(tx, asked.volume_id))
        if not labels.items() <= volume.spec.labels.items():
            ensuring.asked(VolumeLabel(pool=pool.name, name=volume.name, labels=dict(labels)))
        return csi.ControllerModifyVolumeResponse()
