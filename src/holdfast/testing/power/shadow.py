"""SQLite on real files, as ever, while a recording `Disk` learns of every write and sync."""
# ruff: noqa: N802 - SQLite's names

import os

import apsw

from holdfast.testing.power.disk import Disk
from holdfast.testing.power.vfs import Handle


class _Shadowed(apsw.VFSFile):
    """A real file, and what it does done again on the disk once it succeeded."""

    def __init__(self, name: str | apsw.URIFilename, flags: list[int], shadow: Handle) -> None:
        super().__init__("unix", name, flags)
        self._shadow = shadow

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        self._shadow.xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._shadow.xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._shadow.xSync(flags)


class ShadowVfs(apsw.VFS):
    """The default VFS of this process until closed: for code that opens its database itself.

    Files that were there before it are unknown to the disk; begin with none.
    """

    def __init__(self, disk: Disk, name: str = "holdfast-shadow") -> None:
        self._disk = disk
        super().__init__(name, "unix", makedefault=True)

    def close(self) -> None:
        """The system's own VFS is the default again."""
        self.unregister()

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        """The real file, and its shadow unless it is unnamed."""
        if name is None:
            return apsw.VFSFile("unix", name, flags)
        path = os.path.realpath(name if isinstance(name, str) else name.filename())
        shadow = Handle(self._disk.find(path) or self._disk.create(path), self._disk, flags[0])
        return _Shadowed(name, flags, shadow)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Of both."""
        super().xDelete(filename, syncdir)
        self._disk.delete(os.path.realpath(filename))
        if syncdir:
            self._disk.sync_directory()
