"""The data of directory volumes: a directory, which is copied file by file."""

from holdfast.drivers.contract import Access, Making, PoolRef
from holdfast.drivers.dir.looking import DATA
from holdfast.host.host import Host
from holdfast.model.resources import Taken

# Of a whole tree; seconds.
_LONGEST = 6 * 3600.0


class Trees:
    """Each is `data` in a volume's open directory. Where the file system knows more, a driver has its own."""

    def __init__(self, host: Host) -> None:
        self._files = host.files
        self._kernel = host.kernel
        self._children = host.children

    def make(self, pool: PoolRef, fd: int, size: int) -> None:
        """An empty one, of so many bytes at the most where that can be."""
        del pool, size
        self._files.mkdir("volume.mkdir-data", fd, DATA, mode=0o755)

    def copy(
        self, pool: PoolRef, fd: int, access: Access, size: int, used: bool, making: Making, *, begun: bool
    ) -> Taken | None:
        """One that holds what the open tree holds, durably; how it was taken of one that is `used`.

        None if it only began, and is to be asked for again as `begun`: a crash does not lose what was copied then. What
        is mounted inside of the source is not copied: it is not the volume's.
        """
        if not begun:
            self.make(pool, fd, size)
            return None
        target = self._files.open_directory(DATA, fd)
        bare = self._kernel.clone_mount(access.fd)
        try:
            self._children.run(making.keeper, "copy-tree", {}, (bare, target), _LONGEST)
            self._files.sync_all("volume.sync-tree", target)
        finally:
            self._kernel.close(bare)
            self._kernel.close(target)
        return "live" if used else "idle"

    def resize(self, pool: PoolRef, fd: int, size: int) -> None:
        """Let it have so many bytes at the most, where that can be."""
        del pool, fd, size

    def discard(self, volumes: int, name: str) -> None:
        """Remove what can be removed faster than file by file; nothing is mounted there."""
        del volumes, name
