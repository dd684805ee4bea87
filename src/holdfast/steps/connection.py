"""The connection of a volume to this member, on the back end's side: made, and cut."""

from typing import Any

import msgspec

from holdfast.drivers.connecting import Connecting, ConnectionFacts
from holdfast.drivers.contract import VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.model.errors import Again, Refused
from holdfast.model.observations import Absent, Observation, Present
from holdfast.model.step import Conflict, Context, Done, Round, Todo, Verdict
from holdfast.steps.looks import NoWayBack, Placed, long_past, verdict
from holdfast.steps.volume import known


class Wanted(msgspec.Struct, frozen=True):
    """A baseline: it was otherwise before; `host` is the entry through which it was connected, if it was."""

    host: str = ""


class Connected(msgspec.Struct, frozen=True):
    """`made` says whether this operation did it: what was there before stays."""

    made: bool


class _Connection(Placed, frozen=True):
    """The looks and acts that making and cutting share."""

    volume: VolumeRef
    member: str

    Facts = Wanted

    def _driver(self, ctx: Context) -> Connecting:
        return ctx.tool(Drivers).connecting(self.pool)

    def _listed(self, ctx: Context) -> Observation[tuple[ConnectionFacts, ...]]:
        return self._driver(ctx).connections(self.pool, known(ctx, self.volume))

    def _mine(self, ctx: Context, listed: tuple[ConnectionFacts, ...]) -> Observation[str]:
        """The host entry through which this member is connected, if it is; it may be one that somebody else made."""
        own = next((each for each in listed if each.member == self.member), None)
        if own is not None:
            return Present(own.host)
        if all(each.ours for each in listed):
            return Absent()
        entry = self._driver(ctx).look_host(self.pool, self.member)
        if isinstance(entry, Present) and all(each.host != entry.facts for each in listed):
            return Absent()
        return entry

    def _host(self, ctx: Context) -> Observation[str]:
        found = self._listed(ctx)
        return self._mine(ctx, found.facts) if isinstance(found, Present) else found

    def _connect(self, ctx: Context) -> None:
        self._driver(ctx).connect(self.pool, known(ctx, self.volume), self.member)

    def _disconnect(self, ctx: Context) -> None:
        before = ctx.facts(Wanted)
        found = Present(before.host) if before is not None and before.host else self._host(ctx)
        if isinstance(found, Present):  # else the next look says what it is
            self._driver(ctx).disconnect(self.pool, known(ctx, self.volume), found.facts)

    def _is_cut(self, ctx: Context) -> Verdict:
        """None of this machine, also none that a late request might still make."""
        found = verdict(self._host(ctx), lambda host: Todo(Wanted(host)), Done())
        return long_past(ctx, self._driver(ctx).settle(self.pool), found, taken=True)


class VolumeConnect(_Connection, frozen=True, tag="volume-connect.1"):
    """The back end lists the volume as connected to this member."""

    Result = Connected

    def judge(self, ctx: Context) -> Verdict:
        """By the back end's own list."""
        made = Connected(ctx.facts(Wanted) is not None)
        gone = Conflict("The volume is not in its pool.", "not-found", "`holdfast audit` tells more.")

        def there(listed: tuple[ConnectionFacts, ...]) -> Verdict:
            return verdict(self._mine(ctx, listed), lambda _host: Done(made), Todo(Wanted()))

        return verdict(self._listed(ctx), there, gone)

    def apply(self, ctx: Context) -> Round | None:
        """Connect; the entry of the host is made if it must be, and stays.

        What is refused was asked for by a list that may be old: another operation may just have made that entry, and
        the first refusal may be told late.
        """
        try:
            self._connect(ctx)
        except Refused as error:
            if ctx.elapsed < 2 * self._driver(ctx).settle(self.pool):
                raise Again(error.detail, error.hint) from error
            raise
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Cut again."""
        found = self._is_cut(ctx)
        return Done() if isinstance(found, Conflict) else found

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Cut it."""
        self._disconnect(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        return f"connect {self.volume.name} to this machine"


class VolumeDisconnect(_Connection, frozen=True, tag="volume-disconnect.1"):
    """The back end lists no connection of the volume to this member any more.

    With `back` it was wanted before, and is made again by an undo; else it served this operation alone, whose undo
    goes by the step that made it, and one that was there before is left.
    """

    back: bool = False

    def judge(self, ctx: Context) -> Verdict:
        """By the back end's own list."""
        return Done() if not self.back and was_there(ctx) else self._is_cut(ctx)

    def apply(self, ctx: Context) -> Round | None:
        """Cut it."""
        self._disconnect(ctx)
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Connected again, if it was wanted before."""
        if not self.back:
            return Done()
        found = verdict(self._host(ctx), lambda _host: Done(), Todo())
        # A list that is older than what was done here still shows it.
        return long_past(ctx, self._driver(ctx).settle(self.pool), found, taken=True)

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Connect."""
        self._connect(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        return f"disconnect {self.volume.name} from this machine"


class ConnectionGone(Placed, NoWayBack, frozen=True, tag="connection-gone.1"):
    """The back end lists no connection of the volume to that host, whosever it is. Only where it was asked for."""

    volume: VolumeRef
    host: str

    def judge(self, ctx: Context) -> Verdict:
        """By the back end's own list."""
        driver = ctx.tool(Drivers).connecting(self.pool)

        def there(listed: tuple[ConnectionFacts, ...]) -> Verdict:
            return Todo() if any(each.host == self.host for each in listed) else Done()

        found = verdict(driver.connections(self.pool, self.volume), there, Done())
        return long_past(ctx, driver.settle(self.pool), found, taken=True)

    def apply(self, ctx: Context) -> Round | None:
        """Cut it."""
        ctx.tool(Drivers).connecting(self.pool).disconnect(self.pool, self.volume, self.host)
        return None

    def describe(self) -> str:
        """One line."""
        return f"disconnect {self.volume.name} from the host {self.host}"


def was_there(ctx: Context) -> bool:
    """Whether this operation found the volume connected, so that it leaves it so."""
    try:
        return not ctx.result(Connected).made
    except KeyError:
        return False
