"""SQLite on a `Disk`: an apsw VFS in memory, for one connection at a time with exclusive locking.

`SqliteRecords(runtime, path, vfs=vfs.name)` works on it unchanged: with `locking_mode=EXCLUSIVE` SQLite keeps the
index of its write-ahead log on the heap, so no shared memory is needed. Syncs are those of SQLite's own os_unix.c:
xSync syncs the file, and after the first sync of a new journal or log the directory; xDelete syncs the directory only
when it is asked to.

What a callback raises comes out of the statement as it is, a simulated kill too; also where SQLite itself goes on, as
after a checkpoint that failed behind a commit that did not. So a full disk is met by the log alone: what a
checkpoint copies into the database always fits. Whoever lets `Disk.alive` raise other errors has to mind the same.
"""
# ruff: noqa: D102, N802 - the methods and what they mean are SQLite's, see https://sqlite.org/c3ref/io_methods.html

import itertools

import apsw

from holdfast.testing.power.disk import Disk
from holdfast.testing.power.file import File

# What os_unix.c says of an ordinary disk on Linux.
CHARACTERISTICS = apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE | apsw.SQLITE_IOCAP_SUBPAGE_READ
SECTOR = 4096
_JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
_serial = itertools.count(1)


class Handle:
    """One open file, as apsw calls it. `disk` is where it is, None for an unnamed one, which no sync concerns."""

    __slots__ = ("_directory", "_file", "_fits")

    def __init__(self, file: File, disk: Disk | None, flags: int) -> None:
        self._file = file
        self._fits = bool(flags & apsw.SQLITE_OPEN_MAIN_DB)
        # os_unix.c: whatever is opened as a journal, and may be made by it, counts as new.
        made = flags & apsw.SQLITE_OPEN_CREATE and flags & _JOURNALS
        self._directory = disk if made else None

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._file.data[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        try:
            self._file.write(data, offset, fits=self._fits)
        except OSError as error:
            raise apsw.FullError(str(error)) from error

    def xTruncate(self, size: int) -> None:
        self._file.truncate(size)

    def xSync(self, _flags: int) -> None:
        self._file.sync()
        if self._directory is not None:
            self._directory.sync_directory()
            self._directory = None

    def xFileSize(self) -> int:
        return len(self._file.data)

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, _op: int, _pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        return CHARACTERISTICS

    def xClose(self) -> None:
        pass


class MemoryVfs(apsw.VFS):
    """One process's view of a disk, under a name of its own.

    After `Disk.kill` or `Disk.crash` it is a dead process's: its connections can be closed, quietly and without any
    effect. The next process makes another one. (`Disk.alive` ends what still runs; a connection that is dropped
    before the disk knows of the death would tell of it through sys.unraisablehook.)
    """

    handle = Handle

    def __init__(self, disk: Disk) -> None:
        self.name = f"holdfast-memory-{next(_serial)}"
        self._disk = disk
        self._life = disk.life
        super().__init__(self.name, "")

    def close(self) -> None:
        """Unregister: nothing more is opened by this name."""
        self.unregister()

    def _reached(self) -> Disk:
        return self._disk if self._disk.life == self._life else Disk()

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> Handle:  # type: ignore[override]  # see apsw: any object with its methods
        """A named file; or an unnamed one, which is nowhere."""
        flags[1] = flags[0]
        if name is None:
            return self.handle(File(Disk(), 0), None, 0)
        path = name if isinstance(name, str) else name.filename()
        disk = self._reached()
        file = disk.find(path)
        if file is None:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(path)
            file = disk.create(path)
        return self.handle(file, disk, flags[0])

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Take the name away."""
        disk = self._reached()
        try:
            disk.delete(filename)
        except KeyError:
            error = apsw.IOError(filename)
            error.extendedresult = apsw.SQLITE_IOERR_DELETE_NOENT  # type: ignore[attr-defined]  # apsw's stub lacks it
            raise error from None
        if syncdir:
            disk.sync_directory()

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: ARG002 - whoever may see a file may use it
        """os_unix.c: an empty file does not exist."""
        file = self._reached().find(pathname)
        return file is not None and bool(file.data)

    def xFullPathname(self, name: str) -> str:
        """Names are what they are."""
        return name
