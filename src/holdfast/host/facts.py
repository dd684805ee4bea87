"""What a kernel says of mounts, loop devices and files: plain data."""

import msgspec


class Mount(msgspec.Struct, frozen=True):
    """One line of the mount table. `root` is the path within the file system at `path`; `parent` the mount it is on.

    `flags` are the mount's own, by the names of mount(8); one that is `shared` tells its peers what is mounted below.
    """

    id: int
    device: tuple[int, int]
    root: str
    path: str
    read_only: bool
    fs: str
    source: str
    parent: int = 0
    flags: tuple[str, ...] = ()
    shared: bool = False


class Backing(msgspec.Struct, frozen=True):
    """A file's identity."""

    device: int
    inode: int


class Loop(msgspec.Struct, frozen=True):
    """An attached loop device. `path` is for use at once, never kept."""

    number: int
    backing: Backing
    autoclear: bool
    read_only: bool
    file: str

    @property
    def path(self) -> str:
        """Its node."""
        return f"/dev/loop{self.number}"


class Statx(msgspec.Struct, frozen=True):
    """What stat(2) does not tell: the mount's id and the birth time (0 where the file system has none)."""

    mount: int
    inode: int
    born_ns: int


class Extent(msgspec.Struct, frozen=True, gc=False):
    """Bytes of a file that lie together on its disk, from `start` on, at `place`.

    `exact` is False where the bytes at `place` are not simply the file's: encoded, inline, unaligned, or not written
    out yet. `zeros` are reserved and were never written. `shared` blocks are another's as well, or the file's again.
    """

    start: int
    length: int
    place: int
    exact: bool = True
    zeros: bool = False
    shared: bool = False

    @property
    def end(self) -> int:
        """The byte behind."""
        return self.start + self.length
