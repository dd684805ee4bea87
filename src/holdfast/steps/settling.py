"""The copy of a file system that must be connected before it can be settled: see `holdfast.host.copies`."""

from holdfast.drivers.contract import VolumeFacts
from holdfast.drivers.registry import Drivers
from holdfast.host import copies
from holdfast.host.host import Host
from holdfast.model.errors import Refused
from holdfast.model.step import Conflict, Context, Done, Round, Todo, Verdict
from holdfast.steps.arrival import bring
from holdfast.steps.device import Device
from holdfast.steps.looks import Stays, verdict
from holdfast.steps.volume import known

_SETTLED = "settled"


class CopySettled(Device, Stays, frozen=True, tag="copy-settled.1"):
    """The connected copy is whole, in order, and shows its own uuid; and a note says so."""

    def judge(self, ctx: Context) -> Verdict:
        """By the note, which is written last."""
        gone = Conflict("The volume is not in its pool.", "not-found", "`holdfast audit` tells more.")

        def there(facts: VolumeFacts) -> Verdict:
            return Todo() if facts.blank else Done()

        return verdict(self._driver(ctx).look_volume(self.pool, known(ctx, self.volume)), there, gone)

    def apply(self, ctx: Context) -> Round | None:
        """Settle it. That this succeeded is durable before the note is written."""
        driver, volume = self._driver(ctx), known(ctx, self.volume)
        if ctx.progress == _SETTLED:
            driver.formatted(self.pool, volume)
            return None
        if volume.fs is None or volume.fs_uuid is None:
            raise Refused("The volume has no file system of its own.")
        host = ctx.tool(Host)
        bring(ctx, self.pool, volume)
        with ctx.tool(Drivers).of(self.pool).access(self.pool, volume) as access:
            copies.finish(
                host.children, ctx, access.fd, volume.fs, volume.fs_uuid, anew=not volume.of, kernel=host.kernel
            )
            host.kernel.fsync(access.fd)
        return Round(_SETTLED)

    def describe(self) -> str:
        """One line."""
        return f"settle the {self.volume.fs} of {self.volume.name}"
