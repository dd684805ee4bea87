"""What a driver teaches besides, whose volumes must be connected to a member before they are seen there.

The array's side and this machine's side have verbs of their own: the one may be away while the other is not. How a
connected volume comes to be seen here is a `Transport`'s to know. See docs/drivers.md.
"""

import abc

import msgspec

from holdfast.drivers.contract import Driver, Observation, PoolRef, VolumeRef
from holdfast.host.children import Keeper


class ConnectionFacts(msgspec.Struct, frozen=True):
    """One connection as the back end lists it. `host` is its own name of the host entry."""

    host: str
    ours: bool
    member: str = ""


class DeviceFacts(msgspec.Struct, frozen=True):
    """The volume's device on this member, which proved to be it. `holders` says who has it, or is empty."""

    path: str
    holders: str = ""


class Connecting(Driver):
    """A connection is made before its device is waited for, and cut only after the device is gone.

    The entry of a host is shared by operations: none of them undoes it.
    """

    @abc.abstractmethod
    def device_timeout(self, pool: PoolRef) -> float:
        """Seconds that a connected volume's device may take to appear."""

    @abc.abstractmethod
    def look_host(self, pool: PoolRef, member: str) -> Observation[str]:
        """The name of this machine's entry, whoever made it; ForeignObject if the one under our name is another's."""

    @abc.abstractmethod
    def make_host(self, pool: PoolRef, member: str) -> None:
        """Make the entry of this machine, as `member`'s."""

    @abc.abstractmethod
    def hosts(self, pool: PoolRef) -> dict[str, tuple[str, int]]:
        """All entries that are ours: member and number of connections, of any pool, by name. Raises Again."""

    @abc.abstractmethod
    def remove_host(self, pool: PoolRef, name: str) -> None:
        """Remove an entry of ours. Raises InUse while it has connections."""

    @abc.abstractmethod
    def connections(self, pool: PoolRef, volume: VolumeRef) -> Observation[tuple[ConnectionFacts, ...]]:
        """Every host's, the dead ones' and strangers' too; Absent if the volume is not there."""

    @abc.abstractmethod
    def all_connections(self, pool: PoolRef) -> dict[str, tuple[ConnectionFacts, ...]]:
        """Of all volumes of ours, by uid, in few requests. Raises Again."""

    @abc.abstractmethod
    def connect(self, pool: PoolRef, volume: VolumeRef, member: str) -> None:
        """Connect the volume to this machine."""

    @abc.abstractmethod
    def disconnect(self, pool: PoolRef, volume: VolumeRef, host: str) -> None:
        """Cut the volume's connection to a host; nothing to do if there is none."""

    @abc.abstractmethod
    def look_device(self, pool: PoolRef, volume: VolumeRef) -> Observation[DeviceFacts]:
        """The device that carries the volume's serial, asked of this machine alone."""

    @abc.abstractmethod
    def devices(self, pool: PoolRef) -> dict[str, str]:
        """The paths of all devices of this fabric on this machine, by serial. Raises Again or OSError."""

    @abc.abstractmethod
    def find_device(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> None:
        """Let this machine look for the connected volume's device, and for its size."""

    @abc.abstractmethod
    def remove_device(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> None:
        """Flush the device and remove it. Raises Again, naming who holds it, while it is busy."""

    @abc.abstractmethod
    def formatted(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Note beside the volume that it bears its file system: from now on it is whole."""
