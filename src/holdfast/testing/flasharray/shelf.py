"""Where the simulated array keeps its volumes' bytes, and how it shows them to hosts: the fabric of transport `loop`.

A volume is a sparse file `volumes/SERIAL`. What a host sees is `hosts/INITIATOR/SERIAL`, a small file that names the
volume behind it: the same one, or (as after a reused LUN) another.
"""

import abc
import contextlib
import os

from holdfast.testing.sparse import copy_file

VOLUMES, HOSTS = "volumes", "hosts"


class Shelf(abc.ABC):
    """Bytes and exports, by serial."""

    @abc.abstractmethod
    def make(self, serial: str, size: int) -> None:
        """A volume of zeros."""

    @abc.abstractmethod
    def copy(self, source: str, serial: str) -> None:
        """A volume with the content of another; an existing one is replaced."""

    @abc.abstractmethod
    def resize(self, serial: str, size: int) -> None:
        """Longer, or cut."""

    @abc.abstractmethod
    def remove(self, serial: str) -> None:
        """Erased."""

    @abc.abstractmethod
    def used(self, serial: str) -> int:
        """Bytes that it takes; none once it is erased."""

    @abc.abstractmethod
    def export(self, initiator: str, serial: str, shown: str) -> None:
        """The host sees a device of `serial`; behind it is the volume `shown`."""

    @abc.abstractmethod
    def withdraw(self, initiator: str, serial: str) -> None:
        """The host sees it no more; nothing to do if it did not."""


class FileShelf(Shelf):
    """Below a directory."""

    def __init__(self, root: str) -> None:
        self._root = root
        for name in (VOLUMES, HOSTS):
            os.makedirs(os.path.join(root, name), exist_ok=True)

    def _path(self, serial: str) -> str:
        return os.path.join(self._root, VOLUMES, serial)

    def make(self, serial: str, size: int) -> None:
        """See `Shelf`."""
        with open(self._path(serial), "xb") as file:
            file.truncate(size)

    def copy(self, source: str, serial: str) -> None:
        """See `Shelf`. In place, for a device may be open on it."""
        target = self._path(serial)
        if not os.path.exists(target):
            copy_file(self._path(source), target)
            return
        copy_file(self._path(source), f"{target}.new")
        with open(f"{target}.new", "rb") as new, open(target, "r+b") as old:
            old.truncate(0)
            while part := new.read(1 << 20):
                old.write(part)
        os.unlink(f"{target}.new")

    def resize(self, serial: str, size: int) -> None:
        """See `Shelf`."""
        os.truncate(self._path(serial), size)

    def remove(self, serial: str) -> None:
        """See `Shelf`."""
        os.unlink(self._path(serial))

    def used(self, serial: str) -> int:
        """See `Shelf`."""
        try:
            return os.stat(self._path(serial)).st_blocks * 512
        except FileNotFoundError:  # a stale list tells of what is erased
            return 0

    def export(self, initiator: str, serial: str, shown: str) -> None:
        """See `Shelf`."""
        place = os.path.join(self._root, HOSTS, initiator)
        os.makedirs(place, exist_ok=True)
        new = os.path.join(place, f".{serial}")
        with open(new, "w") as file:
            file.write(shown)
        os.rename(new, os.path.join(place, serial))

    def withdraw(self, initiator: str, serial: str) -> None:
        """See `Shelf`."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self._root, HOSTS, initiator, serial))
