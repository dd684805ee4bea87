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
from holdfast.model.errors import Again, Foreign, InUse, Refused
from holdfast.runtime.api import Runtime

# What a new ext4 has of its own.
_NATIVE = frozenset({"lost+found"})


def _unfinished(pool: PoolRef, operation: str) -> str:
    return f".{POOL_MARK}.{pool.owner}.{operation}"


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
        temporary = _unfinished(pool, making.operation)
        with self._root.unproven(pool) as fd:
            if pool.identity and identity_of(fd, self._files.kernel) != pool.identity:
                raise Refused(
                    f"{pool.config['source']} is another directory than when this began: "
                    "something was mounted or unmounted there.",
                    "See that the right disk is mounted, and create the pool again.",
                )
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

    def unmade(self, pool: PoolRef, operation: str) -> Observation[str]:
        """See `Driver.unmade_pool`. `volumes` is ours only beside a mark of ours."""
        try:
            with self._root.recorded(pool) as fd:
                left = self._marks(fd, pool, operation)
            return Present(left[-1]) if left else Absent()
        except Again as error:
            return Unknown(error.detail)
        except OSError as error:
            return Unknown(f"{pool.config['source']}: {error.strerror}")

    def _marks(self, fd: int, pool: PoolRef, operation: str) -> list[str]:
        """The names of those of our marks that are there, the pool's last; a stranger's mark is none."""
        found = [name for name in (_unfinished(pool, operation),) if self._files.exists(fd, name)]
        try:
            self._root.mark(fd, pool)
        except (NotMarked, Foreign):
            return found
        return [f".{POOL_MARK}.new", *found, POOL_MARK]

    def unmake(self, pool: PoolRef, operation: str) -> None:
        """Nothing that others put there is in its way, and none of it is touched."""
        with self._turn, self._root.recorded(pool) as fd:
            marks = self._marks(fd, pool, operation)
            if POOL_MARK in marks or (marks and not self._files.exists(fd, POOL_MARK)):
                self._remove_volumes(fd, pool)
            self._unlink(fd, marks)

    def remove(self, pool: PoolRef) -> None:
        """Remove `volumes`, then the mark; only where nothing else is."""
        with self._turn, self._root.unproven(pool) as fd:
            if self._files.exists(fd, POOL_MARK):
                self._root.mark(fd, pool)
            own = {POOL_MARK, f".{POOL_MARK}.new", VOLUMES}
            others = set(self._files.kernel.listdir(fd)) - _NATIVE - own
            if others:
                raise InUse(f"{pool.config['source']} holds unknown objects: {', '.join(sorted(others)[:5])}.")
            self._remove_volumes(fd, pool)
            self._unlink(fd, [f".{POOL_MARK}.new", POOL_MARK])

    def _remove_volumes(self, fd: int, pool: PoolRef) -> None:
        if self._files.exists(fd, VOLUMES) and self._filled(fd):
            raise InUse(f"{pool.config['source']}/{VOLUMES} is not empty.", "`holdfast audit` tells what is there.")
        self._files.rmdir("pool.rmdir", fd, VOLUMES)

    def _unlink(self, fd: int, marks: list[str]) -> None:
        for mark in marks:
            if mark == POOL_MARK:
                self._files.unlink("pool.unlink-mark", fd, mark)
            elif mark == f".{POOL_MARK}.new":
                self._files.unlink("pool.unlink-new", fd, mark)
            else:
                self._files.unlink("pool.unlink-temporary", fd, mark)

    def persist(self, pool: PoolRef) -> None:
        """Sync the directory."""
        with self._root.recorded(pool) as fd:
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
                # No claim keeps others off the pool meanwhile: its place may be forgotten, and another's by now.
                self._files.replace("pool.stamp", fd, POOL_MARK, encode(new), still=lambda: self._root.mark(fd, pool))

    def capacity(self, pool: PoolRef) -> Capacity:
        """What statvfs says of the proven root."""
        with self._root.proven(pool) as fd:
            info = self._files.kernel.fstatvfs(fd)
            return Capacity(info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize)
