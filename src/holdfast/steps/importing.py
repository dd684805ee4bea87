"""A pool that no record knows: taken over, if it is another installation's, and read; and what was deleted there."""

from typing import Any

import msgspec

from holdfast.drivers.connecting import Connecting
from holdfast.drivers.contract import (
    Absent,
    Driver,
    Observation,
    PoolRef,
    Present,
    Unknown,
    VolumeFacts,
    VolumeRef,
)
from holdfast.drivers.registry import Drivers
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import Content, FileSystem, Taken
from holdfast.model.step import Conflict, Context, Done, Round, Todo, Unclear, Verdict
from holdfast.steps.looks import NoWayBack, Placed, Stays, long_past, settled, taking, verdict


class PoolTakenOver(Placed, NoWayBack, frozen=True, tag="pool-taken-over.1"):
    """All that was the owner's `before` is ours. Nothing else tells whose it was, so there is no way back."""

    before: str

    def judge(self, ctx: Context) -> Verdict:
        """By the pool's mark, which is written last; a list that may still be older than that is waited for."""
        driver = ctx.tool(Drivers).of(self.pool)
        if isinstance(driver.look_pool(self.pool), Present):
            return long_past(ctx, driver.settle(self.pool), Done())
        was = driver.look_pool(msgspec.structs.replace(self.pool, owner=self.before))
        return verdict(was, lambda _facts: Todo(), Conflict("There is no pool there any more.", "not-found"))

    def apply(self, ctx: Context) -> Round | None:
        """A round at a time."""
        was = msgspec.structs.replace(self.pool, owner=self.before)
        whole = ctx.tool(Drivers).of(self.pool).take_over(was, self.pool.owner)
        return None if whole else Round("taking over")

    def persist(self, ctx: Context) -> None:
        """Sync it."""
        ctx.tool(Drivers).of(self.pool).persist_pool(self.pool)

    def describe(self) -> str:
        """One line."""
        return f"take over what is the owner's {self.before}"


class FoundObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A volume, or a snapshot `of` one, as its mark tells."""

    uid: str
    name: str
    size: int
    content: Content
    fs: FileSystem | None
    fs_uuid: str | None
    identity: dict[str, str] = {}
    of: str = ""
    taken: Taken | None = None
    group: str = ""


class PoolObjects(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is whole in the pool, and the pool's own identity."""

    objects: tuple[FoundObject, ...]
    identity: dict[str, str]
    connects: bool = False


class PoolRead(Stays, frozen=True, tag="pool-read.1"):
    """It is known what is in the pool. Looks only."""

    pool: PoolRef

    Result = PoolObjects
    looks = True

    def judge(self, ctx: Context) -> Verdict:
        """By its marks."""
        driver = ctx.tool(Drivers).of(self.pool)
        gone = Conflict("There is no pool there any more.", "not-found")
        try:
            found = tuple(_found(uid, facts) for uid, facts in driver.objects(self.pool))
            identity = driver.identity(self.pool)
        except HoldfastError as error:
            return Unclear(error.detail)
        done = Done(PoolObjects(found, identity, isinstance(driver, Connecting)))
        return verdict(driver.look_pool(self.pool), lambda _facts: done, gone)

    def apply(self, ctx: Context) -> Round | None:
        """Nothing."""
        return None

    def describe(self) -> str:
        """One line."""
        return f"read what is in {', '.join(self.pool.config.values())}"


class Kept(msgspec.Struct, frozen=True):
    """A baseline: it was not asked for by this operation yet."""


class PoolRecovered(Placed, frozen=True, tag="pool-recovered.1"):
    """What was removed, and its back end still kept, is there again, and it is known what it is.

    It was `called` so, and its mark bears its `name`. An undo lets it be kept again, and does not erase it; what is
    `recorded`, and was removed by others, stays.
    """

    uid: str
    called: str
    name: str
    recorded: bool = False

    Result = PoolObjects
    Facts = Kept

    def judge(self, ctx: Context) -> Verdict:
        """A list may still show it as it was before it was removed: it counts behind an act of this operation alone."""
        driver = ctx.tool(Drivers).of(self.pool)
        settle = driver.settle(self.pool)

        def kept(found: PoolObjects | None) -> Verdict:
            if found is None or ctx.facts(Kept) is None or found.objects[0].name != self.name:
                return Todo(Kept())
            return long_past(ctx, settle, Done(found), taken=True)

        gone = Conflict(f"The back end keeps nothing of {self.uid} any more.", "not-found")
        return verdict(settled(ctx, settle, self._look(driver)), kept, gone)

    def _look(self, driver: Driver) -> Observation[PoolObjects | None]:
        """It, if it is there; None if it is only kept."""
        try:
            there = tuple(_found(uid, facts) for uid, facts in driver.objects(self.pool) if uid == self.uid)
            if there:
                return Present(PoolObjects(there, driver.identity(self.pool), isinstance(driver, Connecting)))
            kept = (each for each in driver.inventory(self.pool) if each.uid == self.uid and each.recoverable)
            return Present(None) if any(True for _ in kept) else Absent()
        except HoldfastError as error:
            return Unknown(error.detail)

    def apply(self, ctx: Context) -> Round | None:
        """Ask for it, whatever a list shows."""
        ctx.tool(Drivers).of(self.pool).recover(self.pool, self.uid)
        self._rename(ctx, self.name)
        return None

    def _rename(self, ctx: Context, name: str) -> None:
        if self.name != self.called:
            what = VolumeRef(self.uid, self.called, 0, "block")
            ctx.tool(Drivers).of(self.pool).rename_volume(self.pool, what, name)

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Not there, be it kept or erased by now."""
        if self.recorded:
            return Done()
        driver = ctx.tool(Drivers).of(self.pool)
        found = self._look(driver)
        if isinstance(found, Present) and found.facts is None:
            found = Absent()
        return verdict(settled(ctx, driver.settle(self.pool), found, taken=True), lambda _there: Todo(), Done())

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Remove it again."""
        driver = ctx.tool(Drivers).of(self.pool)
        self._rename(ctx, self.called)
        return taking(lambda: driver.bury(self.pool, self.uid))

    def describe(self) -> str:
        """One line."""
        return f"recover {self.uid}"


def _found(uid: str, facts: VolumeFacts) -> FoundObject:
    return FoundObject(
        uid,
        facts.name,
        facts.size,
        facts.content,
        facts.fs,
        facts.fs_uuid,
        facts.identity,
        facts.of,
        facts.taken,
        facts.group,
    )
