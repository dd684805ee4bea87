"""Verbs on the pool itself."""

import errno

from holdfast.drivers.contract import (
    Absent,
    Capacity,
    ForeignObject,
    Making,
    Observation,
    PoolFacts,
    PoolRef,
    Present,
    Unknown,
)
from holdfast.drivers.dir.marks import FORMAT, POOL_MARK, VOLUMES, PoolMark, encode
from holdfast.drivers.dir.root import NotMarked, Root, identity_of
from holdfast.host.files import Files
from holdfast.model.errors import Again, Foreign, InUse
from holdfast.runtime.api import Runtime

# What a new ext4 has of its own.
_NATIVE = frozenset({"lost+found"})


class Pools:
    """Look at, make, remove, stamp."""

    def __init__(self, runtime: Runtime, files: Files, root: Root) -> None:
        self._runtime = runtime
        self._files = files
        self._root = root
        # A stamp and a removal of one mark must not cross.
        self._turn = runtime.condition()

    def look(self, pool: PoolRef) -> Observation[PoolFacts]:
        """See `Driver.look_pool`. An unmarked place counts as Absent only if it is the very directory recorded."""
        try:
            with self._root.unproven(pool) as fd:
                identity = identity_of(fd, self._files.kernel)
                try:
                    mark = self._root.mark(fd, pool)
                except NotMarked as error:
                    if pool.identity == identity:
                        return Absent()
                    return Unknown(error.detail)
                return Present(PoolFacts(identity, mark.counter))
        except Foreign as error:
            return ForeignObject(error.detail)
        except Again as error:
            return Unknown(error.detail)
        except OSError as error:
            return Unknown(f"{pool.config['source']}: {error.strerror}")

    def make(self, pool: PoolRef, making: Making) -> None:
        """A temporary mark first, which proves that `volumes` is ours; the mark last and never over another one."""
        temporary = f".{POOL_MARK}.{pool.owner}.{making.operation}"
        with self._root.unproven(pool) as fd:
            if self._files.exists(fd, temporary):
                self._files.rmdir("pool.discard-volumes", fd, VOLUMES)
                self._files.unlink("pool.discard-mark", fd, temporary)
            others = set(self._files.kernel.listdir(fd)) - _NATIVE - {VOLUMES}
            if others or (self._files.exists(fd, VOLUMES) and self._filled(fd)):
                raise Foreign(f"{pool.config['source']} is not empty: {', '.join(sorted(others)[:5]) or VOLUMES}.")
            mark = PoolMark(FORMAT, pool.uid, pool.owner, 0)
            self._files.write("pool.write-mark", fd, temporary, encode(mark))
            if not self._files.exists(fd, VOLUMES):
                self._files.mkdir("pool.mkdir", fd, VOLUMES)
            self._files.rename_noreplace("pool.publish", fd, temporary, POOL_MARK)
            self._files.sync("pool.sync", fd)

    def _filled(self, fd: int) -> bool:
        volumes = self._files.open_directory(VOLUMES, fd)
        try:
            return bool(self._files.kernel.listdir(volumes))
        finally:
            self._files.kernel.close(volumes)

    def leftovers(self, pool: PoolRef, operation: str) -> list[str]:
        """What an undone making left in the unproven place; `volumes` is ours only beside a mark of ours."""
        temporary = f".{POOL_MARK}.{pool.owner}.{operation}"
        with self._root.unproven(pool) as fd:
            return [temporary] if self._files.exists(fd, temporary) else []

    def remove(self, pool: PoolRef, operation: str) -> None:
        """Remove `volumes`, then the mark; only where nothing else is."""
        temporary = f".{POOL_MARK}.{pool.owner}.{operation}"
        with self._turn, self._root.unproven(pool) as fd:
            if self._files.exists(fd, POOL_MARK):
                self._root.mark(fd, pool)
            own = {POOL_MARK, f".{POOL_MARK}.new", VOLUMES, temporary}
            others = set(self._files.kernel.listdir(fd)) - _NATIVE - own
            if others:
                raise InUse(f"{pool.config['source']} holds unknown objects: {', '.join(sorted(others)[:5])}.")
            if self._files.exists(fd, VOLUMES) and self._filled(fd):
                raise InUse(f"{pool.config['source']}/{VOLUMES} is not empty.", "`holdfast audit` tells what is there.")
            self._files.rmdir("pool.rmdir", fd, VOLUMES)
            self._files.unlink("pool.unlink-new", fd, f".{POOL_MARK}.new")
            self._files.unlink("pool.unlink-temporary", fd, temporary)
            self._files.unlink("pool.unlink-mark", fd, POOL_MARK)

    def persist(self, pool: PoolRef) -> None:
        """Sync the directory."""
        with self._root.unproven(pool) as fd:
            try:
                self._files.sync("pool.persist", fd)
            except OSError as error:
                if error.errno != errno.EINVAL:  # fsync(2): there is nothing to sync, as in /proc
                    raise

    def stamp(self, pool: PoolRef, counter: int) -> None:
        """Write the counter, unless it is there."""
        with self._turn, self._root.proven(pool) as fd:
            mark = self._root.mark(fd, pool)
            if mark.counter < counter:
                new = PoolMark(FORMAT, pool.uid, pool.owner, counter)
                self._files.replace("pool.stamp", fd, POOL_MARK, encode(new))

    def capacity(self, pool: PoolRef) -> Capacity:
        """What statvfs says of the proven root."""
        with self._root.proven(pool) as fd:
            info = self._files.kernel.fstatvfs(fd)
            return Capacity(info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize)
