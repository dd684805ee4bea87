"""The `flasharray` driver: the contract's verbs, each in the file of its noun."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from holdfast.drivers.connecting import Connecting, ConnectionFacts, DeviceFacts
from holdfast.drivers.contract import (
    Access,
    Capacity,
    FoundPool,
    Info,
    Item,
    Making,
    Observation,
    Origin,
    PoolFacts,
    PoolRef,
    Usage,
    VolumeFacts,
    VolumeRef,
)
from holdfast.drivers.flasharray import options
from holdfast.drivers.flasharray.copying import Copies
from holdfast.drivers.flasharray.devices import Devices
from holdfast.drivers.flasharray.hosts import Hosts
from holdfast.drivers.flasharray.importing import Imports
from holdfast.drivers.flasharray.inventory import Inventory
from holdfast.drivers.flasharray.options import Options
from holdfast.drivers.flasharray.pools import Pools
from holdfast.drivers.flasharray.seeing import Seeing
from holdfast.drivers.flasharray.session import Session
from holdfast.drivers.flasharray.volumes import Volumes
from holdfast.drivers.flasharray.wire import HttpsWire, Wire
from holdfast.drivers.transports.contract import Transports
from holdfast.host.children import Keeper
from holdfast.host.host import Host
from holdfast.model.errors import Refused

_Key = tuple[str, str, str]


class FlashArrayDriver(Connecting):
    """`wire` and `transports` are the seams of tests."""

    info = Info(contents=frozenset({"filesystem", "block"}), settle=30.0, resize=True, snapshots=True)

    def __init__(
        self, host: Host, wire: Callable[[Options], Wire] | None = None, transports: Transports | None = None
    ) -> None:
        self._runtime = host.runtime
        self._wire = wire or (lambda found: HttpsWire(host.runtime, found.gateway, found.ca_file))
        self._transports = transports or Transports.installed(host)
        self._turn = host.runtime.condition()
        self._sessions: dict[_Key, Session] = {}
        self._seeing = Seeing(self.session)
        self._pools = Pools(self._seeing)
        self._hosts = Hosts(self._seeing)
        self._devices = Devices(self._seeing, self._transports, host.kernel)
        self._volumes = Volumes(self._seeing, self._hosts, self._devices)
        self._inventory = Inventory(self._seeing, self._volumes)
        self._imports = Imports(self._seeing)
        self._copies = Copies(host, self._seeing, self._devices, self._volumes)

    def session(self, found: Options) -> Session:
        """The one to that array with that token."""
        key = (found.gateway, found.token, found.ca_file)
        with self._turn:
            if key not in self._sessions:
                self._sessions[key] = Session(self._runtime, self._wire(found), found.gateway, found.token)
            return self._sessions[key]

    def close(self) -> None:
        """Let go of what is kept between calls."""
        with self._turn:
            for session in self._sessions.values():
                session.close()

    def settle(self, pool: PoolRef) -> float:
        """The pool's own."""
        return options.read(pool.config).settle

    # -- pools -----------------------------------------------------------------------------------

    def validate(self, config: dict[str, str]) -> dict[str, str]:
        """Without asking anybody."""
        return options.validate(config, self._transports)

    def place(self, config: dict[str, str]) -> str:
        """Gateway and pod."""
        return f"flasharray:{config['gateway']}/{config['pod']}"

    def identity(self, pool: PoolRef) -> dict[str, str]:
        """Ids of array and pod."""
        return self._pools.identity(pool)

    def look_pool(self, pool: PoolRef) -> Observation[PoolFacts]:
        """By the mark."""
        return self._pools.look(pool)

    def make_pool(self, pool: PoolRef, making: Making) -> None:
        """A pod and its mark."""
        self._pools.make(pool, making)

    def unmade_pool(self, pool: PoolRef, making: Making) -> Observation[str]:
        """A pod that was not there before, and holds nothing but our mark."""
        return self._pools.unmade(pool, making)

    def unmake_pool(self, pool: PoolRef, making: Making) -> None:
        """Destroy it."""
        self._pools.unmake(pool, making)

    def remove_pool(self, pool: PoolRef) -> None:
        """Destroy mark and pod."""
        self._pools.remove(pool)

    def persist_pool(self, pool: PoolRef) -> None:
        """An array acknowledges only what is durable."""

    def stamp(self, pool: PoolRef, counter: int) -> None:
        """Rename the mark."""
        self._pools.stamp(pool, counter)

    def capacity(self, pool: PoolRef) -> Capacity:
        """Of the pod's quota, or of the array."""
        return self._pools.capacity(pool)

    def inventory(self, pool: PoolRef) -> Iterator[Item]:
        """By listing."""
        return self._inventory.items(pool)

    def discard(self, pool: PoolRef, item: Item) -> bool:
        """By its name and tags."""
        return self._inventory.discard(pool, item)

    def find_pool(self, config: dict[str, str]) -> FoundPool:
        """By its mark and tags."""
        return self._imports.find(config)

    def take_over(self, pool: PoolRef, owner: str) -> bool:
        """By names and tags."""
        return self._imports.take_over(pool, owner)

    def recover(self, pool: PoolRef, uid: str) -> None:
        """By its name and tags."""
        self._inventory.recover(pool, uid)

    def bury(self, pool: PoolRef, uid: str) -> bool:
        """The arrows to destroyed."""
        return self._inventory.bury(pool, uid)

    def objects(self, pool: PoolRef) -> Iterator[tuple[str, VolumeFacts]]:
        """By listing."""
        return self._inventory.objects(pool)

    # -- volumes ---------------------------------------------------------------------------------

    def look_volume(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """By mark, name, id and tags."""
        return self._volumes.look(pool, volume)

    def look_volumes(self, pool: PoolRef, volumes: Sequence[VolumeRef]) -> dict[str, Observation[VolumeFacts]]:
        """From one listing."""
        return self._volumes.look_all(pool, volumes)

    def make_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> None:
        """The volume, then its tags."""
        self._volumes.make(pool, volume, making, {"provisioned": volume.size})

    def copy_volume(
        self, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making, progress: str,
        origin: Origin | None = None,
    ) -> str | None:  # fmt: skip
        """By one request; settled where it is connected."""
        if origin is not None:
            raise Refused("Nothing is copied into an array from elsewhere.")
        self._copies.copy(pool, source, volume, making)
        return None

    def swap_restore(self, pool: PoolRef, volume: VolumeRef, snapshot: VolumeRef, operation: str) -> None:
        """By one request."""
        self._copies.restore(pool, volume, snapshot, operation)

    def unmade_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> Observation[str]:
        """By name and operation."""
        return self._volumes.unmade(pool, volume, making)

    def unmake_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> bool:
        """As it is removed."""
        return self._volumes.unmake(pool, volume, making)

    def in_use(self, pool: PoolRef, volume: VolumeRef) -> str:
        """By strangers' hosts, or here."""
        return self._volumes.in_use(pool, volume)

    def removed_volume(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """Whether it is destroyed, or erased."""
        return self._volumes.removed(pool, volume)

    def remove_volume(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> bool:
        """An arrow of its states at a time."""
        return self._volumes.remove(pool, volume, keeper)

    def rename_volume(self, pool: PoolRef, volume: VolumeRef, name: str) -> None:
        """Change a tag."""
        self._volumes.rename(pool, volume, name)

    def resize_volume(self, pool: PoolRef, volume: VolumeRef, size: int) -> None:
        """Grow."""
        self._volumes.resize(pool, volume, size)

    def persist_volume(self, pool: PoolRef, volume: VolumeRef) -> None:
        """An array acknowledges only what is durable; that it is there is asked all the same."""
        self._seeing.marked(pool)

    def access(self, pool: PoolRef, volume: VolumeRef) -> AbstractContextManager[Access]:
        """The device."""
        return self._devices.access(pool, volume)

    def usage(self, pool: PoolRef, volume: VolumeRef, until: Callable[[], bool]) -> Usage:
        """As the array counts."""
        return self._volumes.usage(pool, volume)

    # -- connections -----------------------------------------------------------------------------

    def device_timeout(self, pool: PoolRef) -> float:
        """The pool's own."""
        return options.read(pool.config).device_timeout

    def look_host(self, pool: PoolRef, member: str) -> Observation[str]:
        """By initiators."""
        return self._hosts.look(pool, member, self._devices.transport(pool))

    def make_host(self, pool: PoolRef, member: str) -> None:
        """Under the member's name."""
        self._hosts.make(pool, member, self._devices.transport(pool))

    def hosts(self, pool: PoolRef) -> dict[str, tuple[str, int]]:
        """By name."""
        return self._hosts.all(pool)

    def remove_host(self, pool: PoolRef, name: str) -> None:
        """If it is unused."""
        self._hosts.remove(pool, name)

    def connections(self, pool: PoolRef, volume: VolumeRef) -> Observation[tuple[ConnectionFacts, ...]]:
        """As the array lists them."""
        return self._hosts.connections(pool, volume)

    def all_connections(self, pool: PoolRef) -> dict[str, tuple[ConnectionFacts, ...]]:
        """In one list."""
        return self._hosts.of_all(pool)

    def connect(self, pool: PoolRef, volume: VolumeRef, member: str) -> None:
        """With its host entry."""
        self._hosts.connect(pool, volume, member, self._devices.transport(pool))

    def disconnect(self, pool: PoolRef, volume: VolumeRef, host: str) -> None:
        """One host's."""
        self._hosts.disconnect(pool, volume, host)

    def look_device(self, pool: PoolRef, volume: VolumeRef) -> Observation[DeviceFacts]:
        """By serial."""
        return self._devices.look(pool, volume)

    def devices(self, pool: PoolRef) -> dict[str, str]:
        """By the transport."""
        return self._devices.all(pool)

    def find_device(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> None:
        """By the transport."""
        self._devices.find(pool, volume, keeper)

    def remove_device(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> None:
        """By the transport."""
        self._devices.take(pool, volume, keeper)

    def formatted(self, pool: PoolRef, volume: VolumeRef) -> None:
        """By a tag."""
        self._volumes.formatted(pool, volume)
