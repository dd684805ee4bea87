"""Entries of hosts on a back end, before nobody here knows the back end any more."""

import structlog

from holdfast.drivers.contract import PoolRef
from holdfast.drivers.registry import Drivers
from holdfast.model.errors import InUse
from holdfast.model.step import Context, Done, Round, Todo, Verdict
from holdfast.steps.looks import Stays

log = structlog.get_logger()
_ASKED = "asked"


class HostsGone(Stays, frozen=True, tag="hosts-gone.1"):
    """The back end was asked to remove this member's entry, if it is unused. What it refuses hinders nobody."""

    pool: PoolRef
    member: str

    def _unused(self, ctx: Context) -> list[str]:
        found = ctx.tool(Drivers).connecting(self.pool).hosts(self.pool)
        return [name for name, (member, count) in sorted(found.items()) if member == self.member and not count]

    def judge(self, ctx: Context) -> Verdict:
        """By the back end's own list."""
        return Todo() if not ctx.progress and self._unused(ctx) else Done()

    def apply(self, ctx: Context) -> Round | None:
        """Ask."""
        driver = ctx.tool(Drivers).connecting(self.pool)
        for name in self._unused(ctx):
            try:
                driver.remove_host(self.pool, name)
            except InUse as error:
                log.warning("the entry of a host stays", host=name, error=error.detail)
        return Round(_ASKED)

    def describe(self) -> str:
        """One line."""
        return "remove this machine's entry, if it is unused"
