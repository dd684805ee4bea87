"""The flasharray driver over a simulated array behind HTTPS, its devices real loop devices."""

import contextlib
import os
from collections.abc import Iterator

import msgspec

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.drivers.flasharray import names
from holdfast.drivers.flasharray.driver import FlashArrayDriver
from holdfast.host import signatures
from holdfast.host.children import Children
from holdfast.host.host import Host
from holdfast.runtime.api import Runtime
from holdfast.testing.conformance.connecting import DEAD_MEMBER, ConnectingHarness
from holdfast.testing.conformance.harness import OTHER_OWNER, OWNER, Kind
from holdfast.testing.flasharray.array import TOKEN, Array
from holdfast.testing.flasharray.model import Entry, Volume
from holdfast.testing.flasharray.server import ArrayServer

MIB = 1 << 20
KINDS = (Kind("block", None, MIB),)
TENANTS = b"a tenant's data"


def config(server: ArrayServer, driver: FlashArrayDriver, pod: str, **more: str) -> dict[str, str]:
    """Of a pool on that array."""
    token = os.path.join(server.root, "token")
    if not os.path.exists(token):
        with open(token, "w") as file:
            file.write(TOKEN + "\n")
    said = {
        "gateway": server.address, "pod": pod, "token": f"file:{token}", "ca_file": server.ca, "transport": "loop",
        "fabric": server.root, "eradicate": "after_delete", "device_timeout": "1", "settle": "0", **more,
    }  # fmt: skip
    return driver.validate(said)


class FlashArrayHarness(ConnectingHarness):
    """Each pool is a pod of one array."""

    kinds = KINDS
    stages = False
    filesystems = {"ext4": 8 * MIB, "xfs": 304 * MIB}

    def __init__(self, server: ArrayServer, runtime: Runtime, children: Children) -> None:
        super().__init__()
        self.server = server
        self.runtime = runtime
        self._children = children
        self.driver = self.array_driver = FlashArrayDriver(Host(runtime, children, ()))
        self._serial = 0

    @property
    def array(self) -> Array:
        """Behind the driver's back."""
        return self.server.array

    def children(self) -> Children:
        """See there."""
        return self._children

    def pool(self) -> PoolRef:
        """A pod that is not made yet."""
        self._serial += 1
        return PoolRef(
            self.runtime.new_id(), OWNER, "flasharray", config(self.server, self.array_driver, f"pod{self._serial}")
        )

    @contextlib.contextmanager
    def hidden(self, pool: PoolRef) -> Iterator[None]:
        """Another array answers at the address, an empty one."""
        own = self.server.array
        state = own.state
        self.server.array = Array(state.shelf, state.now, state.later, state.ids)
        try:
            yield
        finally:
            self.server.array = own

    @contextlib.contextmanager
    def unreadable(self, pool: PoolRef) -> Iterator[None]:
        """Nobody answers."""
        self.array.weather.away = True
        try:
            yield
        finally:
            self.array.weather.away = False

    def descriptors(self) -> int:
        """But for sockets: the array's own are in this process too, and one to it is kept for the next request."""
        links = [os.path.join("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd")]
        return sum(os.path.lexists(link) and not os.readlink(link).startswith("socket:") for link in links)

    def said_of(self, making: object) -> str:
        """Tags are written after the volume was made."""
        return ""

    def accessed(self, kind: Kind) -> str:
        """Always."""
        return "device"

    def length(self, fd: int) -> int:
        """Of the device."""
        return signatures.size_of(fd)

    def put_stranger(self, pool: PoolRef) -> str:
        """A volume of somebody's."""
        state, pod = self.array.state, pool.config["pod"]
        if pod not in state.pods:
            self._ask("POST", "pods", {"names": pod}, {})
            self._ask("PATCH", "container-default-protections", {"names": pod}, {"default_protections": []})
        name = f"{pod}::thesis"
        self._ask("POST", "volumes", {"names": name}, {"provisioned": MIB})
        self._poke(state.volumes[name], 0)
        return name

    def _ask(self, method: str, path: str, query: dict[str, str], body: object) -> None:
        self.array._act(method, path, query, body)

    def _file(self, volume: Volume) -> str:
        return os.path.join(self.server.root, "volumes", volume.serial)

    def _poke(self, volume: Volume, at: int) -> None:
        """Write what a tenant does, behind the driver's back."""
        with open(self._file(volume), "r+b") as file:
            file.seek(at)
            file.write(TENANTS)

    def _peek(self, volume: Volume, at: int) -> bytes:
        with open(self._file(volume), "rb") as file:
            file.seek(at)
            return file.read(len(TENANTS))

    def has_stranger(self, pool: PoolRef, what: str) -> bool:
        """The volume, undestroyed."""
        found = self.array.state.volumes.get(what)
        if found is None or found.destroyed_at is not None:
            return False
        return self._peek(found, 0) == TENANTS

    def _on_array(self, pool: PoolRef, volume: VolumeRef) -> Volume:
        return self.array.state.volumes[names.volume(pool.config["pod"], pool.owner, volume.uid)]

    def usurp(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Another owner in the tags."""
        found = self._on_array(pool, volume)
        found.tags = {**found.tags, ("holdfast", "owner"): (OTHER_OWNER, False)}

    def damage(self, pool: PoolRef, volume: VolumeRef) -> None:
        """A tag is missing."""
        found = self._on_array(pool, volume)
        found.tags = {key: value for key, value in found.tags.items() if key[1] != "operation"}

    def lose(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Another volume has its name and its tags."""
        found = self._on_array(pool, volume)
        self.array.state.volumes[found.name] = msgspec.structs.replace(found, id=self.array.state.ids())

    def remains(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """Destroyed or not."""
        return names.volume(pool.config["pod"], pool.owner, volume.uid) in self.array.state.volumes

    def write(self, pool: PoolRef, volume: VolumeRef) -> None:
        """In the middle."""
        self._poke(self._on_array(pool, volume), volume.size // 2)

    def reads_back(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """There."""
        return self._peek(self._on_array(pool, volume), volume.size // 2) == TENANTS

    @contextlib.contextmanager
    def in_use(self, pool: PoolRef, volume: VolumeRef) -> Iterator[None]:
        """Its device is here, and somebody has it."""
        with self.reachable(pool, volume) as known:
            found = self.driver.look_device(pool, known)
            with self.holding(found.facts.path):  # type: ignore[union-attr]  # it is there
                yield

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Each arrow is a round anyway."""
        yield

    @contextlib.contextmanager
    def holding(self, path: str) -> Iterator[None]:
        """As a mount does."""
        fd = os.open(path, os.O_RDONLY | os.O_EXCL)
        try:
            yield
        finally:
            os.close(fd)

    def _connect(self, host: str, pool: PoolRef, volume: VolumeRef) -> str:
        self.array.state.hosts.setdefault(host, Entry(self.array.state.ids(), host, [f"iqn.{host}"]))
        self.array.state.connections[host, self._on_array(pool, volume).name] = 7
        return host

    def connect_stranger(self, pool: PoolRef, volume: VolumeRef) -> str:
        """A host of another system's."""
        return self._connect("esx-17", pool, volume)

    def connect_dead(self, pool: PoolRef, volume: VolumeRef) -> str:
        """A host of ours."""
        return self._connect(names.host(pool.owner, DEAD_MEMBER), pool, volume)

    @contextlib.contextmanager
    def wrong_device(self) -> Iterator[None]:
        """See there."""
        self.array.weather.wrong_device = True
        try:
            yield
        finally:
            self.array.weather.wrong_device = False

    @contextlib.contextmanager
    def no_device(self) -> Iterator[None]:
        """See there."""
        self.array.weather.device_after = None
        try:
            yield
        finally:
            self.array.weather.device_after = 0.0

    def requests(self) -> int:
        """By its log."""
        return self.array.count()
