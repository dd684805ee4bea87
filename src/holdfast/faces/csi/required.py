"""What a request must say, by its message: csi.proto marks it REQUIRED. An unset message is told by HasField alone."""

from typing import Any

_VOLUME = ("volume_id",)
REQUIRED: dict[str, tuple[str, ...]] = {
    "CreateVolumeRequest": ("name", "volume_capabilities"),
    "DeleteVolumeRequest": _VOLUME,
    "ValidateVolumeCapabilitiesRequest": (*_VOLUME, "volume_capabilities"),
    "ControllerPublishVolumeRequest": (*_VOLUME, "node_id", "volume_capability"),
    "ControllerUnpublishVolumeRequest": _VOLUME,
    "ControllerExpandVolumeRequest": (*_VOLUME, "capacity_range"),
    "ControllerGetVolumeRequest": _VOLUME,
    "ControllerModifyVolumeRequest": (*_VOLUME, "mutable_parameters"),
    "CreateSnapshotRequest": ("source_volume_id", "name"),
    "DeleteSnapshotRequest": ("snapshot_id",),
    "GetSnapshotRequest": ("snapshot_id",),
    "CreateVolumeGroupSnapshotRequest": ("name", "source_volume_ids"),
    "DeleteVolumeGroupSnapshotRequest": ("group_snapshot_id",),
    "GetVolumeGroupSnapshotRequest": ("group_snapshot_id",),
    "NodeStageVolumeRequest": (*_VOLUME, "staging_target_path", "volume_capability"),
    "NodeUnstageVolumeRequest": (*_VOLUME, "staging_target_path"),
    "NodePublishVolumeRequest": (*_VOLUME, "target_path", "volume_capability"),
    "NodeUnpublishVolumeRequest": (*_VOLUME, "target_path"),
    "NodeGetVolumeStatsRequest": (*_VOLUME, "volume_path"),
    "NodeExpandVolumeRequest": (*_VOLUME, "volume_path"),
}


def missing(request: Any) -> str:
    """The first field that is required and not there, or an empty text."""
    for name in REQUIRED.get(type(request).DESCRIPTOR.name, ()):
        field = request.DESCRIPTOR.fields_by_name[name]
        is_message = field.message_type is not None and not _repeats(request, name)
        if not (request.HasField(name) if is_message else getattr(request, name)):
            return name
    return ""


def _repeats(request: Any, name: str) -> bool:
    return hasattr(getattr(request, name), "__len__") and not isinstance(getattr(request, name), str | bytes)
