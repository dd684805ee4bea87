"""A process of the simulated machine: the table of its descriptors."""

import errno
import os
from collections.abc import Callable

from holdfast.host.kernel import Kernel
from holdfast.testing.simulation import filesystems
from holdfast.testing.simulation.machine import Machine, OpenFile
from holdfast.testing.simulation.mounting import Place, check_kind
from holdfast.testing.simulation.nodes import Node, fault

# Above any real descriptor of the process that simulates: a mix-up is an error, not a wrong file.
_FIRST = 1_000_000
_WRITES = os.O_WRONLY | os.O_RDWR
_UNKNOWN = os.O_TRUNC | os.O_APPEND | (os.O_TMPFILE & ~os.O_DIRECTORY)


class Process(Kernel):
    """`alive` raises in a dead process, before any effect; `wait` is its way to let time pass."""

    def __init__(self, machine: Machine, alive: Callable[[], None], wait: Callable[[float], None]) -> None:
        self.machine = machine
        self.alive = alive
        self._wait = wait
        self._files: dict[int, OpenFile] = {}
        self._next = _FIRST

    @property
    def descriptors(self) -> list[int]:
        """What is open."""
        return list(self._files)

    def node(self, fd: int) -> Node:
        """What is open, for the machine's tools."""
        return self.machine.content(self._open_file(fd).node)

    def give(self, fd: int, process: "Process") -> int:
        """The open file, to another process."""
        file = self._any(fd)
        file.users += 1
        return process._new(file)

    def exit(self) -> None:
        """The process ends: its descriptors are closed."""
        for fd in list(self._files):
            self._release(self._files.pop(fd))

    def close(self, fd: int, /) -> None:
        """See `Kernel`."""
        self._any(fd)
        self._release(self._files.pop(fd))

    def _release(self, file: OpenFile) -> None:
        file.users -= 1
        if file.users:
            return
        self.machine.release(file)
        if file.boot == self.machine.boot and self._is_detached(file) and not file.mount.held:
            filesystems.let_go(self.machine, file.mount)

    def _is_detached(self, file: OpenFile) -> bool:
        return file.mount.parent is None and file.mount is not self.machine.namespace.home

    def _new(self, file: OpenFile) -> int:
        self._next += 1
        self._files[self._next] = file
        return self._next

    def _any(self, fd: int) -> OpenFile:
        """What a descriptor is of, be it of a place alone."""
        self.alive()
        found = self._files.get(fd)
        if found is None:
            raise fault(errno.EBADF)
        return found

    def _open_file(self, fd: int) -> OpenFile:
        """The same for what needs more than a place."""
        file = self._any(fd)
        if file.is_place:
            raise fault(errno.EBADF)
        return file

    def _place(self, fd: int | None) -> Place | None:
        """Where names begin that are below an open directory."""
        if fd is None:
            return None
        file = self._any(fd)
        return file.mount, file.node

    def _open(self, place: Place, flags: int, path: str) -> int:
        """Open what was found or made."""
        if flags & _UNKNOWN:
            raise NotImplementedError(f"open(2) with the flags {flags:o} is not modelled")
        check_kind(place[1], flags, path)
        mount, node = place
        if mount.read_only and flags & _WRITES and node.kind != "block" and not flags & os.O_PATH:
            raise fault(errno.EROFS, path)
        return self._new(self.machine.open(mount, node, flags))
