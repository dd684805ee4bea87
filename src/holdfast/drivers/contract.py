"""What a kind of pool teaches Holdfast. Read this at one sitting; docs/drivers.md explains it against arrays and Ceph.

Every verb has its look, and the look decides. A look answers Unknown for whatever it cannot prove: a failed
read, a place that does not prove its identity, an answer that may be old. Acts raise Refused (permanent) or
Again (not now); what else they raise counts as Again. Acts are repeated after crashes, so each begins from what
it finds. A driver holds nothing between calls.
"""

import abc
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple

import msgspec

from holdfast.host.changed import Changes
from holdfast.host.children import Keeper
from holdfast.host.usage import Usage
from holdfast.model.errors import Refused
from holdfast.model.observations import Absent, ForeignObject, Observation, Present, Unknown
from holdfast.model.resources import Content, FileSystem, Taken


class Info(msgspec.Struct, frozen=True):
    """What a driver can do. `settle` is how long, in seconds, a change may take to be seen by a look.

    `resize` says whether volumes can grow, and directories shrink; `snapshots`, whether there are any.
    """

    contents: frozenset[Content]
    settle: float = 0.0
    resize: bool = False
    snapshots: bool = False
    groups: bool = False


class PoolRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which pool: `identity` is what `look_pool` saw at its creation, empty before that."""

    uid: str
    owner: str
    driver: str
    config: dict[str, str]
    identity: dict[str, str] = {}


class VolumeRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which volume, and how it shall be. `size` in bytes; `fs_uuid` was chosen before anything was made.

    `identity` is the back end's own of the object, as seen when it was made; empty before, and where it has none. `of`
    is the uid of the volume whose snapshot it is: every verb that takes a volume takes a snapshot too. `group` is the
    id of what it was taken with at one moment.
    """

    uid: str
    name: str
    size: int
    content: Content
    fs: FileSystem | None = None
    fs_uuid: str | None = None
    identity: dict[str, str] = {}
    of: str = ""
    group: str = ""


class FoundPool(msgspec.Struct, frozen=True):
    """A pool that nobody here knows, as its own mark tells."""

    uid: str
    owner: str
    counter: int


class PoolFacts(msgspec.Struct, frozen=True):
    """A pool that proved its identity. `counter` was written by the last daemon that used it."""

    identity: dict[str, str]
    counter: int


class VolumeFacts(msgspec.Struct, frozen=True):
    """A volume that proved to be ours. `tidy` is False while a half-made change of its mark lies beside it.

    `blank` says that it was made, and is still to be formatted; so only a volume that must be connected first can be.
    `of`, `taken` and `group` are a snapshot's: whose it is, in which state it was taken, and with which others.
    """

    name: str
    size: int
    content: Content
    fs: FileSystem | None
    fs_uuid: str | None
    operation: str
    tidy: bool = True
    blank: bool = False
    identity: dict[str, str] = {}
    of: str = ""
    taken: Taken | None = None
    group: str = ""


class Capacity(msgspec.Struct, frozen=True):
    """Bytes of the place itself, as it says now."""

    total: int
    free: int


class Making(msgspec.Struct, frozen=True):
    """Who makes: the operation and its attempt name what is unfinished; the keeper journals children."""

    operation: str
    attempt: int
    keeper: Keeper


class Item(msgspec.Struct, frozen=True):
    """One entry of an inventory. `kept` is removed, and is erased by the back end in its own time, see `note`.

    What it keeps whole of that, or of what is `removing`, is `recoverable`: with its name, its size in bytes, and the
    volume that a snapshot is `of`.
    """

    kind: Literal["volume", "unfinished", "removing", "kept", "foreign"]
    uid: str
    where: str
    operation: str = ""
    note: str = ""
    recoverable: bool = False
    name: str = ""
    size: int = 0
    of: str = ""


class Access(msgspec.Struct, frozen=True):
    """What can be mounted, on an open descriptor: a directory, an image that wants a loop device, or a device."""

    kind: Literal["tree", "image", "device"]
    fd: int


class Origin(NamedTuple):
    """Another pool that is copied from, and its driver."""

    driver: "Driver"
    pool: PoolRef


class Driver(abc.ABC):
    """A kind of pool. All methods may be called from many threads at once."""

    info: Info

    def settle(self, pool: PoolRef) -> float:
        """As `info` says, unless the pool's own configuration does."""
        return self.info.settle

    # -- pools -----------------------------------------------------------------------------------

    @abc.abstractmethod
    def validate(self, config: dict[str, str]) -> dict[str, str]:
        """The configuration in canonical form; raise Invalid that says which option is wrong and why."""

    def limits(self, config: dict[str, str]) -> bool:
        """Whether a directory can take no more than its size; else that is advisory."""
        return False

    @abc.abstractmethod
    def place(self, config: dict[str, str]) -> str:
        """The canonical path or address that no other pool may share, contain or be inside of."""

    @abc.abstractmethod
    def identity(self, pool: PoolRef) -> dict[str, str]:
        """The place's own identity, independent of what we write there; raises OSError or Again."""

    @abc.abstractmethod
    def look_pool(self, pool: PoolRef) -> Observation[PoolFacts]:
        """Absent only where the place proves that it is the recorded one and bears no mark."""

    @abc.abstractmethod
    def make_pool(self, pool: PoolRef, making: Making) -> None:
        """Mark the empty place as this pool; the mark comes last. Raises Foreign if it is not empty.

        Where `pool.identity` is given, no other place is touched: raises Refused.
        """

    @abc.abstractmethod
    def unmade_pool(self, pool: PoolRef, making: Making) -> Observation[str]:
        """Whether anything of that making is left in the place of `pool.identity`: Absent, or Present with what.

        Unknown while that very place cannot be seen, whatever else is seen where it was.
        """

    @abc.abstractmethod
    def unmake_pool(self, pool: PoolRef, making: Making) -> None:
        """Remove what that making left there, and nothing else. Raises InUse if the pool is in use by now."""

    @abc.abstractmethod
    def remove_pool(self, pool: PoolRef) -> None:
        """Remove the mark of an empty pool. Raises InUse if anything else is there."""

    @abc.abstractmethod
    def persist_pool(self, pool: PoolRef) -> None:
        """Make durable what look_pool and unmade_pool see in the place of `pool.identity`."""

    @abc.abstractmethod
    def stamp(self, pool: PoolRef, counter: int) -> None:
        """Write the database's counter into the mark."""

    def find_pool(self, config: dict[str, str]) -> FoundPool:
        """Which pool is there, whoever's; raises NotFound without a mark, Refused where pools cannot be imported."""
        raise Refused("Pools of this driver cannot be imported.")

    def objects(self, pool: PoolRef) -> Iterator[tuple[str, VolumeFacts]]:
        """By uid all volumes and snapshots that are whole and prove to be the pool's owner's. Raises as `inventory`."""
        raise Refused(f"Pools of the driver {pool.driver} cannot be imported.")

    def take_over(self, pool: PoolRef, owner: str) -> bool:
        """Let all that is `pool.owner`'s in the pool be `owner`'s, the pool itself last; False after a round."""
        raise Refused(f"Pools of the driver {pool.driver} cannot be taken over.")

    @abc.abstractmethod
    def capacity(self, pool: PoolRef) -> Capacity:
        """Room, from the place itself; raises Again if it does not prove its identity."""

    @abc.abstractmethod
    def inventory(self, pool: PoolRef) -> Iterator[Item]:
        """All there is, with its owner; raises Again if the place does not prove its identity."""

    @abc.abstractmethod
    def discard(self, pool: PoolRef, item: Item) -> bool:
        """Remove an unfinished or half-removed object of the inventory, and nothing else; False after a round."""

    def recover(self, pool: PoolRef, uid: str) -> None:
        """Bring back what the inventory shows as recoverable, and nothing else; a repetition does no harm.

        Asked for also where a look, which may be old, shows it as there. Raises Again once it is erased.
        """
        raise Refused(f"The driver {pool.driver} keeps nothing of what was removed.")

    def bury(self, pool: PoolRef, uid: str) -> bool:
        """The undo of `recover`: removed as before, and not erased; False after a round. Raises InUse."""
        raise Refused(f"The driver {pool.driver} keeps nothing of what was removed.")

    # -- volumes ---------------------------------------------------------------------------------

    @abc.abstractmethod
    def look_volume(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """Present only when whole: made, formatted if it shall be, and marked."""

    def look_volumes(self, pool: PoolRef, volumes: Sequence[VolumeRef]) -> dict[str, Observation[VolumeFacts]]:
        """`look_volume` of many, each by its uid; a back end that is asked over a network answers in few requests."""
        return {volume.uid: self.look_volume(pool, volume) for volume in volumes}

    @abc.abstractmethod
    def make_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> None:
        """Make, format and mark in one act, under a temporary name, published at the end; discards earlier attempts."""

    def copy_volume(
        self, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making, progress: str,
        origin: Origin | None = None,
    ) -> str | None:  # fmt: skip
        """Make `volume` as a copy of what `source` holds at one moment, marked and published as `make_volume` does.

        `source` is in the same pool, or in that of `origin`. A snapshot if `volume.of` says so; whatever else it is, it
        gets the file system uuid of its own. A round at a time: returns the `progress` to be given next, or None at its
        end. Raises Refused.
        """
        raise Refused(f"The driver {pool.driver} cannot copy volumes.")

    def take_group(self, pool: PoolRef, pairs: tuple[tuple[VolumeRef, VolumeRef], ...], making: Making) -> None:
        """Make of each pair's source its snapshot, all of one moment, marked and published as `make_volume` does.

        What an earlier attempt of the operation left or published goes first. Only where `info.groups` says so. Raises
        Refused where they cannot be at one moment, Again if somebody else holds one of them frozen.
        """
        raise Refused(f"The driver {pool.driver} takes no snapshots of several volumes at one moment.")

    def changed(
        self, pool: PoolRef, older: VolumeRef, newer: VolumeRef, at: int = 0
    ) -> AbstractContextManager[Changes]:
        """What of `newer` is not as in `older`, from byte `at` on; each a snapshot of one volume, or the volume itself.

        Raises InUse if somebody writes to either, Refused where it cannot be told, else as `access`.
        """
        raise Refused(f"The driver {pool.driver} cannot tell what changed.")

    def let_go(
        self, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making, origin: Origin | None = None
    ) -> None:
        """End whatever a `copy_volume` that was interrupted holds of its source: nobody who writes to it waits now.

        Asked before an undo discards the copy.
        """
        return

    def stage_restore(
        self, pool: PoolRef, volume: VolumeRef, snapshot: VolumeRef, making: Making, progress: str
    ) -> str | None:
        """Make, beside the volume, what it shall be: as `volume` says, with what its `snapshot` holds. Raises Refused.

        A round at a time, as `copy_volume`. Not asked where volumes must be connected: there `swap_restore` is all.
        """
        raise Refused(f"The driver {pool.driver} cannot restore volumes.")

    def look_staged(self, pool: PoolRef, volume: VolumeRef, operation: str) -> Observation[VolumeFacts]:
        """What the operation staged: Present only when whole."""
        return Absent()

    def swap_restore(self, pool: PoolRef, volume: VolumeRef, snapshot: VolumeRef, operation: str) -> None:
        """Let the volume be what was staged, in one act; from then on it bears that operation. Raises InUse.

        Where nothing is staged, what the `snapshot` holds; a repetition does no harm.
        """
        raise Refused(f"The driver {pool.driver} cannot restore volumes.")

    def persist_staged(self, pool: PoolRef, volume: VolumeRef, operation: str) -> None:
        """Make durable what `look_staged` sees."""
        return

    def left_of_restore(self, pool: PoolRef, volume: VolumeRef, operation: str) -> Observation[str]:
        """Whether anything is left beside the volume: what was staged for it, or what it was before."""
        return Absent()

    def discard_restore(self, pool: PoolRef, volume: VolumeRef, operation: str) -> bool:
        """Discard what is left beside the volume; False after a round, when more is left."""
        return True

    @abc.abstractmethod
    def unmade_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> Observation[str]:
        """Whether anything of the operation's making is left: Absent, or Present with what."""

    @abc.abstractmethod
    def unmake_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> bool:
        """Discard what this operation made, published or not; False after a round, when more is left. Raises Kept."""

    @abc.abstractmethod
    def in_use(self, pool: PoolRef, volume: VolumeRef) -> str:
        """Who uses it on this member, as the kernel says now (mounts, loop devices), or an empty text."""

    @abc.abstractmethod
    def removed_volume(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """As look_volume, but Absent only when nothing of a removal under way is left either."""

    @abc.abstractmethod
    def remove_volume(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> bool:
        """Remove a volume that proved to be ours; False after a round, when more is left. Raises InUse, or Kept."""

    @abc.abstractmethod
    def rename_volume(self, pool: PoolRef, volume: VolumeRef, name: str) -> None:
        """Write the new human name beside the volume."""

    def resize_volume(self, pool: PoolRef, volume: VolumeRef, size: int) -> None:
        """Let it grow to `size` bytes; the file system in it stays as it is. Directories can shrink. Raises Refused."""
        raise Refused(f"The driver {pool.driver} cannot resize volumes.")

    @abc.abstractmethod
    def persist_volume(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Make durable what look_volume sees, presence and absence alike."""

    # -- access on this member -------------------------------------------------------------------

    @abc.abstractmethod
    def access(self, pool: PoolRef, volume: VolumeRef) -> AbstractContextManager[Access]:
        """What can be mounted of a volume that proves to be ours; raises Again, Foreign or Damaged."""

    @abc.abstractmethod
    def usage(self, pool: PoolRef, volume: VolumeRef, until: Callable[[], bool]) -> Usage:
        """What the volume takes of its pool, looked at until `until()` is true; raises as `access` does."""


__all__ = [
    "Absent", "Access", "Capacity", "Changes", "Driver", "ForeignObject", "FoundPool", "Info", "Item", "Making",
    "Observation", "Origin", "PoolFacts", "PoolRef", "Present", "Unknown", "Usage", "VolumeFacts", "VolumeRef",
]  # fmt: skip
