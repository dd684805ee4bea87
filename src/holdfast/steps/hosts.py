"""Entries of hosts on a back end, before nobody here knows the back end any more."""

from typing import Any

from holdfast.drivers.contract import PoolRef
from holdfast.drivers.registry import Drivers
from holdfast.model.errors import InUse
from holdfast.model.step import Context, Done, Round, Step, Todo, Verdict


class HostsGone(Step, frozen=True, tag="hosts-gone.1"):
    """The back end has no entry of ours that is unused. One that another pool comes to need is made again for it."""

    pool: PoolRef

    def _unused(self, ctx: Context) -> list[str]:
        found = ctx.tool(Drivers).connecting(self.pool).hosts(self.pool)
        return [name for name, (_member, connections) in sorted(found.items()) if not connections]

    def judge(self, ctx: Context) -> Verdict:
        """By the back end's own list."""
        return Todo() if self._unused(ctx) else Done()

    def apply(self, ctx: Context) -> Round | None:
        """Remove them."""
        driver = ctx.tool(Drivers).connecting(self.pool)
        for name in self._unused(ctx):
            try:
                driver.remove_host(self.pool, name)
            except InUse:
                continue  # it was connected meanwhile
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """An entry is made when it is needed."""
        return Done()

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Nothing."""
        return None

    def describe(self) -> str:
        """One line."""
        return "remove unused entries of hosts"
