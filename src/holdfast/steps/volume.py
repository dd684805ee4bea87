"""Making, removing and renaming a volume."""

import contextlib
from typing import Any

import msgspec

from holdfast.drivers.contract import Making, VolumeFacts, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.model.resources import Taken
from holdfast.model.step import Conflict, Context, Done, Round, Todo, Verdict
from holdfast.steps.looks import NoWayBack, Placed, Stays, kept_so_far, long_past, settled, taking, verdict


class VolumeMade(msgspec.Struct, frozen=True):
    """The back end's own identity of the object."""

    identity: dict[str, str] = {}


class VolumeCopied(msgspec.Struct, frozen=True):
    """The same of a copy, and how its source was at that moment."""

    identity: dict[str, str] = {}
    taken: Taken | None = None


def known(ctx: Context, volume: VolumeRef) -> VolumeRef:
    """The volume with its identity, which may be the result of an earlier step of this operation."""
    if volume.identity:
        return volume
    kinds: tuple[type[VolumeMade | VolumeCopied], ...] = (VolumeMade, VolumeCopied)
    for made in kinds:
        with contextlib.suppress(KeyError):
            return msgspec.structs.replace(volume, identity=ctx.result(made).identity)
    return volume


class VolumeMake(Placed, frozen=True, tag="volume-make.1"):
    """The volume is there: made, marked, and formatted if it shall be and can be before it is connected.

    Its uid was minted for it.
    """

    volume: VolumeRef

    Result = VolumeMade
    minted = True

    def judge(self, ctx: Context) -> Verdict:
        """Present and as wanted."""
        driver = ctx.tool(Drivers).of(self.pool)
        found = settled(ctx, driver.settle(self.pool), driver.look_volume(self.pool, self.volume))
        return verdict(found, lambda facts: Done(VolumeMade(facts.identity)), Todo())

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
        found = settled(ctx, driver.settle(self.pool), driver.unmade_volume(self.pool, self.volume, making), taken=True)
        return verdict(found, lambda _left: Done() if kept_so_far(ctx) else Todo(), Done())

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Discard it."""
        driver = ctx.tool(Drivers).of(self.pool)
        making = Making(ctx.operation, ctx.attempt, ctx)
        return taking(lambda: driver.unmake_volume(self.pool, self.volume, making))

    def describe(self) -> str:
        """One line."""
        fs = f" with {self.volume.fs}" if self.volume.fs else ""
        return f"make the {self.volume.content} volume {self.volume.name}{fs}"


class Removed(msgspec.Struct, frozen=True):
    """`kept` says why the back end has not erased it yet, and until when it will not."""

    kept: str = ""


class VolumeRemove(Placed, NoWayBack, frozen=True, tag="volume-remove.1"):
    """Nothing of the volume is left but what the back end insists on erasing in its own time."""

    volume: VolumeRef

    Result = Removed

    def judge(self, ctx: Context) -> Verdict:
        """In use is a Conflict, seen before the point of no return."""
        driver = ctx.tool(Drivers).of(self.pool)

        def there(_facts: VolumeFacts) -> Verdict:
            if kept_so_far(ctx):
                return Done(Removed(kept_so_far(ctx)))
            users = driver.in_use(self.pool, self.volume)
            if users:
                return Conflict(
                    f"The volume is in use: {users}.",
                    "in-use",
                    "Unmount it, or `holdfast volume disconnect` it from a host that is not ours; then delete again.",
                )
            return Todo()

        found = settled(ctx, driver.settle(self.pool), driver.removed_volume(self.pool, self.volume), taken=True)
        return verdict(found, there, Done(Removed()))

    def apply(self, ctx: Context) -> Round | None:
        """Remove it, a round at a time."""
        driver = ctx.tool(Drivers).of(self.pool)
        return taking(lambda: driver.remove_volume(self.pool, self.volume, ctx))

    def persist(self, ctx: Context) -> None:
        """Sync its absence."""
        ctx.tool(Drivers).of(self.pool).persist_volume(self.pool, self.volume)

    def describe(self) -> str:
        """One line."""
        return f"remove the {self.volume.content} volume {self.volume.name}"


class NameSeen(msgspec.Struct, frozen=True):
    """The size that the mark tells, in bytes."""

    size: int = 0


class NameFacts(msgspec.Struct, frozen=True):
    """The name before."""

    name: str


class VolumeRename(Placed, frozen=True, tag="volume-rename.1"):
    """The volume's mark bears the new name."""

    volume: VolumeRef
    name: str

    Result = NameSeen
    Facts = NameFacts

    def judge(self, ctx: Context) -> Verdict:
        """By the mark."""
        return self._look(ctx, self.name)

    def _look(self, ctx: Context, name: str) -> Verdict:
        found = ctx.tool(Drivers).of(self.pool).look_volume(self.pool, self.volume)
        gone = Conflict("The volume is not in its pool.", "not-found", "`holdfast audit` tells more.")

        def there(facts: VolumeFacts) -> Verdict:
            return Done(NameSeen(facts.size)) if facts.name == name and facts.tidy else Todo(NameFacts(facts.name))

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
        settle = ctx.tool(Drivers).of(self.pool).settle(self.pool)
        return long_past(ctx, settle, self._look(ctx, baseline.name))

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Rewrite it back."""
        ctx.tool(Drivers).of(self.pool).rename_volume(self.pool, self.volume, baseline.name)
        return None

    def describe(self) -> str:
        """One line."""
        return f"rename the volume {self.volume.name} to {self.name}"


class _Resized(Placed, frozen=True):
    """The volume is `size` bytes long in its pool, or longer; a directory, which can shrink, has exactly that."""

    volume: VolumeRef
    size: int

    def judge(self, ctx: Context) -> Verdict:
        """As its pool says."""
        gone = Conflict("The volume is not in its pool.", "not-found", "`holdfast audit` tells more.")
        found = ctx.tool(Drivers).of(self.pool).look_volume(self.pool, self.volume)

        def there(facts: VolumeFacts) -> Verdict:
            longer = facts.size > self.size and self.volume.content != "directory"
            return Done() if facts.tidy and (longer or facts.size == self.size) else Todo()

        return verdict(found, there, gone)

    def apply(self, ctx: Context) -> Round | None:
        """Let it be so."""
        ctx.tool(Drivers).of(self.pool).resize_volume(self.pool, self.volume, self.size)
        return None

    def persist(self, ctx: Context) -> None:
        """Sync it."""
        ctx.tool(Drivers).of(self.pool).persist_volume(self.pool, self.volume)

    def describe(self) -> str:
        """One line."""
        return f"resize {self.volume.name} to {self.size} bytes"


class VolumeResized(_Resized, NoWayBack, frozen=True, tag="volume-resized.1"):
    """There is no way back: what is larger may be in use at once."""


class CopyResized(_Resized, Stays, frozen=True, tag="copy-resized.1"):
    """Of what this operation made, and what goes with it."""
