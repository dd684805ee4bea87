"""The calls of loop devices."""

import errno
import os

from holdfast.host.facts import Loop
from holdfast.testing.simulation.machine import SECTOR, LoopState, OpenFile
from holdfast.testing.simulation.nodes import fault
from holdfast.testing.simulation.process import Process


class Devices(Process):
    """See `Kernel`."""

    def loop_numbers(self) -> list[int]:
        """See `Kernel`."""
        self.alive()
        return sorted(self.machine.loops, key=str)

    def loop_free(self) -> int:
        """See `Kernel`."""
        self.alive()
        return self.machine.free()

    def _device(self, fd: int) -> OpenFile:
        file = self._open_file(fd)
        if file.node.kind != "block":
            raise fault(errno.ENOTTY)
        return file

    def loop_status(self, fd: int) -> Loop | None:
        """See `Kernel`."""
        return self.machine.loop(self._device(fd).node.number)

    def loop_configure(self, fd: int, image: int, *, autoclear: bool, read_only: bool) -> None:
        """See `Kernel`: it is read-only also where the image or the device was opened for reading."""
        device, file = self._device(fd), self._open_file(image)
        number = device.node.number
        if number in self.machine.loops or (self.machine.users_of(number).alone and not device.flags & os.O_EXCL):
            raise fault(errno.EBUSY)
        if file.node.kind != "file":
            raise fault(errno.EINVAL)
        place = file.mount, file.node
        self.machine.loops[number] = LoopState(
            image=file.node, seen_at=lambda: self.machine.namespace.location(place), autoclear=autoclear,
            read_only=read_only or not (file.writable and device.writable), size=file.node.size // SECTOR * SECTOR,
        )  # fmt: skip

    def _attached(self, fd: int) -> tuple[int, LoopState]:
        number = self._device(fd).node.number
        state = self.machine.loops.get(number)
        if state is None:
            raise fault(errno.ENXIO)
        return number, state

    def loop_keep(self, fd: int) -> None:
        """See `Kernel`."""
        self._attached(fd)[1].autoclear = False

    def loop_resize(self, fd: int) -> None:
        """See `Kernel`."""
        state = self._attached(fd)[1]
        state.size = state.image.size // SECTOR * SECTOR

    def loop_clear(self, fd: int) -> None:
        """See `Kernel`: whoever is its only user sees it go at once."""
        number, state = self._attached(fd)
        if self.machine.users_of(number).all == 1:
            del self.machine.loops[number]
        else:
            state.autoclear = True
