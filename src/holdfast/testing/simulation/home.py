"""The state directory of the simulation: a lock and a reserve over the disk that the records are on."""

from collections.abc import Callable

from holdfast.model.errors import DatabaseDamaged
from holdfast.records.statedir import RESERVE
from holdfast.testing.power.disk import Disk

PATH = "/state"
DATABASE = "holdfast.db"


class RecordsDisk(Disk):
    """The disk of the records. `refused` counts what did not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.refused = 0

    def take(self, size: int) -> None:
        """See `Disk.take`."""
        try:
            super().take(size)
        except OSError:
            self.refused += 1
            raise


class SimulatedHome:
    """See `Home`. `replaced` says why the directory is not the daemon's any more."""

    def __init__(self, disk: Disk, alive: Callable[[], None]) -> None:
        self.path = PATH
        self.database = DATABASE
        self.replaced = ""
        self._disk = disk
        self._alive = alive

    def check_database(self) -> None:
        """See `Home`."""
        made = self._disk.find("made")
        if made is not None and self._disk.find(DATABASE) is None:
            raise DatabaseDamaged("The database is gone, though there was one.")

    def watch_database(self) -> None:
        """See `Home`."""
        if self._disk.find("made") is None:
            self._disk.create("made")

    def lost(self) -> str:
        """See `Home`."""
        self._alive()
        return self.replaced

    @property
    def has_reserve(self) -> bool:
        """See `Home`."""
        file = self._disk.find("reserve")
        return file is not None and len(file.data) >= RESERVE

    def make_reserve(self) -> bool:
        """See `Home`."""
        self._alive()
        if self.has_reserve:
            return True
        if self._disk.room is not None:
            return False
        self._disk.create("reserve").truncate(RESERVE)
        return True

    def release_reserve(self) -> bool:
        """See `Home`."""
        self._alive()
        if not self.has_reserve:
            return False
        self._disk.delete("reserve")
        return True

    def close(self) -> None:
        """See `Home`."""
