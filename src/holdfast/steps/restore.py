"""A volume becomes what a snapshot of it holds: staged beside it, swapped in, and what it was is discarded."""

from typing import Any

from holdfast.drivers.contract import Making, VolumeFacts, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.model.errors import Refused
from holdfast.model.step import Conflict, Context, Done, Round, Todo, Verdict
from holdfast.steps.looks import NoWayBack, Placed, settled, taking, verdict

_GONE = Conflict("The volume is not in its pool.", "not-found", "`holdfast audit` tells more.")


class _Restore(Placed, frozen=True):
    """`volume` as it shall be."""

    volume: VolumeRef

    def persist(self, ctx: Context) -> None:
        """Sync it."""
        ctx.tool(Drivers).of(self.pool).persist_volume(self.pool, self.volume)

    def _is_restored(self, ctx: Context) -> Verdict:
        found = ctx.tool(Drivers).of(self.pool).look_volume(self.pool, self.volume)
        return verdict(found, lambda facts: Done() if facts.operation == ctx.operation else Todo(), _GONE)

    def _is_tidy(self, ctx: Context) -> Verdict:
        driver = ctx.tool(Drivers).of(self.pool)
        left = driver.left_of_restore(self.pool, self.volume, ctx.operation)
        left = settled(ctx, driver.settle(self.pool), left, taken=True)
        return verdict(left, lambda _left: Todo(), Done())

    def _discard(self, ctx: Context) -> Round | None:
        driver = ctx.tool(Drivers).of(self.pool)
        return taking(lambda: driver.discard_restore(self.pool, self.volume, ctx.operation))


class RestoreStaged(_Restore, frozen=True, tag="restore-staged.1"):
    """What the volume shall be is whole, beside it."""

    snapshot: VolumeRef

    def persist(self, ctx: Context) -> None:
        """Sync what is staged."""
        ctx.tool(Drivers).of(self.pool).persist_staged(self.pool, self.volume, ctx.operation)

    def judge(self, ctx: Context) -> Verdict:
        """By its mark."""
        found = ctx.tool(Drivers).of(self.pool).look_staged(self.pool, self.volume, ctx.operation)

        def there(facts: VolumeFacts) -> Verdict:
            return Done() if facts.operation == ctx.operation else Todo()

        return verdict(found, there, Todo())

    def apply(self, ctx: Context) -> Round | None:
        """Copy, a round at a time."""
        making = Making(ctx.operation, ctx.attempt, ctx)
        driver = ctx.tool(Drivers).of(self.pool)
        progress = driver.stage_restore(self.pool, self.volume, self.snapshot, making, ctx.progress)
        return None if progress is None else Round(progress)

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Nothing is left beside the volume."""
        return self._is_tidy(ctx)

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Discard it, which is not what the volume was: that comes there only past the point of no return."""
        if isinstance(self._is_restored(ctx), Done):
            raise Refused("The volume is restored; what it was is not discarded by an undo.")
        return self._discard(ctx)

    def describe(self) -> str:
        """One line."""
        return f"copy {self.snapshot.name} beside {self.volume.name}"


class RestoreSwapped(_Restore, NoWayBack, frozen=True, tag="restore-swapped.1"):
    """The volume is what its snapshot holds, staged or not, by one act: a crash leaves the old or the new."""

    snapshot: VolumeRef

    def judge(self, ctx: Context) -> Verdict:
        """By the operation that it bears. In use is a Conflict, seen before the point of no return."""
        seen = self._is_restored(ctx)
        users = ctx.tool(Drivers).of(self.pool).in_use(self.pool, self.volume) if isinstance(seen, Todo) else ""
        hint = "Unmount it, then restore again."
        return Conflict(f"The volume is in use: {users}.", "in-use", hint) if users else seen

    def apply(self, ctx: Context) -> Round | None:
        """Swap."""
        ctx.tool(Drivers).of(self.pool).swap_restore(self.pool, self.volume, self.snapshot, ctx.operation)
        return None

    def describe(self) -> str:
        """One line."""
        return f"put what {self.snapshot.name} holds in the place of {self.volume.name}"


class RestoreTidied(_Restore, NoWayBack, frozen=True, tag="restore-tidied.1"):
    """What the volume was before is gone, and not before the new one was seen once more."""

    pivot = False

    def judge(self, ctx: Context) -> Verdict:
        """By its name."""
        return self._is_tidy(ctx)

    def apply(self, ctx: Context) -> Round | None:
        """Discard it."""
        seen = self._is_restored(ctx)
        if not isinstance(seen, Done):
            raise Refused("The volume is not the restored one; what it was is kept.")
        return self._discard(ctx)

    def describe(self) -> str:
        """One line."""
        return f"discard what {self.volume.name} was"
