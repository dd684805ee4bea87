"""Marking a place as a pool, and removing the mark."""

from typing import Any

import msgspec

from holdfast.drivers.connecting import Connecting
from holdfast.drivers.contract import Making, PoolFacts, PoolRef
from holdfast.drivers.registry import Drivers
from holdfast.model.step import Conflict, Context, Done, Round, Todo, Verdict
from holdfast.steps.looks import NoWayBack, Placed, kept_so_far, settled, taking, verdict


class PoolMade(msgspec.Struct, frozen=True):
    """The place's own identity, and whether its volumes must be connected."""

    identity: dict[str, str]
    connects: bool = False


class _Marking(Placed, frozen=True):
    """The place is the one that was looked at first."""

    Facts = PoolMade

    def _where(self, ctx: Context) -> PoolRef:
        """The pool with the identity of that place: no other one is meant."""
        begun = ctx.facts(PoolMade)
        return self.pool if begun is None else msgspec.structs.replace(self.pool, identity=begun.identity)


class PoolMake(_Marking, frozen=True, tag="pool-make.1"):
    """The place bears the pool's mark."""

    Result = PoolMade

    def judge(self, ctx: Context) -> Verdict:
        """An unmarked place is Todo: whether it is empty is for the act to say."""
        driver = ctx.tool(Drivers).of(self.pool)
        identity = driver.identity(self.pool)
        pool = msgspec.structs.replace(self.pool, identity=identity)
        found = driver.look_pool(pool)
        if ctx.facts(PoolMade) is not None:  # before its first act, what it does not see is for that to meet
            found = settled(ctx, driver.settle(self.pool), found)
        hint = "Another pool lives there; choose another directory."
        connects = isinstance(driver, Connecting)
        return verdict(found, lambda facts: Done(PoolMade(facts.identity, connects)), Todo(PoolMade(identity)), hint)

    def apply(self, ctx: Context) -> None:
        """Make it."""
        ctx.tool(Drivers).of(self.pool).make_pool(self._where(ctx), Making(ctx.operation, ctx.attempt, ctx))

    def persist(self, ctx: Context) -> None:
        """Sync it."""
        ctx.tool(Drivers).of(self.pool).persist_pool(self._where(ctx))

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Nothing of it is left in the place that was looked at first, whatever is seen there now."""
        driver = ctx.tool(Drivers).of(self.pool)
        making = Making(ctx.operation, ctx.attempt, ctx)
        found = settled(ctx, driver.settle(self.pool), driver.unmade_pool(self._where(ctx), making), taken=True)
        return verdict(found, lambda _left: Done() if kept_so_far(ctx) else Todo(), Done())

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Remove what there is of it."""
        making = Making(ctx.operation, ctx.attempt, ctx)
        return taking(lambda: ctx.tool(Drivers).of(self.pool).unmake_pool(self._where(ctx), making))

    def describe(self) -> str:
        """One line."""
        return f"mark the pool at {', '.join(self.pool.config.values())}"


class PoolRemove(_Marking, NoWayBack, frozen=True, tag="pool-remove.1"):
    """The place bears no mark any more. Of a pool whose making was abandoned the mark alone told where it is."""

    def judge(self, ctx: Context) -> Verdict:
        """A pool with anything in it that is not known to be empty is a Conflict, before anything is touched."""
        driver = ctx.tool(Drivers).of(self.pool)

        def marked(facts: PoolFacts) -> Verdict:
            if kept_so_far(ctx):
                return Done()
            left = [item.where for item in driver.inventory(self.pool) if item.kind != "kept"]
            if not left:
                return Todo(PoolMade(facts.identity))
            what = f"The pool holds {len(left)} objects that no record knows, such as {left[0]}."
            return Conflict(what, "in-use", "`holdfast audit` tells what they are; move them away first.")

        found = settled(ctx, driver.settle(self.pool), driver.look_pool(self._where(ctx)), taken=True)
        return verdict(found, marked, Done())

    def apply(self, ctx: Context) -> Round | None:
        """Remove the mark."""
        return taking(lambda: ctx.tool(Drivers).of(self.pool).remove_pool(self._where(ctx)))

    def persist(self, ctx: Context) -> None:
        """Sync the place."""
        ctx.tool(Drivers).of(self.pool).persist_pool(self._where(ctx))

    def describe(self) -> str:
        """One line."""
        return f"remove the pool's mark at {', '.join(self.pool.config.values())}"
