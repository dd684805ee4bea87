"""The pool's root: opened for each verb, proven by the mark read on that very descriptor."""

import contextlib
from collections.abc import Iterator

import msgspec

from holdfast.drivers.contract import PoolRef
from holdfast.drivers.dir.marks import FORMAT, POOL_MARK, VOLUMES, PoolMark
from holdfast.host.files import Files
from holdfast.host.kernel import Kernel
from holdfast.model.errors import Again, Foreign


class NotMarked(Again):
    """The root bears no mark: perhaps its disk is not mounted."""


class Root:
    """Opens the roots of dir pools."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.kernel = files.kernel

    @contextlib.contextmanager
    def unproven(self, pool: PoolRef) -> Iterator[int]:
        """The directory, whatever it is; raises Again if it cannot be opened."""
        source = pool.config["source"]
        try:
            fd = self._files.open_directory(source)
        except OSError as error:
            raise Again(
                f"The pool's directory {source} cannot be opened: {error.strerror}.", "Is its disk there and mounted?"
            ) from error
        try:
            yield fd
        finally:
            self.kernel.close(fd)

    @contextlib.contextmanager
    def recorded(self, pool: PoolRef) -> Iterator[int]:
        """The very directory of `pool.identity` (any, if that is empty), also below what was mounted there since.

        Only for taking back what was begun there: what is covered serves nobody. Raises Again if it is not to be seen.
        """
        with self.unproven(pool) as fd:
            seen = fd if pool.identity in ({}, identity_of(fd, self.kernel)) else None
            if seen is not None:
                yield seen
                return
        covered = self._beneath(pool)
        if covered is None:
            raise Again(
                f"{pool.config['source']} is another directory than the one that this began in.",
                "Mount what was mounted there then, or unmount what was not.",
            )
        try:
            yield covered
        finally:
            self.kernel.close(covered)

    def _beneath(self, pool: PoolRef) -> int | None:
        """The directory below the mounts at the pool's place, if it is the recorded one."""
        source, table = pool.config["source"], self.kernel.mounts()
        by_id = {mount.id: mount for mount in table}
        for cover in table:
            below = by_id.get(cover.parent)
            if cover.path != source or below is None or below.path == source:
                continue
            top = self._files.open_directory(below.path)
            try:
                if self.kernel.statx(top).mount != below.id:
                    continue  # it is covered itself
                bare = self.kernel.clone_mount(top)
            finally:
                self.kernel.close(top)
            try:
                fd = self._files.open_directory(source.removeprefix(below.path).lstrip("/"), bare)
            finally:
                self.kernel.close(bare)
            if identity_of(fd, self.kernel, below.fs) == pool.identity:
                return fd
            self.kernel.close(fd)
        return None

    @contextlib.contextmanager
    def proven(self, pool: PoolRef) -> Iterator[int]:
        """The root that proved to be this pool's; raises NotMarked, Foreign or Again."""
        with self.unproven(pool) as fd:
            self.mark(fd, pool)
            yield fd

    @contextlib.contextmanager
    def volumes(self, pool: PoolRef) -> Iterator[int]:
        """The proven root's `volumes` directory."""
        with self.proven(pool) as root:
            fd = self._files.open_directory(VOLUMES, root)
            try:
                yield fd
            finally:
                self.kernel.close(fd)

    def mark(self, fd: int, pool: PoolRef) -> PoolMark:
        """The mark of an open root; raises NotMarked, Foreign (another pool's, another owner's) or Again."""
        source = pool.config["source"]
        mark = self.any_mark(fd, source)
        if (mark.pool, mark.owner) != (pool.uid, pool.owner):
            raise Foreign(f"{source} holds the pool {mark.pool} of owner {mark.owner}, not this one.")
        return mark

    def any_mark(self, fd: int, source: str) -> PoolMark:
        """The same, whosever it is."""
        try:
            raw = self._files.read_text(fd, POOL_MARK)
            mark = msgspec.json.decode(raw, type=PoolMark)
        except FileNotFoundError:
            raise NotMarked(
                f"{source} bears no {POOL_MARK}, so nothing in it is believed.", "Is its disk mounted there?"
            ) from None
        except (OSError, ValueError) as error:
            raise Again(f"{source}/{POOL_MARK} cannot be read: {error}") from error
        if mark.format != FORMAT:
            raise Foreign(f"{source} has format {mark.format}; this Holdfast knows {FORMAT}.")
        return mark


# Their statvfs(3) id is made from the file system's uuid. (XFS makes it from the device number, which changes.)
_ID_BY_UUID = frozenset({"ext4", "btrfs"})


def identity_of(fd: int, kernel: Kernel, fs: str = "") -> dict[str, str]:
    """The directory's own identity: inode and birth time do not change while it lives, mounted wherever.

    The roots of two disks formatted in the same second share both, so the file system's own id is added. `fs` is its
    kind, where the mount of `fd` is in no table.
    """
    info = kernel.statx(fd)
    found = {"inode": str(info.inode), "born": str(info.born_ns)}
    kind = fs or next((mount.fs for mount in kernel.mounts() if mount.id == info.mount), "")
    if kind in _ID_BY_UUID:
        found["fs"] = f"{kernel.fstatvfs(fd).f_fsid:x}"
    return found
