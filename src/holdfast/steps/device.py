"""The device of a connected volume on this machine: waited for, formatted, and removed.

All of it asks this machine alone, so that a device is removed also while the back end is away.
"""

import abc
from typing import Any

from holdfast.drivers.connecting import Connecting, DeviceFacts
from holdfast.drivers.contract import VolumeFacts, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.host import formats
from holdfast.host.host import Host
from holdfast.host.signatures import size_of
from holdfast.model.errors import Foreign, Refused
from holdfast.model.observations import Absent, ForeignObject
from holdfast.model.resources import FileSystem
from holdfast.model.step import Conflict, Context, Done, Round, Todo, Verdict
from holdfast.steps.arrival import bring, is_here
from holdfast.steps.connection import was_there
from holdfast.steps.looks import Placed, Stays, verdict
from holdfast.steps.volume import known

# Seconds between two looks for a device that is to come.
_BETWEEN = 1.0
_FORMATTED, _GROWN = "formatted", "grown"


class Device(Placed, frozen=True):
    """The looks and acts that share a device."""

    volume: VolumeRef

    def _driver(self, ctx: Context) -> Connecting:
        return ctx.tool(Drivers).connecting(self.pool)

    def _is_here(self, ctx: Context) -> Verdict:
        patience = self._driver(ctx).device_timeout(self.pool)
        waited = f"the device of {self.volume.name} has not appeared within {ctx.elapsed:.0f} of {patience:g} s"
        late = Conflict(
            f"The device of {self.volume.name} did not appear within {patience:g} s.", "refused",
            "See that this machine reaches the back end's data ports; docs/operating.md says how.",
        )  # fmt: skip
        absent = late if ctx.elapsed >= patience else Todo(None, waited, min(_BETWEEN, patience / 4))
        found = self._driver(ctx).look_device(self.pool, known(ctx, self.volume))
        return verdict(found, lambda _facts: Done(), absent)

    def _is_gone(self, ctx: Context) -> Verdict:
        def there(facts: DeviceFacts) -> Verdict:
            return Todo(None, f"device busy: {facts.path} is held by {facts.holders}" if facts.holders else "")

        driver, volume = self._driver(ctx), known(ctx, self.volume)
        found = driver.look_device(self.pool, volume)
        if isinstance(found, ForeignObject) and is_here(driver, self.pool, volume):
            return Todo(None, found.evidence)
        return verdict(found, there, Done())

    def _find(self, ctx: Context) -> None:
        self._driver(ctx).find_device(self.pool, known(ctx, self.volume), ctx)

    def _remove(self, ctx: Context) -> None:
        self._driver(ctx).remove_device(self.pool, known(ctx, self.volume), ctx)


class DeviceAppear(Device, frozen=True, tag="device-appear.1"):
    """This machine shows the device that carries the volume's serial."""

    def judge(self, ctx: Context) -> Verdict:
        """By serial, on the open device. One that is not there in time is a Conflict."""
        return self._is_here(ctx)

    def apply(self, ctx: Context) -> Round | None:
        """Let the machine look for it."""
        self._find(ctx)
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """It is gone; another volume's device is none of ours."""
        found = self._is_gone(ctx)
        return Done() if isinstance(found, Conflict) else found

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Flush and remove it."""
        self._remove(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        return f"wait for the device of {self.volume.name}"


class DeviceGone(Device, frozen=True, tag="device-gone.1"):
    """This machine does not show the volume's device any more. `back` is as for `VolumeDisconnect`."""

    back: bool = False

    def judge(self, ctx: Context) -> Verdict:
        """By serial."""
        return Done() if not self.back and was_there(ctx) else self._is_gone(ctx)

    def apply(self, ctx: Context) -> Round | None:
        """Flush and remove it."""
        self._remove(ctx)
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """It is back, if it was wanted before."""
        if not self.back:
            return Done()
        found = verdict(self._driver(ctx).look_device(self.pool, self.volume), lambda _facts: Done(), Todo())
        return Done() if isinstance(found, Conflict) else found

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Let the machine look for it."""
        self._find(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        return f"remove the device of {self.volume.name}"


class DeviceGrown(Device, Stays, frozen=True, tag="device-grown.1"):
    """The volume's device here is `size` bytes long."""

    size: int

    def judge(self, ctx: Context) -> Verdict:
        """As the open device says. One that a start of the machine has taken is found again.

        Where none is connected, as behind a mount that was abandoned, there is nothing here that could grow.
        """
        driver, waits = self._driver(ctx), Todo(None, "", _BETWEEN)
        if isinstance(driver.look_device(self.pool, self.volume), Absent):
            found = driver.connections(self.pool, self.volume)
            return verdict(found, lambda known: waits if any(each.ours for each in known) else Done(), waits)
        kernel = ctx.tool(Host).kernel
        with self._driver(ctx).access(self.pool, self.volume) as access:
            return Done() if size_of(access.fd, kernel) >= self.size else waits

    def apply(self, ctx: Context) -> Round | None:
        """Let the machine look anew."""
        self._find(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        return f"see the new size of {self.volume.name} here"


class FileSystemGrown(Device, Stays, frozen=True, tag="file-system-grown.1"):
    """The file system takes all of its device. What it says of its size tells less than that the kernel agreed."""

    size: int

    def judge(self, ctx: Context) -> Verdict:
        """By what the one round said."""
        return Done() if ctx.progress == _GROWN else Todo()

    def apply(self, ctx: Context) -> Round | None:
        """Grow it, which is repeatable."""
        args = {"fs": self.volume.fs, "uuid": self.volume.fs_uuid, "size": self.size}
        volume = known(ctx, self.volume)
        bring(ctx, self.pool, volume)
        with ctx.tool(Drivers).of(self.pool).access(self.pool, volume) as access:
            work = "grow-image" if access.kind == "image" else "grow"
            ctx.tool(Host).children.run(ctx, work, args, (access.fd,), formats.DEADLINE)
        return Round(_GROWN)

    def describe(self) -> str:
        """One line."""
        return f"grow the {self.volume.fs} of {self.volume.name}"


class Noted(Device, Stays, frozen=True):
    """What is done to a connected volume's file system once, and noted last. That it succeeded is durable before."""

    def judge(self, ctx: Context) -> Verdict:
        """By the note."""
        gone = Conflict("The volume is not in its pool.", "not-found", "`holdfast audit` tells more.")

        def there(facts: VolumeFacts) -> Verdict:
            return Todo() if facts.blank else Done()

        return verdict(self._driver(ctx).look_volume(self.pool, known(ctx, self.volume)), there, gone)

    def apply(self, ctx: Context) -> Round | None:
        """Do it; then note it."""
        driver, volume = self._driver(ctx), known(ctx, self.volume)
        if ctx.progress == _FORMATTED:
            driver.formatted(self.pool, volume)
            return None
        if volume.fs is None or volume.fs_uuid is None:
            raise Refused("The volume has no file system of its own.")
        bring(ctx, self.pool, volume)
        with driver.access(self.pool, volume) as access:
            self._do(ctx, access.fd, volume.fs, volume.fs_uuid)
        return Round(_FORMATTED)

    @abc.abstractmethod
    def _do(self, ctx: Context, fd: int, fs: FileSystem, uuid: str) -> None:
        """To the open device."""


class VolumeFormat(Noted, frozen=True, tag="volume-format.1"):
    """The connected volume bears its file system, and a note that says so. What was half made is never gone on with."""

    def _do(self, ctx: Context, fd: int, fs: FileSystem, uuid: str) -> None:
        """Format what reads blank."""
        host = ctx.tool(Host)
        try:
            formats.make(host.children, ctx, fd, fs, uuid, "never", kernel=host.kernel)
        except Foreign as error:
            if ctx.attempt == 1:
                raise
            raise Refused(
                f"Formatting {self.volume.name} was interrupted, and what is half made is discarded.",
                "Create it again.",
            ) from error

    def describe(self) -> str:
        """One line."""
        return f"make the {self.volume.fs} of {self.volume.name}"
