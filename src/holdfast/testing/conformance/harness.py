"""What a driver's author provides so that the conformance suite can make, break and look behind the driver."""

import abc
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import msgspec

from holdfast.drivers.contract import Driver, Making, PoolRef, VolumeRef
from holdfast.host.signatures import Signature, probe
from holdfast.model.resources import Content, FileSystem
from holdfast.model.step import ChildIdentity
from holdfast.runtime.api import Runtime

OWNER = "0" * 31 + "1"
OTHER_OWNER = "0" * 31 + "2"


class Kind(msgspec.Struct, frozen=True):
    """A sort of volume that the suite makes: `size` in bytes."""

    content: Content
    fs: FileSystem | None
    size: int


class Broken(OSError):
    """Raised at a failpoint: the call it stands for failed, or its answer was lost."""

    def __init__(self, name: str) -> None:
        super().__init__(errno.EIO, f"failpoint {name}")


class Keeper:
    """Remembers the children that the driver started."""

    def __init__(self) -> None:
        self.alive: list[ChildIdentity] = []

    def child_started(self, child: ChildIdentity) -> None:
        """Note it."""
        self.alive.append(child)

    def child_ended(self, child: ChildIdentity) -> None:
        """Forget it."""
        self.alive.remove(child)


class Harness(abc.ABC):
    """One driver on one back end; every test gets a scratch pool of its own from `pool`."""

    driver: Driver
    runtime: Runtime
    kinds: tuple[Kind, ...]
    # Whether a restore is staged beside the volume; else its back end overwrites in one act.
    stages = True

    def __init__(self) -> None:
        self.keeper = Keeper()

    @abc.abstractmethod
    def pool(self) -> PoolRef:
        """A new, empty, unmarked place of owner OWNER; `identity` is empty."""

    @abc.abstractmethod
    def hidden(self, pool: PoolRef) -> AbstractContextManager[None]:
        """While this lasts the place does not prove its identity, and lists nothing: as an unmounted disk."""

    @abc.abstractmethod
    def unreadable(self, pool: PoolRef) -> AbstractContextManager[None]:
        """While this lasts the place's mark cannot be read."""

    @abc.abstractmethod
    def put_stranger(self, pool: PoolRef) -> str:
        """Put something into the place that is not ours; how it is found again."""

    @abc.abstractmethod
    def has_stranger(self, pool: PoolRef, what: str) -> bool:
        """Whether the stranger is there, unchanged."""

    @abc.abstractmethod
    def usurp(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Make the volume's mark OTHER_OWNER's."""

    @abc.abstractmethod
    def damage(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Make the volume's mark unreadable as one."""

    @abc.abstractmethod
    def lose(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Take the volume's data away and leave its mark."""

    @abc.abstractmethod
    def remains(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """Whether anything of the volume is on the back end, looked at behind the driver's back."""

    @abc.abstractmethod
    def write(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Put data into the volume, as a tenant does."""

    @abc.abstractmethod
    def reads_back(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """Whether that data is there."""

    @abc.abstractmethod
    def in_use(self, pool: PoolRef, volume: VolumeRef) -> AbstractContextManager[None]:
        """While this lasts the volume is used on this member, behind the driver's back."""

    @abc.abstractmethod
    def hurry(self) -> AbstractContextManager[None]:
        """While this lasts every round is over at once."""

    def said_of(self, making: Making) -> str:
        """What an object that was just begun tells of its operation: nothing, if its mark is a second request's."""
        return making.operation

    def reachable(self, _pool: PoolRef, volume: VolumeRef) -> AbstractContextManager[VolumeRef]:
        """While this lasts the volume can be accessed on this member; where it must be connected, it is."""
        return nullcontext(volume)

    def accessed(self, kind: Kind) -> str:
        """The kind of access to such a volume."""
        return "tree" if kind.content == "directory" else "image"

    def length(self, fd: int) -> int:
        """Bytes of an image or device that the driver opened."""
        return self.stat(fd).st_size

    def holds(self, fd: int) -> Signature:
        """What an image or device that the driver opened shows."""
        return probe(fd)

    def descriptors(self) -> int:
        """How many the driver's process has open."""
        return len(os.listdir("/proc/self/fd"))

    def stat(self, fd: int) -> os.stat_result:
        """Of a descriptor that the driver opened."""
        return os.fstat(fd)

    # -- what follows from these -------------------------------------------------------------

    def ready(self) -> PoolRef:
        """A made pool, with its identity."""
        pool = self.pool()
        self.driver.make_pool(pool, self.making())
        return msgspec.structs.replace(pool, identity=self.driver.identity(pool))

    def making(self, operation: str = "", attempt: int = 1) -> Making:
        """Who makes; a new operation unless given."""
        return Making(operation or self.runtime.new_id(), attempt, self.keeper)

    def volume(self, kind: Kind) -> VolumeRef:
        """A volume that is not made yet."""
        fs_uuid = self.runtime.new_id() if kind.fs else None
        return VolumeRef(self.runtime.new_id(), "data", kind.size, kind.content, kind.fs, fs_uuid)

    def made(self, pool: PoolRef, kind: Kind) -> VolumeRef:
        """A made volume."""
        volume = self.volume(kind)
        self.driver.make_volume(pool, volume, self.making())
        return volume

    def removed(self, pool: PoolRef, volume: VolumeRef) -> int:
        """Remove it wholly; how many rounds that took."""
        rounds = 1
        while not self.driver.remove_volume(pool, volume, self.keeper):
            rounds += 1
            assert rounds < 10_000, "the removal makes no progress"
        return rounds

    @contextmanager
    def broken_at(self, nth: int) -> Iterator[list[str]]:
        """Fail at the nth failpoint met; yields the names met, so that a count shorter than nth says: no more."""
        met: list[str] = []

        def hook(name: str) -> None:
            met.append(name)
            if len(met) == nth:
                raise Broken(name)

        self.runtime.hook = hook
        try:
            yield met
        finally:
            self.runtime.hook = None

    def each_failure(self, act: Callable[[int], None], check: Callable[[int, str], None]) -> int:
        """Run `act(n)` broken at its nth failpoint, then `check(n, failpoint)`, for every n; how many there were."""
        nth = 0
        while True:
            nth += 1
            with self.broken_at(nth) as met:
                try:
                    act(nth)
                except Exception:  # noqa: BLE001 - how it is told is the driver's; what is left is checked
                    assert len(met) >= nth, "it failed, but not at a failpoint of ours"
            if len(met) < nth:
                return nth - 1
            check(nth, met[nth - 1])
