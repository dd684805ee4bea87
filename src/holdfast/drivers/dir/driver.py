"""The `dir` driver: the contract's verbs, each in the file of its noun."""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from holdfast.drivers.contract import (
    Access,
    Capacity,
    Changes,
    Driver,
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
from holdfast.drivers.dir.changing import Changing
from holdfast.drivers.dir.copies import Copies
from holdfast.drivers.dir.grouping import Groups
from holdfast.drivers.dir.importing import Imports
from holdfast.drivers.dir.inventory import inventory
from holdfast.drivers.dir.looking import Looking
from holdfast.drivers.dir.making import Makes
from holdfast.drivers.dir.marks import POOL_MARK
from holdfast.drivers.dir.pools import Pools
from holdfast.drivers.dir.restoring import Restores
from holdfast.drivers.dir.root import Root, identity_of
from holdfast.drivers.dir.trees import Trees
from holdfast.host import mounttable
from holdfast.host.children import Keeper
from holdfast.host.host import Host
from holdfast.host.mountpoints import canonical
from holdfast.model.errors import Invalid


class DirDriver(Driver):
    """Directories on a local file system."""

    info = Info(contents=frozenset({"directory", "filesystem", "block"}), resize=True, snapshots=True, groups=True)

    name = "dir"
    options = frozenset({"source"})

    def __init__(self, host: Host, trees: Trees | None = None) -> None:
        trees = trees or Trees(host)
        self._host = host
        self._root = Root(host.files)
        self._pools = Pools(host.runtime, host.files, self._root)
        self._looking = Looking(host.files, self._root)
        self._changing = Changing(host, self._root, self._looking, trees)
        self._makes = Makes(host, self._root, self._looking, self._changing, trees)
        self._copies = Copies(host, self._root, self._looking, self._makes, trees)
        self._groups = Groups(host, self._root, self._looking, self._makes, self._copies)
        self._imports = Imports(host, self._root, self._looking)
        self._restores = Restores(host, self._root, self._looking, self._changing, self._copies)

    def validate(self, config: dict[str, str]) -> dict[str, str]:
        """One option: `source`, an existing directory outside of the daemon's own ones."""
        unknown = sorted(set(config) - self.options)
        if unknown or not config.get("source"):
            wrong = f"does not know {ascii(unknown[0])}" if unknown else "needs `source`"
            known = ", ".join(sorted(self.options))
            raise Invalid(f"The {self.name} driver {wrong}.", f"It knows: {known}; as in --set source=/srv/pool.")
        source = canonical(config["source"], self._host.kernel)
        try:
            info = self._host.kernel.stat(source, follow_symlinks=False)
        except OSError as error:
            raise Invalid(
                f"The pool's directory {source} cannot be used: {error.strerror}.", f"Make it first: mkdir -p {source}"
            ) from error
        if not stat.S_ISDIR(info.st_mode):
            raise Invalid(f"{source} is not a directory.")
        self._check_above(source)
        for own in self._host.private:
            if mounttable.is_under(source, own) or mounttable.is_under(own, source):
                raise Invalid(f"{source} and {own}, the daemon's own directory, lie inside each other.")
        return {"source": source}

    def _check_above(self, source: str) -> None:
        """A pool that lies in another's directory, recorded or not, would be a stranger's object there."""
        above = os.path.dirname(source)
        while above != "/":
            with contextlib.suppress(OSError):
                self._host.kernel.stat(f"{above}/{POOL_MARK}", follow_symlinks=False)
                raise Invalid(f"{source} lies inside of the pool at {above}.", "Choose a directory outside of it.")
            above = os.path.dirname(above)

    def place(self, config: dict[str, str]) -> str:
        """The directory."""
        return config["source"]

    def identity(self, pool: PoolRef) -> dict[str, str]:
        """Inode and birth time of the directory."""
        with self._root.unproven(pool) as fd:
            return identity_of(fd, self._host.kernel)

    def look_pool(self, pool: PoolRef) -> Observation[PoolFacts]:
        """By the mark."""
        return self._pools.look(pool)

    def make_pool(self, pool: PoolRef, making: Making) -> None:
        """Write the mark."""
        self._pools.make(pool, making)

    def unmade_pool(self, pool: PoolRef, making: Making) -> Observation[str]:
        """By the marks, the unfinished one too, also below what was mounted there since."""
        return self._pools.unmade(pool, making.operation)

    def unmake_pool(self, pool: PoolRef, making: Making) -> None:
        """Remove `volumes` and the marks."""
        self._pools.unmake(pool, making.operation)

    def remove_pool(self, pool: PoolRef) -> None:
        """Remove `volumes` and the mark."""
        self._pools.remove(pool)

    def persist_pool(self, pool: PoolRef) -> None:
        """Sync the root."""
        self._pools.persist(pool)

    def stamp(self, pool: PoolRef, counter: int) -> None:
        """Rewrite the mark."""
        self._pools.stamp(pool, counter)

    def find_pool(self, config: dict[str, str]) -> FoundPool:
        """By the mark."""
        return self._imports.find(config)

    def objects(self, pool: PoolRef) -> Iterator[tuple[str, VolumeFacts]]:
        """By their marks."""
        return self._imports.objects(pool)

    def take_over(self, pool: PoolRef, owner: str) -> bool:
        """Mark by mark, and name by name of what is unfinished."""
        return self._imports.take_over(pool, owner)

    def capacity(self, pool: PoolRef) -> Capacity:
        """By statvfs."""
        return self._pools.capacity(pool)

    def inventory(self, pool: PoolRef) -> Iterator[Item]:
        """By listing."""
        return inventory(self._root, pool)

    def discard(self, pool: PoolRef, item: Item) -> bool:
        """By its name, which proves the owner."""
        return self._changing.discard_item(pool, item)

    def look_volume(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """By the mark beside the data."""
        return self._looking.look(pool, volume)

    def make_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> None:
        """Temporary name, then one rename."""
        self._makes.make(pool, volume, making)

    def copy_volume(
        self, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making, progress: str,
        origin: Origin | None = None,
    ) -> str | None:  # fmt: skip
        """By shared blocks, or else in rounds."""
        return self._copies.copy(pool, source, volume, making, progress, origin)

    def take_group(self, pool: PoolRef, pairs: tuple[tuple[VolumeRef, VolumeRef], ...], making: Making) -> None:
        """All frozen together."""
        self._groups.take(pool, pairs, making)

    def let_go(
        self, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making, origin: Origin | None = None
    ) -> None:
        """Thaw it, if the copy may have left it frozen."""
        self._copies.let_go(pool, source, volume, making, origin)

    def stage_restore(
        self, pool: PoolRef, volume: VolumeRef, snapshot: VolumeRef, making: Making, progress: str
    ) -> str | None:
        """Beside the volume."""
        return self._restores.stage(pool, volume, snapshot, making, progress)

    def look_staged(self, pool: PoolRef, volume: VolumeRef, operation: str) -> Observation[VolumeFacts]:
        """By its mark."""
        return self._restores.look(pool, volume, operation)

    def swap_restore(self, pool: PoolRef, volume: VolumeRef, snapshot: VolumeRef, operation: str) -> None:
        """By one exchange of names."""
        self._restores.swap(pool, volume, operation)

    def persist_staged(self, pool: PoolRef, volume: VolumeRef, operation: str) -> None:
        """Sync what bears its name."""
        self._restores.persist(pool, volume, operation)

    def left_of_restore(self, pool: PoolRef, volume: VolumeRef, operation: str) -> Observation[str]:
        """By its name."""
        return self._restores.left(pool, volume, operation)

    def discard_restore(self, pool: PoolRef, volume: VolumeRef, operation: str) -> bool:
        """A round at a time."""
        return self._restores.discard(pool, volume, operation)

    def unmade_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> Observation[str]:
        """By the names the making uses."""
        return self._makes.unmade(pool, volume, making)

    def unmake_volume(self, pool: PoolRef, volume: VolumeRef, making: Making) -> bool:
        """Discard each."""
        return self._makes.unmake(pool, volume, making)

    def in_use(self, pool: PoolRef, volume: VolumeRef) -> str:
        """By the mount table and the loop devices."""
        return self._looking.in_use(pool, volume)

    def removed_volume(self, pool: PoolRef, volume: VolumeRef) -> Observation[VolumeFacts]:
        """By both names a removal uses."""
        return self._changing.removed(pool, volume)

    def remove_volume(self, pool: PoolRef, volume: VolumeRef, keeper: Keeper) -> bool:
        """One rename, then a mount-safe removal in rounds."""
        return self._changing.remove(pool, volume)

    def rename_volume(self, pool: PoolRef, volume: VolumeRef, name: str) -> None:
        """Rewrite the mark."""
        self._changing.rename(pool, volume, name)

    def resize_volume(self, pool: PoolRef, volume: VolumeRef, size: int) -> None:
        """Mark, disk, mark."""
        self._changing.resize(pool, volume, size)

    def persist_volume(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Sync files and directories."""
        self._changing.persist(pool, volume)

    def access(self, pool: PoolRef, volume: VolumeRef) -> AbstractContextManager[Access]:
        """`data`, or `disk.raw`."""
        return self._looking.access(pool, volume)

    def changed(
        self, pool: PoolRef, older: VolumeRef, newer: VolumeRef, at: int = 0
    ) -> AbstractContextManager[Changes]:
        """Of `disk.raw`; a directory's files are not compared."""
        return self._looking.changed(pool, older, newer, at)

    def usage(self, pool: PoolRef, volume: VolumeRef, until: Callable[[], bool]) -> Usage:
        """Of `data`, or of `disk.raw`, as the file system below the pool counts."""
        return self._looking.usage(pool, volume, until)
