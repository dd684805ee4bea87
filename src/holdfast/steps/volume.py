"""Making, removing and renaming a volume."""

from typing import Any

import msgspec

from holdfast.drivers.contract import Making, PoolRef, VolumeFacts, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.model.step import Conflict, Context, Done, Round, Step, Todo, Verdict
from holdfast.steps.looks import NoWayBack, long_past, settled, verdict


class VolumeMake(Step, frozen=True, tag="volume-make.1"):
    """The volume is there, whole: made, formatted if it shall be, and marked. Its uid was minted for it."""

    pool: PoolRef
    volume: VolumeRef

    minted = True

    def judge(self, ctx: Context) -> Verdict:
        """Present and as wanted."""
        driver = ctx.tool(Drivers).of(self.pool)
        found = settled(ctx, driver.info.settle, driver.look_volume(self.pool, self.volume))
        return verdict(found, lambda _facts: Done(), Todo())

    def apply(self, ctx: Context) -> Round | None:
        """Make it."""
        driver = ctx.tool(Drivers).of(self.pool)
        driver.make_volume(self.pool, self.volume, Making(ctx.operation, ctx.attempt, ctx))
        return None

    def persist(self, ctx: Context) -> None:
        """Sync it."""
        ctx.tool(Drivers).of(self.pool).persist_volume(self.pool, self.volume)

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Nothing of it is left, published or not."""
        driver = ctx.tool(Drivers).of(self.pool)
        making = Making(ctx.operation, ctx.attempt, ctx)
        found = settled(ctx, driver.info.settle, driver.unmade_volume(self.pool, self.volume, making))
        return verdict(found, lambda _left: Todo(), Done())

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Discard it."""
        driver = ctx.tool(Drivers).of(self.pool)
        whole = driver.unmake_volume(self.pool, self.volume, Making(ctx.operation, ctx.attempt, ctx))
        return None if whole else Round("removing files")

    def describe(self) -> str:
        """One line."""
        fs = f" with {self.volume.fs}" if self.volume.fs else ""
        return f"make the {self.volume.content} volume {self.volume.name}{fs}"


class VolumeRemove(NoWayBack, frozen=True, tag="volume-remove.1"):
    """Nothing of the volume is left."""

    pool: PoolRef
    volume: VolumeRef

    def judge(self, ctx: Context) -> Verdict:
        """In use is a Conflict, seen before the point of no return."""
        driver = ctx.tool(Drivers).of(self.pool)

        def there(_facts: VolumeFacts) -> Verdict:
            users = driver.in_use(self.pool, self.volume)
            if users:
                return Conflict(f"The volume is in use: {users}.", "in-use", "Unmount it, then delete again.")
            return Todo()

        return verdict(settled(ctx, driver.info.settle, driver.removed_volume(self.pool, self.volume)), there, Done())

    def apply(self, ctx: Context) -> Round | None:
        """Remove it, a round at a time."""
        whole = ctx.tool(Drivers).of(self.pool).remove_volume(self.pool, self.volume)
        return None if whole else Round("removing files")

    def persist(self, ctx: Context) -> None:
        """Sync its absence."""
        ctx.tool(Drivers).of(self.pool).persist_volume(self.pool, self.volume)

    def describe(self) -> str:
        """One line."""
        return f"remove the {self.volume.content} volume {self.volume.name}"


class NameFacts(msgspec.Struct, frozen=True):
    """The name before."""

    name: str


class VolumeRename(Step, frozen=True, tag="volume-rename.1"):
    """The volume's mark bears the new name."""

    pool: PoolRef
    volume: VolumeRef
    name: str

    Facts = NameFacts

    def judge(self, ctx: Context) -> Verdict:
        """By the mark."""
        return self._look(ctx, self.name)

    def _look(self, ctx: Context, name: str) -> Verdict:
        found = ctx.tool(Drivers).of(self.pool).look_volume(self.pool, self.volume)
        gone = Conflict("The volume is not in its pool.", "not-found", "`holdfast audit` tells more.")

        def there(facts: VolumeFacts) -> Verdict:
            return Done() if facts.name == name and facts.tidy else Todo(NameFacts(facts.name))

        return verdict(found, there, gone)

    def apply(self, ctx: Context) -> Round | None:
        """Rewrite the mark."""
        ctx.tool(Drivers).of(self.pool).rename_volume(self.pool, self.volume, self.name)
        return None

    def persist(self, ctx: Context) -> None:
        """Sync it."""
        ctx.tool(Drivers).of(self.pool).persist_volume(self.pool, self.volume)

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """The old name is there again."""
        settle = ctx.tool(Drivers).of(self.pool).info.settle
        return long_past(ctx, settle, self._look(ctx, baseline.name))

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Rewrite it back."""
        ctx.tool(Drivers).of(self.pool).rename_volume(self.pool, self.volume, baseline.name)
        return None

    def describe(self) -> str:
        """One line."""
        return f"rename the volume {self.volume.name} to {self.name}"
