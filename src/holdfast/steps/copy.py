"""Making a volume or a snapshot from what another holds at one moment."""

from typing import Any

from holdfast.drivers.contract import Making, Origin, PoolRef, VolumeFacts, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.model.step import Context, Done, Round, Todo, Verdict
from holdfast.steps.looks import Placed, kept_so_far, settled, taking, verdict
from holdfast.steps.volume import VolumeCopied

_LET_GO = "its source is as it was"
_COPIED = "copied "


class VolumeCopy(Placed, frozen=True, tag="volume-copy.1"):
    """The volume is there, marked, and holds what `source` held at one moment. Its uid was minted for it.

    Its undo first lets go of the source, which a copy that was interrupted may have left frozen.
    """

    source: VolumeRef
    volume: VolumeRef
    # The source's, if it is another.
    origin: PoolRef | None = None

    Result = VolumeCopied
    minted = True

    def judge(self, ctx: Context) -> Verdict:
        """Present and as wanted: what is published let go of its source before."""
        driver = ctx.tool(Drivers).of(self.pool)
        found = settled(ctx, driver.settle(self.pool), driver.look_volume(self.pool, self.volume))

        def there(facts: VolumeFacts) -> Verdict:
            return Done(VolumeCopied(facts.identity, facts.taken))

        return verdict(found, there, Todo())

    def apply(self, ctx: Context) -> Round | None:
        """Copy, a round at a time."""
        driver = ctx.tool(Drivers).of(self.pool)
        making = Making(ctx.operation, ctx.attempt, ctx)
        progress = driver.copy_volume(self.pool, self.source, self.volume, making, ctx.progress, self._origin(ctx))
        return None if progress is None else Round(_COPIED + progress.removeprefix(_COPIED))

    def _origin(self, ctx: Context) -> Origin | None:
        return None if self.origin is None else Origin(ctx.tool(Drivers).of(self.origin), self.origin)

    def persist(self, ctx: Context) -> None:
        """Sync it."""
        ctx.tool(Drivers).of(self.pool).persist_volume(self.pool, self.volume)

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Its source is as it was, and nothing of it is left, published or not."""
        if not ctx.progress or ctx.progress.startswith(_COPIED):
            return Todo()
        driver = ctx.tool(Drivers).of(self.pool)
        making = Making(ctx.operation, ctx.attempt, ctx)
        found = settled(ctx, driver.settle(self.pool), driver.unmade_volume(self.pool, self.volume, making), taken=True)
        return verdict(found, lambda _left: Done() if kept_so_far(ctx) else Todo(), Done())

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Let go, then discard."""
        driver = ctx.tool(Drivers).of(self.pool)
        if not ctx.progress or ctx.progress.startswith(_COPIED):
            making = Making(ctx.operation, ctx.attempt, ctx)
            driver.let_go(self.pool, self.source, self.volume, making, self._origin(ctx))
            return Round(_LET_GO)
        making = Making(ctx.operation, ctx.attempt, ctx)
        return taking(lambda: driver.unmake_volume(self.pool, self.volume, making))

    def describe(self) -> str:
        """One line."""
        if self.volume.of:
            return f"take the snapshot {self.volume.name} of {self.source.name}"
        return f"copy {self.source.name} to {self.volume.name}"
