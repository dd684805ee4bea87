"""Volumes looked at, listed, and the room for more. See csi.proto."""

from typing import Any

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.capabilities import against, refusal
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.finding import the_volume
from holdfast.faces.csi.listing import all_volumes
from holdfast.faces.csi.naming import MEMBER
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.volumes import look, shown
from holdfast.model.conditions import ABANDONED, DAMAGED
from holdfast.model.errors import Again, Foreign, HoldfastError, Invalid, NotFound, WrongState
from holdfast.model.resources import Pool, Volume
from holdfast.operations.refs import find_pool, pool_ref
from holdfast.records import resources


def the_pool(daemon: Daemon, name: str) -> Pool:
    """The one that is named, or the only one. Raises NotFound or Invalid."""
    if name:
        return daemon.records.read(lambda tx: find_pool(tx, name))
    pools = daemon.records.read(lambda tx: resources.page(tx, Pool, most=2))
    if len(pools) != 1:
        raise Invalid("Say in the parameter `pool` which pool is meant.", "`holdfast pool list` shows them.")
    return pools[0]


class Looking:
    """See csi.proto."""

    daemon: Daemon

    def ValidateVolumeCapabilities(  # noqa: N802 - CSI's name
        self, asked: csi.ValidateVolumeCapabilitiesRequest, _ensuring: Ensuring
    ) -> csi.ValidateVolumeCapabilitiesResponse:
        """Whether the volume can be used so."""
        _pool, volume = self.daemon.records.read(lambda tx: the_volume(tx, asked.volume_id))
        for each in asked.volume_capabilities:
            if said := refusal(each) or against(volume, each):
                return csi.ValidateVolumeCapabilitiesResponse(message=said)
        confirmed = csi.ValidateVolumeCapabilitiesResponse.Confirmed(
            volume_context=asked.volume_context, volume_capabilities=asked.volume_capabilities,
            parameters=asked.parameters, mutable_parameters=asked.mutable_parameters,
        )  # fmt: skip
        return csi.ValidateVolumeCapabilitiesResponse(confirmed=confirmed)

    def ListVolumes(self, asked: csi.ListVolumesRequest, _ensuring: Ensuring) -> csi.ListVolumesResponse:  # noqa: N802 - CSI's name
        """A page, in order of pools and names."""
        page, after = self.daemon.records.read(lambda tx: all_volumes(tx, asked.starting_token, asked.max_entries))
        entries = [
            csi.ListVolumesResponse.Entry(
                volume=shown(self.daemon, pool, volume),
                status=csi.ListVolumesResponse.VolumeStatus(
                    published_node_ids=_given(volume), volume_condition=_condition(volume)
                ),
            )
            for pool, volume in page
        ]
        return csi.ListVolumesResponse(entries=entries, next_token=after)

    def ControllerGetVolume(  # noqa: N802 - CSI's name
        self, asked: csi.ControllerGetVolumeRequest, _ensuring: Ensuring
    ) -> csi.ControllerGetVolumeResponse:
        """As it is recorded, and whether it is there as such now."""
        pool, volume = self.daemon.records.read(lambda tx: the_volume(tx, asked.volume_id))
        condition = _condition(volume)
        try:
            look(self.daemon, pool, volume)
        except (Foreign, WrongState) as error:
            condition = csi.VolumeCondition(abnormal=True, message=error.detail)
        status = csi.ControllerGetVolumeResponse.VolumeStatus(
            published_node_ids=_given(volume), volume_condition=condition
        )
        return csi.ControllerGetVolumeResponse(volume=shown(self.daemon, pool, volume), status=status)

    def GetCapacity(self, asked: csi.GetCapacityRequest, _ensuring: Ensuring) -> csi.GetCapacityResponse:  # noqa: N802 - CSI's name
        """Room of the pool, as its place says now, within its limit; none for what is not offered, or not here."""
        try:
            pool = the_pool(self.daemon, asked.parameters.get("pool", ""))
        except NotFound:
            return csi.GetCapacityResponse(available_capacity=0)
        here = asked.accessible_topology.segments
        if any(refusal(each) for each in asked.volume_capabilities) or (
            here and here.get(MEMBER) != self.daemon.member.uid
        ):
            return csi.GetCapacityResponse(available_capacity=0)
        ref = pool_ref(pool, self.daemon.member.uid)
        try:
            free = self.daemon.drivers.of(ref).capacity(ref).free
        except (HoldfastError, OSError) as error:
            raise Again(str(error)) from error
        if pool.spec.limit is not None:
            used = self.daemon.records.read(lambda tx: resources.provisioned(tx, pool.uid))
            free = max(0, min(free, pool.spec.limit - used))
        return csi.GetCapacityResponse(available_capacity=free)


def _condition(volume: Volume) -> Any:
    """What is known of it."""
    for each in volume.conditions:
        if each.status and each.type in (DAMAGED, ABANDONED):
            return csi.VolumeCondition(abnormal=True, message=f"{each.type}: {each.reason}")
    return csi.VolumeCondition(message="in its pool" if volume.status.ready else "it is being made")


def _given(volume: Volume) -> list[Any]:
    return [volume.spec.granted.member] if volume.spec.granted is not None else []
