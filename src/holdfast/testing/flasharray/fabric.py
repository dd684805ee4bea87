"""The transport `loop`: what the simulated array shows to a host, as loop devices. For tests and drills.

`find` attaches a loop device to the file behind what this host is shown, or takes its size anew, as a scan does with
a disk; `remove` detaches it. The device stays when the array shows the volume no more, as a disk does. Its serial is
its file's name.
"""

import os

from holdfast.drivers.connecting import DeviceFacts
from holdfast.drivers.contract import Absent, ForeignObject, Observation, Present, Unknown
from holdfast.drivers.transports.contract import Options, Targets, Transport
from holdfast.host import loops
from holdfast.host.children import Keeper
from holdfast.host.facts import Loop
from holdfast.host.host import Host
from holdfast.model.errors import Again, Foreign, InUse, Invalid
from holdfast.testing.flasharray.shelf import HOSTS, VOLUMES

# Seconds for an attach or a detach.
DEADLINE = 60.0
_INITIATOR = "iqn.2026-01.net.holdfast:loop"


class LoopFabric(Transport):
    """`fabric` is the simulated array's directory, `initiator` what this host is called there."""

    initiators_are = "iqns"
    options = frozenset({"fabric", "initiator"})

    def __init__(self, host: Host) -> None:
        self._host = host
        self._kernel = host.kernel

    def validate(self, options: Options) -> Options:
        """`fabric` is needed."""
        if not options.get("fabric", "").startswith("/"):
            raise Invalid("The transport loop needs `fabric`, the absolute path of a simulated array's directory.")
        return {"initiator": _INITIATOR, **options}

    def initiators(self, options: Options) -> tuple[str, ...]:
        """One."""
        return (options["initiator"],)

    def _shown(self, options: Options, serial: str) -> str:
        """The serial of the volume that is behind what this host is shown; empty if it is shown nothing."""
        fabric = self._host.files.open_directory(options["fabric"])
        try:
            raw = self._host.files.read_text(fabric, f"{HOSTS}/{options['initiator']}/{serial}")
        except FileNotFoundError:
            return ""
        finally:
            self._kernel.close(fabric)
        return raw.decode()

    def _here(self, options: Options) -> dict[str, Loop]:
        place = os.path.join(options["fabric"], VOLUMES)
        found = [(loop, *os.path.split(loop.file.removesuffix(" (deleted)"))) for loop in loops.attached(self._kernel)]
        return {serial: loop for loop, directory, serial in found if directory == place}

    def all(self, options: Options) -> dict[str, str]:
        """See `Transport.all`."""
        return {serial: loop.path for serial, loop in self._here(options).items()}

    def _attached(self, options: Options, serial: str) -> Loop | None:
        return self._here(options).get(serial)

    def look(self, options: Options, serial: str) -> Observation[DeviceFacts]:
        """See `Transport.look`."""
        try:
            found = self._attached(options, serial)
            if found is not None:
                return Present(DeviceFacts(found.path, self._holders(found)))
            shown = self._shown(options, serial)
        except (OSError, ValueError) as error:
            return Unknown(f"the fabric cannot be read: {error}")
        if shown not in ("", serial):
            return ForeignObject(f"where the device of {serial} was to be is one with the serial {shown}")
        return Absent()

    def _holders(self, loop: Loop) -> str:
        mounts = [mount.path for mount in self._kernel.mounts() if mount.device == (loops.MAJOR, loop.number)]
        if mounts:
            return f"the mount at {mounts[0]}"
        return "an open file" if loops.is_claimed(loop, self._kernel) else ""

    def open(self, options: Options, serial: str) -> int:
        """See `Transport.open`."""
        match self.look(options, serial):
            case Present(facts):
                pass
            case Absent():
                raise Again(f"The device of the volume with the serial {serial} is not here.")
            case ForeignObject(evidence):
                raise Foreign(evidence)
            case Unknown(reason):
                raise Again(reason)
        fd = self._kernel.open(facts.path, os.O_RDWR | os.O_CLOEXEC)
        loop = self._kernel.loop_status(fd)
        if loop is None or os.path.basename(loop.file) != serial:
            self._kernel.close(fd)
            raise Again("The device changed hands while it was opened.")
        return fd

    def find(self, options: Options, serial: str, targets: Targets, keeper: Keeper) -> None:  # noqa: ARG002 - the contract's
        """See `Transport.find`."""
        if self._shown(options, serial) == serial:
            work = "loop-attach" if self._attached(options, serial) is None else "loop-resize"
            self._work(work, options, serial, keeper)

    def remove(self, options: Options, serial: str, keeper: Keeper) -> None:
        """See `Transport.remove`."""
        found = self._attached(options, serial)
        if found is None:
            return
        holders = self._holders(found)
        if holders:
            raise Again(f"device busy: {found.path} is held by {holders}")
        try:
            self._work("loop-detach", options, serial, keeper)
        except InUse as error:
            raise Again(f"device busy: {error.detail}", error.hint) from error

    def _work(self, work: str, options: Options, serial: str, keeper: Keeper) -> None:
        image = self._kernel.open(os.path.join(options["fabric"], VOLUMES, serial), os.O_RDWR | os.O_CLOEXEC)
        try:
            self._host.children.run(keeper, work, {"read_only": False}, (image,), DEADLINE)
        finally:
            self._kernel.close(image)
