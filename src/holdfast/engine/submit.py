"""From a request to a granted plan: bind, store, claim, plan."""

import math

import msgspec

from holdfast.engine.codec import Codec, encode
from holdfast.engine.journal import Journal
from holdfast.engine.live import Clock, Live
from holdfast.engine.request import Binding, Bound, Drawn, Request
from holdfast.engine.waits import problem_of
from holdfast.model.errors import HoldfastError
from holdfast.model.operations import Problem
from holdfast.model.step import Step
from holdfast.records import claims, keys, operations, steps
from holdfast.records.contract import Tx
from holdfast.records.operations import OperationRow
from holdfast.records.steps import StepRow
from holdfast.runtime.api import Runtime

ALLOWANCE = 86400.0


class Caller(msgspec.Struct, frozen=True):
    """Who asks, and by which way; idempotency keys are scoped to both."""

    name: str = "local"
    route: str = ""

    def scope(self, key: str) -> str:
        """What makes an idempotency key unique; empty without one."""
        return f"{self.name} {self.route} {key}" if key else ""


class Submission:
    """Stores requests and grants them."""

    def __init__(self, runtime: Runtime, journal: Journal, codec: Codec, member: str, owner: str) -> None:
        self._runtime = runtime
        self._journal = journal
        self._codec = codec
        self._member = member
        self._owner = owner

    def store(
        self,
        op: str,
        request: Request,
        caller: Caller,
        key: str,
        allowance: float | None,
        said: Request,
        *,
        durable: bool,
    ) -> Live | str:
        """One transaction: the operation `op` with its claims, and if they are free its plan and first intent.

        Returns the id of an earlier operation if the key was used for the same request.
        """
        new_id, now = self._runtime.new_id, self._runtime.now()
        drawn = Drawn(op, new_id(), new_id(), now, self._member, self._owner)
        text, digest, scope = encode(request), encode(said), caller.scope(key)
        clock = self.fresh_clock(queued=True)

        def fn(tx: Tx) -> tuple[OperationRow, list[StepRow]] | str:
            if scope and (earlier := keys.find(tx, scope, digest)):
                return earlier
            row, binding = self._bind(tx, request, drawn, text, caller, allowance)
            claims.insert(tx, row.id, row.seq, binding.claims)
            if scope:
                keys.insert(tx, scope, digest, row.id, now)
            rows: list[StepRow] = []
            if before := claims.blocker(tx, row.id):
                row = msgspec.structs.replace(row, reason=f"it is the turn of operation {before} first")
            else:
                row = msgspec.structs.replace(row, state="running")
                rows = _plan(tx, row, request, Bound(drawn, binding.uids))
                if not durable and rows and rows[0].state == "intent":
                    raise TypeError("an intent must be durable")
            return operations.insert(tx, row), rows

        found = self._journal.write("submit", fn, durable=durable)
        if isinstance(found, str):
            return found
        live = Live(*found, [], self._codec, clock)
        if live.rows and live.rows[0].state == "intent":
            live.fresh = 0
        return live

    def _bind(
        self, tx: Tx, request: Request, drawn: Drawn, text: str, caller: Caller, allowance: float | None
    ) -> tuple[OperationRow, Binding]:
        binding = request.bind(tx, drawn)
        row = OperationRow(
            id=drawn.operation, seq=0, kind=str(type(request).__struct_config__.tag).rpartition(".")[0],
            member=self._member, state="queued", direction="forward", epoch=1, cursor=0, request=text,
            ids=encode(Bound(drawn, binding.uids)), ref_kind=binding.ref.kind, ref_uid=binding.ref.uid,
            ref_path=binding.ref.path, actor=caller.name, reason="", error="", created=drawn.now, ended=0.0,
            next_try=0.0, tries=0, allowance=ALLOWANCE if allowance is None else allowance, spent=0.0, cancel=0,
        )  # fmt: skip
        return operations.numbered(tx, row), binding

    def fresh_clock(self, *, queued: bool) -> Clock:
        """Of an operation that is met for the first time since the start; a queued one never sent anything."""
        now = self._runtime.monotonic()
        sent = -math.inf if queued else now
        return Clock(now, now, sent, sent)

    def grant(self, row: OperationRow, clock: Clock) -> Live | tuple[str, ...] | None:
        """Try to grant a queued operation: the live one, who may be next if it was refused, None if it waits on."""
        request = self._codec.request(row.request)
        bound = msgspec.json.decode(row.ids, type=Bound)
        live = Live(row, [], [], self._codec, clock)
        if row.cancel:
            return self._refuse(live, Problem("cancelled", "The operation was cancelled."))
        if row.allowance and live.spent(self._runtime.monotonic()) >= row.allowance:
            return self._refuse(live, Problem("deadline", f"It was not its turn within {row.allowance:g} s."))

        def fn(tx: Tx) -> tuple[OperationRow, list[StepRow]] | None:
            if claims.blocker(tx, row.id):
                return None
            rows = _plan(tx, row, request, bound)
            changed = operations.change(tx, row.id, row.epoch, state="running", reason="")
            return msgspec.structs.replace(row, state="running", reason="", changed=changed), rows

        try:
            granted = self._journal.write("grant", fn)
        except HoldfastError as error:
            if isinstance(error, operations.StaleEpoch):
                raise
            return self._refuse(live, problem_of(error))
        if granted is None:
            return None
        live = Live(*granted, [], self._codec, clock)
        if live.rows and live.rows[0].state == "intent":
            live.fresh = 0
        return live

    def _refuse(self, live: Live, problem: Problem) -> tuple[str, ...]:
        return tuple(self._journal.end(live, "undone", lambda _tx: None, encode(problem)))


def _plan(tx: Tx, row: OperationRow, request: Request, bound: Bound) -> list[StepRow]:
    """Make the plan; where the first step skips its first look, its intent rides along."""
    plan = request.plan(tx, bound)
    _check_pivots(plan)
    rows = [StepRow(idx, encode(step)) for idx, step in enumerate(plan)]
    if plan and plan[0].minted:
        rows[0] = msgspec.structs.replace(rows[0], state="intent", attempt=1, baseline='{"verdict":"todo"}')
    for step in rows:
        steps.insert(tx, row.id, step)
    return rows


def _check_pivots(plan: tuple[Step, ...]) -> None:
    if sum(step.pivot for step in plan) > 1:
        raise TypeError("a plan has at most one pivot")
