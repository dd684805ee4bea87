"""Volumes: made, deleted, looked at and listed. See csi.proto for what each call promises."""

from typing import Any

from holdfast.control.daemon import Daemon
from holdfast.drivers.contract import Absent, ForeignObject, Present, Unknown
from holdfast.faces.csi.capabilities import Wanted, refusal, wanted
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.listing import all_volumes
from holdfast.faces.csi.naming import MEMBER, name_of
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.model.conditions import ABANDONED, holds
from holdfast.model.errors import Again, Exists, Foreign, HoldfastError, Invalid, NotFound, WrongState
from holdfast.model.resources import Pool, Volume
from holdfast.operations.refs import find_pool, pool_ref, volume_ref
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.records import resources
from holdfast.records.contract import Tx

_Rpc = csi.ControllerServiceCapability.RPC
OFFERED = (_Rpc.CREATE_DELETE_VOLUME, _Rpc.LIST_VOLUMES, _Rpc.GET_CAPACITY)
# Turns of a call whose look is overtaken by others again and again.
_TURNS = 16


class Controller:
    """See csi.proto."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def ControllerGetCapabilities(  # noqa: N802 - CSI's name
        self, _asked: csi.ControllerGetCapabilitiesRequest, _ensuring: Ensuring
    ) -> csi.ControllerGetCapabilitiesResponse:
        """Those of these calls."""
        kinds = [csi.ControllerServiceCapability(rpc=_Rpc(type=each)) for each in OFFERED]
        return csi.ControllerGetCapabilitiesResponse(capabilities=kinds)

    # -- making ------------------------------------------------------------------------------------

    def CreateVolume(self, asked: csi.CreateVolumeRequest, ensuring: Ensuring) -> csi.CreateVolumeResponse:  # noqa: N802 - CSI's name
        """A volume of that name is there, and as was asked."""
        if asked.HasField("volume_content_source"):
            raise Invalid("Volumes are not made of others by this call yet.", "`holdfast volume clone` makes them.")
        if asked.mutable_parameters:
            raise Invalid("There are no mutable parameters.")
        name = name_of("volume", asked.name)
        pool = self._pool(asked.parameters.get("pool", ""))
        offered = self.daemon.drivers.named(pool.spec.driver).info.contents
        want = wanted(asked.volume_capabilities, asked.parameters, asked.capacity_range, offered=offered)
        self._reachable(asked)
        for _ in range(_TURNS):
            found = self.daemon.records.read(lambda tx: _named(tx, name))
            if found is None:
                self._make(pool.name, name, want, ensuring)
                continue
            of, volume = found
            if of.uid != pool.uid or not _is_as(volume, want):
                raise Exists(f"There is a volume {name} already, in the pool {of.name}, and it is otherwise.")
            if holds(volume.conditions, ABANDONED):
                raise WrongState(f"The making of {of.name}/{name} was abandoned.", "Delete it.")
            if volume.status.ready:
                self._look(of, volume)
                return csi.CreateVolumeResponse(volume=self._shown(of, volume))
            ensuring.joined(volume.uid, "volume.create")
        raise Again(f"The volume {name} comes and goes.")

    def _make(self, pool: str, name: str, want: Wanted, ensuring: Ensuring) -> None:
        try:
            ensuring.asked(VolumeCreate(pool=pool, name=name, size=want.size, content=want.content, fs=want.fs))
        except Exists:  # somebody was faster: the next look says what it is
            return

    def _reachable(self, asked: csi.CreateVolumeRequest) -> None:
        """On this member, if its place matters."""
        wished = asked.accessibility_requirements.requisite
        if wished and not any(each.segments.get(MEMBER) == self.daemon.member.uid for each in wished):
            raise WrongState("The volume is asked for where this member is not.")

    def _pool(self, name: str) -> Pool:
        """The one that is named, or the only one."""
        if name:
            return self.daemon.records.read(lambda tx: find_pool(tx, name))
        pools = self.daemon.records.read(lambda tx: resources.page(tx, Pool, most=2))
        if len(pools) != 1:
            raise Invalid("Say in the parameter `pool` which pool is meant.", "`holdfast pool list` shows them.")
        return pools[0]

    def _look(self, pool: Pool, volume: Volume) -> None:
        """It is there now. Raises WrongState, Foreign or Again."""
        ref = pool_ref(pool, self.daemon.member.uid)
        match self.daemon.drivers.of(ref).look_volume(ref, volume_ref(volume)):
            case Present():
                return
            case Absent():
                raise WrongState(f"The volume {pool.name}/{volume.name} is recorded, and is not in its pool.")
            case ForeignObject(evidence):
                raise Foreign(evidence)
            case Unknown(reason):
                raise Again(reason)

    def _shown(self, pool: Pool, volume: Volume) -> csi.Volume:
        return csi.Volume(
            volume_id=volume.uid, capacity_bytes=volume.spec.size,
            volume_context={"pool": pool.name, "name": volume.name},
            accessible_topology=[csi.Topology(segments={MEMBER: self.daemon.member.uid})],
        )  # fmt: skip

    # -- deleting ----------------------------------------------------------------------------------

    def DeleteVolume(self, asked: csi.DeleteVolumeRequest, ensuring: Ensuring) -> csi.DeleteVolumeResponse:  # noqa: N802 - CSI's name
        """There is no such volume. Its making, if it is under way, is cancelled."""
        for _ in range(_TURNS):
            found = self.daemon.records.read(lambda tx: _by_uid(tx, asked.volume_id))
            if found is None:
                return csi.DeleteVolumeResponse()
            pool, volume = found
            if ensuring.joined(volume.uid, "volume.delete"):
                continue
            self._cancel_making(volume.uid, ensuring)
            try:
                ensuring.asked(VolumeDelete(pool=pool.name, name=volume.name))
            except NotFound:  # it was renamed, or is gone by now
                continue
        raise Again(f"The volume {asked.volume_id} comes and goes.")

    def _cancel_making(self, uid: str, ensuring: Ensuring) -> None:
        for op, kind in ensuring.holders(uid):
            if kind in ("volume.create", "volume.clone"):
                try:
                    self.daemon.engine.exits.cancel(op)
                except WrongState as error:
                    raise Again(f"The volume is being made: {error.detail}") from error
                raise Again(f"The volume was being made; operation {op} undoes that.")

    # -- looking -----------------------------------------------------------------------------------

    def ValidateVolumeCapabilities(  # noqa: N802 - CSI's name
        self, asked: csi.ValidateVolumeCapabilitiesRequest, _ensuring: Ensuring
    ) -> csi.ValidateVolumeCapabilitiesResponse:
        """Whether the volume can be used so."""
        found = self.daemon.records.read(lambda tx: _by_uid(tx, asked.volume_id))
        if found is None:
            raise NotFound(f"There is no volume {ascii(asked.volume_id)}.")
        _pool, volume = found
        for each in asked.volume_capabilities:
            if said := refusal(each) or _against(volume, each):
                return csi.ValidateVolumeCapabilitiesResponse(message=said)
        confirmed = csi.ValidateVolumeCapabilitiesResponse.Confirmed(
            volume_context=asked.volume_context, volume_capabilities=asked.volume_capabilities,
            parameters=asked.parameters,
        )  # fmt: skip
        return csi.ValidateVolumeCapabilitiesResponse(confirmed=confirmed)

    def ListVolumes(self, asked: csi.ListVolumesRequest, _ensuring: Ensuring) -> csi.ListVolumesResponse:  # noqa: N802 - CSI's name
        """A page, in order of pools and names."""
        page, after = self.daemon.records.read(lambda tx: all_volumes(tx, asked.starting_token, asked.max_entries))
        entries = [csi.ListVolumesResponse.Entry(volume=self._shown(pool, volume)) for pool, volume in page]
        return csi.ListVolumesResponse(entries=entries, next_token=after)

    def GetCapacity(self, asked: csi.GetCapacityRequest, _ensuring: Ensuring) -> csi.GetCapacityResponse:  # noqa: N802 - CSI's name
        """Room of the pool, as its place says now, within its limit; none for what is not offered."""
        pool = self._pool(asked.parameters.get("pool", ""))
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


def _named(tx: Tx, name: str) -> tuple[Pool, Volume] | None:
    """In whichever pool: a name of CSI's is one of all."""
    for pool in resources.page(tx, Pool):
        volume = resources.by_name(tx, Volume, pool.uid, name)
        if volume is not None:
            return pool, volume
    return None


def _by_uid(tx: Tx, uid: str) -> tuple[Pool, Volume] | None:
    volume = resources.by_uid(tx, Volume, uid)
    pool = resources.by_uid(tx, Pool, volume.parent) if volume is not None else None
    return None if volume is None or pool is None else (pool, volume)


def _is_as(volume: Volume, want: Wanted) -> bool:
    spec = volume.spec
    return (spec.content, spec.fs) == (want.content, want.fs) and want.suits(spec.size)


def _against(volume: Volume, asked: Any) -> str:
    if asked.HasField("block") != (volume.spec.content == "block"):
        return f"The volume's content is {volume.spec.content}."
    fs = asked.mount.fs_type
    return f"The volume's file system is {volume.spec.fs}." if fs and volume.spec.fs not in (None, fs) else ""
