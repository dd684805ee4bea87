"""Taking snapshots of several volumes at one moment."""

from typing import Any

import msgspec

from holdfast.drivers.contract import Driver, Making, VolumeFacts, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.model.resources import Taken
from holdfast.model.step import Context, Done, Round, Todo, Verdict
from holdfast.steps.looks import Placed, kept_so_far, settled, taking, verdict

_LET_GO = "their sources are as they were"


class GroupTaken(msgspec.Struct, frozen=True):
    """How each was, in their order."""

    taken: tuple[Taken | None, ...] = ()


class GroupTake(Placed, frozen=True, tag="group-take.1"):
    """All of `volumes` are there, each holding what its source held at one moment of all. Uids were minted for them.

    What an earlier attempt published is of another moment: the driver discards it before it takes anew.
    """

    sources: tuple[VolumeRef, ...]
    volumes: tuple[VolumeRef, ...]

    Result = GroupTaken
    minted = True

    def judge(self, ctx: Context) -> Verdict:
        """Each is present."""
        driver, found = self._driver(ctx), list[Taken | None]()

        def there(facts: VolumeFacts) -> Verdict:
            found.append(facts.taken)
            return Done()

        for volume in self.volumes:
            seen = settled(ctx, driver.settle(self.pool), driver.look_volume(self.pool, volume))
            said = verdict(seen, there, Todo())
            if not isinstance(said, Done):
                return said
        return Done(GroupTaken(tuple(found)))

    def apply(self, ctx: Context) -> Round | None:
        """Take all in one act."""
        pairs = tuple(zip(self.sources, self.volumes, strict=True))
        self._driver(ctx).take_group(self.pool, pairs, self._making(ctx))
        return None

    def persist(self, ctx: Context) -> None:
        """Sync each."""
        for volume in self.volumes:
            self._driver(ctx).persist_volume(self.pool, volume)

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Their sources are as they were, and nothing of any is left, published or not."""
        if not ctx.progress:
            return Todo()
        driver = self._driver(ctx)
        for volume in self.volumes:
            found = driver.unmade_volume(self.pool, volume, self._making(ctx))
            seen = settled(ctx, driver.settle(self.pool), found, taken=True)
            said = verdict(seen, lambda _left: Done() if kept_so_far(ctx) else Todo(), Done())
            if not isinstance(said, Done):
                return said
        return Done()

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Let go of all, then discard all."""
        driver, making = self._driver(ctx), self._making(ctx)
        if not ctx.progress:
            for source, volume in zip(self.sources, self.volumes, strict=True):
                driver.let_go(self.pool, source, volume, making)
            return Round(_LET_GO)
        return taking(lambda: all(driver.unmake_volume(self.pool, volume, making) for volume in self.volumes))

    def _driver(self, ctx: Context) -> Driver:
        return ctx.tool(Drivers).of(self.pool)

    @staticmethod
    def _making(ctx: Context) -> Making:
        return Making(ctx.operation, ctx.attempt, ctx)

    def describe(self) -> str:
        """One line."""
        return f"take {self.volumes[0].name} of {', '.join(source.name for source in self.sources)} at one moment"
