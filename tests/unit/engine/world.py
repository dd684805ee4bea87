"""A dict as the world, tiny steps over it, and one request that strings them together."""

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from holdfast.engine.codec import Codec
from holdfast.engine.request import Binding, Bound, Drawn, Request, Results
from holdfast.model.conditions import Condition, put
from holdfast.model.errors import NotFound
from holdfast.model.observations import Absent, Present
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Pool, PoolSpec, PoolStatus
from holdfast.model.step import ChildIdentity, Context, Done, Round, Step, Todo, Unclear, Verdict
from holdfast.records import resources
from holdfast.records.claims import Claim
from holdfast.records.contract import Tx
from holdfast.steps.looks import long_past, settled

Says = Verdict | Exception | Callable[[Context], Any]


class World:
    """What is there, what was asked of it, and what it answers instead of the truth."""

    def __init__(self) -> None:
        self.things: dict[str, str] = {}
        self.calls: list[str] = []
        self.once: dict[str, list[Says]] = defaultdict(list)
        self.always: dict[str, Says] = {}

    def answer(self, ctx: Context, verb: str, key: str, truth: Callable[[], Any]) -> Any:
        """Note the call; give the scripted answer, or the truth."""
        call = f"{verb} {key}"
        self.calls.append(call)
        says = self.once[call].pop(0) if self.once[call] else self.always.get(call)
        if says is None:
            return truth()
        if isinstance(says, Exception):
            raise says
        return says if isinstance(says, msgspec.Struct) else says(ctx)

    def count(self, call: str) -> int:
        """How often that was asked."""
        return self.calls.count(call)


class Before(msgspec.Struct, frozen=True):
    """What the key held before."""

    value: str | None


class Written(msgspec.Struct, frozen=True):
    """What was written."""

    key: str


class Put(Step, frozen=True, tag="put.1"):
    """The key holds the value."""

    key: str
    value: str = "new"

    Facts = Before
    Result = Written

    def judge(self, ctx: Context) -> Verdict:
        things = ctx.tool(World).things

        def truth() -> Verdict:
            return Done(Written(self.key)) if things.get(self.key) == self.value else Todo(Before(things.get(self.key)))

        found: Verdict = ctx.tool(World).answer(ctx, "judge", self.key, truth)
        return found

    def apply(self, ctx: Context) -> Round | None:
        return self._act(ctx, "apply", self.value)

    def persist(self, ctx: Context) -> None:
        ctx.tool(World).answer(ctx, "persist", self.key, lambda: None)

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        things, before = ctx.tool(World).things, baseline.value if baseline else None
        truth: Callable[[], Verdict] = lambda: Done() if things.get(self.key) == before else Todo()  # noqa: E731
        found: Verdict = ctx.tool(World).answer(ctx, "undone", self.key, truth)
        return found

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        return self._act(ctx, "unapply", baseline.value if baseline else None)

    def _act(self, ctx: Context, verb: str, value: str | None) -> Round | None:
        things = ctx.tool(World).things

        def truth() -> None:
            things.pop(self.key, None)
            if value is not None:
                things[self.key] = value

        answer: Round | None = ctx.tool(World).answer(ctx, verb, self.key, truth)
        return answer

    def describe(self) -> str:
        return f"put {self.key}"


class PutMinted(Put, frozen=True, tag="put-minted.1"):
    """A key that was made up in this operation."""

    minted = True


class PutPivot(Put, frozen=True, tag="put-pivot.1"):
    """No way back from here."""

    pivot: ClassVar[bool] = True


class PutSlow(Put, frozen=True, tag="put-slow.1"):
    """On a back end that takes 30 s to show a change: an absence younger than that says nothing."""

    def judge(self, ctx: Context) -> Verdict:
        things = ctx.tool(World).things
        ctx.tool(World).calls.append(f"judge {self.key}")
        match settled(ctx, 30.0, Present("") if self.key in things else Absent()):
            case Present():
                return Done(Written(self.key))
            case Absent():
                return Todo(Before(None))
            case other:
                return Unclear(str(other))

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        return long_past(ctx, 30.0, super().undone(ctx, baseline), taken=True)


class PutLate(Put, frozen=True, tag="put-late.1"):
    """What is not answered may take effect for 30 s."""

    def lasting(self, ctx: Context) -> float:
        return 30.0


KINDS: dict[str, type[Put]] = {"": Put, "+": PutMinted, "!": PutPivot, "~": PutSlow, "^": PutLate}


class Do(Request, frozen=True, tag="thing.do.1"):
    """`plan_of` is like "a +b !c": keys to put, + minted, ! pivot, ~ slow, ^ late. `claims` is like "x y/s" (shared).

    With `pool` a pool of that name is reserved, ready at the end, and gone when undone.
    """

    plan_of: str = ""
    claims: str = "x"
    pool: str = ""

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        claims = tuple(
            Claim(item.removesuffix("/s"), "shared" if item.endswith("/s") else "exclusive")
            for item in self.claims.split()
        )
        return Binding(ResourceRef("thing", self.claims, self.claims), claims, {"extra": drawn.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        if self.pool:
            resources.insert(tx, pool(bound.drawn.uid, self.pool))
        found = [re.fullmatch(r"([+!~^]?)(\w+)", part) for part in self.plan_of.split()]
        return tuple(KINDS[match[1]](match[2]) for match in found if match)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        if self.pool:
            resources.update(tx, pool(bound.drawn.uid, self.pool, ready=True, seen=results.get(Written).key))

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        resources.delete(tx, bound.drawn.uid)

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        found = resources.by_uid(tx, Pool, bound.drawn.uid)
        if found is not None:
            conditions = put(found.conditions, Condition("Abandoned", True, bound.drawn.now, reason))
            resources.update(tx, msgspec.structs.replace(found, conditions=conditions))


class OnPool(Request, frozen=True, tag="pool.change.1"):
    """Rename the pool `name` to `to`, or delete it where `to` is empty, after putting the key `step`."""

    name: str
    to: str = ""
    step: str = "a"

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        found = resources.by_name(tx, Pool, "", self.name)
        if found is None:
            raise NotFound(f"There is no pool {self.name}.")
        return Binding(ResourceRef("pool", found.uid, self.name), (Claim(found.uid),), {"pool": found.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        found = resources.by_uid(tx, Pool, bound.uids["pool"])
        if found is None or found.name != self.name:
            raise NotFound(f"The pool {self.name} went or was renamed while this waited.")
        return (Put(self.step),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        if self.to:
            resources.update(tx, pool(bound.uids["pool"], self.to, ready=True))
        else:
            resources.delete(tx, bound.uids["pool"])

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""


def pool(uid: str, name: str, *, ready: bool = False, seen: str = "") -> Pool:
    """A row to reserve."""
    spec = PoolSpec(driver="none", config={})
    return Pool(uid=uid, name=name, created=0.0, spec=spec, status=PoolStatus(ready=ready, identity={"seen": seen}))


def codec() -> Codec:
    """Knows all of the above."""
    return Codec((Do, OnPool), tuple(KINDS.values()))


CHILD = ChildIdentity(4711, 12, "boot")
