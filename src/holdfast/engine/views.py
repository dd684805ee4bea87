"""Operations as the faces show them."""

import msgspec

from holdfast.engine.codec import Codec, UnknownTag
from holdfast.engine.live import Live
from holdfast.model.errors import NotFound
from holdfast.model.operations import ENDED, OperationView, Problem, ResourceRef, StepView
from holdfast.model.step import Step
from holdfast.records import operations, steps
from holdfast.records.contract import Tx
from holdfast.records.operations import OperationRow
from holdfast.records.steps import StepRow


def read(tx: Tx, op: str, codec: Codec) -> OperationView:
    """The operation with its steps; raise NotFound."""
    row = operations.get(tx, op)
    if row is None:
        raise NotFound(f"There is no operation {ascii(op)}.", "`holdfast op list` shows them.")
    return view(row, steps.of(tx, op), codec)


def of_live(live: Live) -> OperationView:
    """The same of an operation in memory."""
    pairs = zip(live.steps, live.rows, strict=True)
    shown = [_known(step, row) for step, row in pairs]
    return _view(live.row, tuple(shown), past_pivot=live.past_pivot())


def view(row: OperationRow, rows: list[StepRow], codec: Codec) -> OperationView:
    """A row and its steps for people and programs; steps of a newer version are shown as such."""
    shown, past = [], False
    for step_row in rows:
        try:
            step = codec.step(step_row.body)
            past = past or (step.pivot and step_row.state in ("intent", "done"))
            shown.append(_known(step, step_row))
        except UnknownTag as error:
            shown.append(_step(str(error), "a step of a newer Holdfast", step_row))
    return _view(row, tuple(shown), past_pivot=past)


def _known(step: Step, row: StepRow) -> StepView:
    """A step that only looks is through with its work once its goal is seen: it was not skipped."""
    seen = msgspec.structs.replace(row, state="done") if step.looks and row.state == "skipped" else row
    return _step(str(step.__struct_config__.tag), step.describe(), seen)


def _step(kind: str, summary: str, row: StepRow) -> StepView:
    return msgspec.convert(
        {"kind": kind.rpartition(".")[0], "summary": summary, "state": row.state, "attempt": row.attempt,
         "progress": row.progress}, StepView,
    )  # fmt: skip


def _view(row: OperationRow, shown: tuple[StepView, ...], *, past_pivot: bool) -> OperationView:
    exits: tuple[str, ...] = ()
    if row.state not in ENDED:
        cancel = () if past_pivot or row.direction == "undo" else ("cancel",)
        waits = row.state in ("parked", "queued")
        exits = (*(("retry",) if waits else ()), *cancel, *(("abandon",) if waits else ()))
    deadline = row.allowance - row.spent if row.allowance and row.direction == "forward" and not past_pivot else None
    return msgspec.convert(
        {
            "id": row.id, "kind": row.kind, "state": row.state, "direction": row.direction,
            "resource": ResourceRef(row.ref_kind, row.ref_uid, row.ref_path), "reason": row.reason,
            "actor": row.actor, "changed": row.changed,
            "error": msgspec.json.decode(row.error, type=Problem) if row.error else None,
            "created_at": row.created, "ended_at": row.ended or None,
            "next_try_at": row.next_try if row.state == "parked" else None,
            "deadline_in": deadline if row.state not in ENDED else None, "exits": exits, "steps": shown,
        },
        OperationView,
    )  # fmt: skip
