"""The devices of an array's volumes on this machine: through the pool's transport, by serial, without the array."""

import contextlib
from collections.abc import Iterator

from holdfast.drivers.connecting import DeviceFacts
from holdfast.drivers.contract import Absent, Access, ForeignObject, Observation, PoolRef, Present, Unknown, VolumeRef
from holdfast.drivers.flasharray.options import read
from holdfast.drivers.flasharray.seeing import Seeing, Volume
from holdfast.drivers.transports.contract import Transport, Transports
from holdfast.host.children import Keeper
from holdfast.host.kernel import Kernel
from holdfast.model.errors import Again, InUse, NotFound


class Devices:
    """See `Connecting`."""

    def __init__(self, seeing: Seeing, transports: Transports, kernel: Kernel) -> None:
        self._seeing = seeing
        self._transports = transports
        self._kernel = kernel

    def transport(self, pool: PoolRef) -> Transport:
        """The pool's."""
        return self._transports.named(read(pool.config).transport)

    @staticmethod
    def _serial(volume: VolumeRef) -> str:
        serial = volume.identity.get("serial", "")
        if not serial:
            raise NotFound(f"The volume {volume.name} has no serial yet.")
        return serial

    def look(self, pool: PoolRef, volume: VolumeRef) -> Observation[DeviceFacts]:
        """See `Connecting.look_device`."""
        return self.transport(pool).look(pool.config, self._serial(volume))

    def all(self, pool: PoolRef) -> dict[str, str]:
        """See `Connecting.devices`."""
        return self.transport(pool).all(pool.config)

    def find(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> None:
        """See `Connecting.find_device`."""
        self.transport(pool).find(pool.config, self._serial(volume), lambda: self._targets(pool), keeper)

    def _targets(self, pool: PoolRef) -> list[dict[str, str]]:
        """Portals that the array serves, with its name there."""
        session = self._seeing.session(pool)
        ports = session.get("ports")
        return [
            {"iqn": str(port["iqn"]), "portal": str(port["portal"])}
            for port in ports
            if port.get("iqn") and port.get("portal")
        ]

    def take(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> None:
        """See `Connecting.remove_device`."""
        self.transport(pool).remove(pool.config, self._serial(volume), keeper)

    @contextlib.contextmanager
    def access(self, pool: PoolRef, volume: VolumeRef) -> Iterator[Access]:
        """See `Driver.access`."""
        fd = self.transport(pool).open(pool.config, self._serial(volume))
        try:
            yield Access("device", fd)
        finally:
            self._kernel.close(fd)

    def holders(self, pool: PoolRef, serial: str) -> str:
        """Who holds the device here, or an empty text; raise Again if that cannot be told."""
        match self.transport(pool).look(pool.config, serial):
            case Present(facts):
                return f"its device {facts.path} is held by {facts.holders}" if facts.holders else ""
            case Unknown(reason):
                raise Again(reason)
            case _:
                return ""

    def remove(self, pool: PoolRef, found: Volume, keeper: Keeper | None) -> None:
        """Before a disconnect: nothing to do where it is not, or is another volume's."""
        transport, serial = self.transport(pool), str(found.item["serial"])
        match transport.look(pool.config, serial):
            case Absent():
                return
            case ForeignObject():
                if serial not in transport.all(pool.config):
                    return
            case Unknown(reason):
                raise Again(reason)
            case Present(facts):
                if facts.holders:
                    raise InUse(f"device busy: {facts.path} is held by {facts.holders}", "Stop what uses it.")
        if keeper is None:
            raise InUse(f"{found.name} has a device here.", "Remove the device first.")
        transport.remove(pool.config, serial, keeper)
        if not isinstance(transport.look(pool.config, serial), Absent):
            raise Again(f"The device of {found.name} is still here.")
