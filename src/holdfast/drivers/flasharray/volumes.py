"""Volumes: made, marked by tags, looked at, and removed as the array's states go: disconnected, destroyed, erased."""

from collections.abc import Sequence
from typing import Any

import msgspec

from holdfast.drivers.connecting import ConnectionFacts
from holdfast.drivers.contract import (
    Absent,
    ForeignObject,
    Making,
    Observation,
    PoolRef,
    Present,
    Unknown,
    Usage,
    VolumeFacts,
    VolumeRef,
)
from holdfast.drivers.flasharray import names, tags
from holdfast.drivers.flasharray.devices import Devices
from holdfast.drivers.flasharray.hosts import Hosts
from holdfast.drivers.flasharray.options import read
from holdfast.drivers.flasharray.pools import until
from holdfast.drivers.flasharray.seeing import Seeing, Volume
from holdfast.drivers.flasharray.session import Rejected
from holdfast.host.children import Keeper
from holdfast.model.errors import Again, Exists, Foreign, InUse, Kept, NotFound, Refused
from holdfast.model.resources import Taken


class Volumes:
    """See `Driver`."""

    def __init__(self, seeing: Seeing, hosts: Hosts, devices: Devices) -> None:
        self._seeing = seeing
        self._hosts = hosts
        self._devices = devices

    # -- looks -------------------------------------------------------------------------------------

    def look(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """See `Driver.look_volume`: without tags it is not whole yet."""
        return self._whole(self._seeing.there(pool, volume))

    def look_all(self, pool: PoolRef, volumes: Sequence[VolumeRef]) -> dict[str, Observation[VolumeFacts]]:
        """See `Driver.look_volumes`."""
        return {uid: self._whole(found) for uid, found in self._seeing.all_there(pool, volumes).items()}

    @staticmethod
    def _whole(seen: Observation[Volume]) -> Observation[VolumeFacts]:
        match seen:
            case Present(found) if found.destroyed:
                return ForeignObject(f"{found.name} was destroyed on the array, which keeps it{until(found.item)}.")
            case Present(found):
                return Absent() if found.tags is None else Present(tags.facts(found.tags, found.item))
            case other:
                return other

    def removed(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """See `Driver.removed_volume`: what is destroyed is gone, unless it is to be erased by us."""
        match self._seeing.there(pool, volume):
            case Present(found) if found.destroyed and not read(pool.config).after_delete:
                return Absent()
            case Present(found):
                return Present(self._as_recorded(volume, found))
            case other:
                return other

    @staticmethod
    def _as_recorded(volume: VolumeRef, found: Volume) -> VolumeFacts:
        if found.tags is not None:
            return tags.facts(found.tags, found.item)
        return VolumeFacts(volume.name, volume.size, volume.content, volume.fs, volume.fs_uuid, operation="")

    def unmade(self, pool: PoolRef, volume: VolumeRef, making: Making) -> Observation[str]:
        """See `Driver.unmade_volume`."""
        match self._seeing.there(pool, volume):
            case Present(found) if found.tags is not None and found.tags.operation != making.operation:
                return ForeignObject(f"{found.name} is another operation's.")
            case Present(found) if found.destroyed and not read(pool.config).after_delete:
                return Absent()
            case Present(found):
                return Present(found.name)
            case other:
                return other

    def in_use(self, pool: PoolRef, volume: VolumeRef) -> str:
        """See `Driver.in_use`: by hosts that are not ours, or by what holds its device here."""
        serial = volume.identity.get("serial", "")
        if not serial:
            found = self._seeing.volume(pool, volume)
            if found is None:
                return ""
            serial = str(found.item["serial"])
        strangers = self._hosts.strangers(pool, self._connected(pool, volume), self._devices.transport(pool))
        if strangers:
            return f"it is connected to the host {strangers[0]}, which is not ours"
        return self._devices.holders(pool, serial)

    def _connected(self, pool: PoolRef, volume: VolumeRef) -> tuple[ConnectionFacts, ...]:
        match self._hosts.connections(pool, volume):
            case Present(facts):
                return facts
            case Absent():
                return ()
            case ForeignObject(evidence):
                raise Foreign(evidence)
            case Unknown(reason):
                raise Again(reason)

    # -- making ------------------------------------------------------------------------------------

    def make(
        self, pool: PoolRef, volume: VolumeRef, making: Making, body: dict[str, Any], taken: Taken | None = None
    ) -> None:
        """The volume, then its tags; what an earlier try made is gone on with. `body` says of what it is made."""
        session, name = self._seeing.session(pool), names.volume(read(pool.config).pod, pool.owner, volume.uid)
        found = self._seeing.volume(pool, volume)
        if found is not None and found.destroyed:
            raise Refused(f"{name} was destroyed, and its name is taken until it is erased{until(found.item)}.")
        if found is not None and found.tags is not None:
            if found.tags.operation == making.operation:
                return
            raise Exists(f"{name} is there already, made by operation {found.tags.operation}.")
        if found is None:
            made = session.change(
                "make-volume", "POST", "volumes", {"names": name, "with_default_protection": "false"}, body
            )
            if len(made) != 1:
                raise Again(f"The array answered the making of {name} with {len(made)} volumes.")
            item = made[0]
        else:
            item, taken = found.item, taken and "synced"  # its source may have been in use then
        said = msgspec.to_builtins(tags.of(pool, volume, making.operation, item, taken))
        self._seeing.tag(pool, item["id"], "tag-volume", said)

    def proven(self, pool: PoolRef, volume: VolumeRef) -> Volume:
        """The living volume, tagged as ours; raise NotFound, Foreign or Again."""
        found = self._seeing.volume(pool, volume)
        if found is None or found.tags is None:
            raise NotFound(f"The volume {volume.uid} is not in its pool.")
        if found.destroyed:
            raise Foreign(f"{found.name} was destroyed on the array, which keeps it{until(found.item)}.")
        return found

    def formatted(self, pool: PoolRef, volume: VolumeRef) -> None:
        """The volume is whole."""
        uid = volume.identity.get("id") or self.proven(pool, volume).item["id"]
        self._seeing.tag(pool, uid, "tag-whole", {"state": "whole"})

    def rename(self, pool: PoolRef, volume: VolumeRef, name: str) -> None:
        """Another human name in its tags."""
        found = self.proven(pool, volume)
        if found.tags is not None and found.tags.name != name:
            self._seeing.tag(pool, found.item["id"], "tag-name", {"name": name})

    def resize(self, pool: PoolRef, volume: VolumeRef, size: int) -> None:
        """Larger; never truncated."""
        found = self.proven(pool, volume)
        if int(found.item["provisioned"]) >= size:
            return
        query = {"ids": found.item["id"], "truncate": "false"}
        self._seeing.session(pool).change("resize", "PATCH", "volumes", query, {"provisioned": size})

    # -- removing ----------------------------------------------------------------------------------

    def remove(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper | None) -> bool:
        """See `Driver.remove_volume`; without a keeper nothing is removed from this machine."""
        found = self._seeing.volume(pool, volume)
        return True if found is None else self.step(pool, volume, found, keeper)

    def unmake(self, pool: PoolRef, volume: VolumeRef, making: Making) -> bool:
        """See `Driver.unmake_volume`."""
        match self._seeing.there(pool, volume):
            case Present(found) if found.tags is None or found.tags.operation == making.operation:
                return self.step(pool, volume, found, making.keeper)
            case Unknown(reason):
                raise Again(reason)
            case _:
                return True

    def step(self, pool: PoolRef, volume: VolumeRef, found: Volume, keeper: Keeper | None) -> bool:
        """One arrow of connected → disconnected → destroyed → erased. Whoever asks again looks again."""
        if not self.destroy(pool, volume, found, keeper):
            return False
        if not read(pool.config).after_delete:
            return True
        try:
            self._seeing.session(pool).change("eradicate", "DELETE", "volumes", {"ids": found.item["id"]})
        except Rejected as error:
            now = self._seeing.volume(pool, volume)
            if now is not None and now.destroyed:
                raise Kept(f"destroyed, and kept by the array{until(now.item)}: {error.detail}") from error
        return True

    def destroy(self, pool: PoolRef, volume: VolumeRef, found: Volume, keeper: Keeper | None) -> bool:
        """The first two arrows."""
        if found.destroyed:
            return True
        if self.disconnect(pool, volume, found, keeper):
            return False
        query = {"ids": found.item["id"]}
        self._seeing.session(pool).change("destroy", "PATCH", "volumes", query, {"destroyed": True})
        return True

    def disconnect(self, pool: PoolRef, volume: VolumeRef, found: Volume, keeper: Keeper | None) -> bool:
        """The device here first, then every host of ours; False if there was nothing to do. Raises InUse or Again."""
        connected = self._connected(pool, volume)
        strangers = self._hosts.strangers(pool, connected, self._devices.transport(pool))
        if strangers:
            raise InUse(
                f"{found.name} is connected to the host {strangers[0]}, which is not ours.",
                "Disconnect it on the array; nothing of others is cut without being asked.",
            )
        self._devices.remove(pool, found, keeper)
        for each in connected:
            self._hosts.disconnect(pool, volume, each.host)
        return bool(connected)

    def usage(self, pool: PoolRef, volume: VolumeRef) -> Usage:
        """As the array counts, after reduction."""
        item = self.proven(pool, volume).item
        return Usage(int((item.get("space") or {}).get("total_physical") or 0), int(item["provisioned"]), 0)
