"""Copies of volumes and restores, each one request of the array: instant, and its blocks are shared.

A snapshot is a volume too, which tags call one: the array's own kind can be connected to nobody, and goes with its
volume. What a mounted file system holds back is written out before; the copy is settled once it is connected.
"""

import msgspec

from holdfast.drivers.contract import Making, PoolRef, Present, Unknown, VolumeRef
from holdfast.drivers.flasharray import names, tags
from holdfast.drivers.flasharray.devices import Devices
from holdfast.drivers.flasharray.options import read
from holdfast.drivers.flasharray.seeing import Seeing
from holdfast.drivers.flasharray.volumes import Volumes
from holdfast.host.children import Keeper
from holdfast.host.copies import DEADLINE
from holdfast.host.host import Host
from holdfast.model.errors import Again, Refused
from holdfast.model.resources import Taken


class Copies:
    """See `Driver`."""

    def __init__(self, host: Host, seeing: Seeing, devices: Devices, volumes: Volumes) -> None:
        self._children = host.children
        self._seeing = seeing
        self._devices = devices
        self._volumes = volumes

    def copy(self, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making) -> None:
        """See `Driver.copy_volume`."""
        found = self._volumes.proven(pool, source)
        if int(found.item["provisioned"]) != volume.size:
            raise Refused(
                f"{source.name} has {found.item['provisioned']} bytes on the array instead of {volume.size}.",
                "It was changed there; resize it here to what it shall be.",
            )
        here = msgspec.structs.replace(source, identity=tags.identity(found.item))
        taken = self._written(pool, here, making.keeper)
        body = {"source": {"name": found.name}}
        self._volumes.make(pool, volume, making, body, taken if volume.of else None)

    def _written(self, pool: PoolRef, source: VolumeRef, keeper: Keeper) -> Taken:
        """What this machine holds back of the source, be it in use or not, is on the array."""
        match self._devices.look(pool, source):
            case Present(facts):
                # Who has a raw device open does not hold it.
                used = not source.of and (source.fs is None or bool(facts.holders))
            case Unknown(reason):
                raise Again(reason)
            case _:
                return "idle"
        with self._devices.access(pool, source) as access:
            args = {"fs": source.fs if used else None}
            self._children.run(keeper, "sync-device", args, (access.fd,), DEADLINE)
        return "synced" if used else "idle"

    def restore(self, pool: PoolRef, volume: VolumeRef, snapshot: VolumeRef, operation: str) -> None:
        """See `Driver.swap_restore`: overwritten, and then tagged, so that whoever finds no tag overwrites again."""
        found = self._volumes.proven(pool, volume)
        if found.tags is not None and found.tags.operation == operation:
            return
        held = self._volumes.proven(pool, snapshot)
        if self._volumes.disconnect(pool, volume, found, None):
            raise Again(f"Connections of {volume.name} were cut first.")
        query = {"names": names.volume(read(pool.config).pod, pool.owner, volume.uid), "overwrite": "true"}
        session = self._seeing.session(pool)
        session.change("restore", "POST", "volumes", query, {"source": {"name": held.name}})
        self._seeing.tag(pool, found.item["id"], "tag-restored", {"operation": operation})
