"""The data of directory volumes as subvolumes: copied in one act, limited by their quota group, removed in one act."""

import errno

from holdfast.drivers.contract import Access, Making, PoolRef
from holdfast.drivers.dir.looking import DATA
from holdfast.drivers.dir.trees import Trees
from holdfast.host import mounttable
from holdfast.host.host import Host
from holdfast.model.errors import Again, Refused
from holdfast.model.resources import Taken

# The inode number of a subvolume's root, and of nothing else on a btrfs (BTRFS_FIRST_FREE_OBJECTID).
_ROOT = 256


class Subvolumes(Trees):
    """A plain directory, as `dir` makes it, serves too, and is copied file by file; so is what has subvolumes in it."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._runtime = host.runtime

    def make(self, pool: PoolRef, fd: int, size: int) -> None:
        """A subvolume."""
        self._runtime.effect("volume.make-subvolume", lambda: self._kernel.make_subvolume(fd, DATA))
        self.resize(pool, fd, size)

    def copy(
        self, pool: PoolRef, fd: int, access: Access, size: int, used: bool, making: Making, *, begun: bool
    ) -> Taken | None:
        """All at one moment, and at once."""
        if begun or not self._is_whole(access.fd):
            return super().copy(pool, fd, access, size, used, making, begun=begun)

        def call() -> None:
            self._kernel.snapshot_subvolume(access.fd, fd, DATA)
            if not self._is_whole(access.fd):
                raise Again("A subvolume was made in it meanwhile, which a snapshot of it does not hold.")

        try:
            self._runtime.effect("volume.snapshot-subvolume", call)
        except OSError as error:
            if error.errno != errno.EXDEV:  # it is of another btrfs
                raise
            return super().copy(pool, fd, access, size, used, making, begun=False)
        self.resize(pool, fd, size)
        return "synced" if used else "idle"

    def _is_whole(self, tree: int) -> bool:
        """Whether the open directory is a subvolume with no other in it."""
        try:
            return self._kernel.fstat(tree).st_ino == _ROOT and not self._kernel.has_subvolumes(tree)
        except OSError as error:
            if error.errno != errno.ENOTTY:  # it is on no btrfs
                raise
            return False

    def resize(self, pool: PoolRef, fd: int, size: int) -> None:
        """By what the subvolume refers to, compressed as it may be."""
        if pool.config["quotas"] == "off" or not self._is_subvolume(fd):
            return
        data = self._files.open_directory(DATA, fd)
        try:
            self._runtime.effect("volume.limit", lambda: self._kernel.limit_subvolume(data, size))
            # No file's sync brings a limit to the disk, and the mark that comes next says that it is there.
            self._files.sync_all("volume.sync-limit", data)
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
            source = pool.config["source"]
            raise Refused(
                f"The quotas of the btrfs at {source} are off, so the size of a directory could not be enforced.",
                f"Turn them on: btrfs quota enable {source}; or do without, in a pool made with --set quotas=off.",
            ) from error
        finally:
            self._kernel.close(data)

    def discard(self, volumes: int, name: str) -> None:
        """In one act; where others are in it, or something is mounted, the removal by files sees to it."""
        try:
            fd = self._files.open_directory(name, volumes)
        except NotADirectoryError:
            return
        try:
            if self._is_subvolume(fd) and not mounttable.below(self._kernel.location(fd), kernel=self._kernel):
                self._remove(fd)
        finally:
            self._kernel.close(fd)

    def _remove(self, fd: int) -> None:
        try:
            self._runtime.effect("volume.remove-subvolume", lambda: self._kernel.remove_subvolume(fd, DATA))
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise

    def _is_subvolume(self, fd: int) -> bool:
        try:
            return self._kernel.stat(DATA, dir_fd=fd, follow_symlinks=False).st_ino == _ROOT
        except FileNotFoundError:
            return False
