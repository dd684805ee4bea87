"""An operation as lines: what it is, each step, why it waits or failed, and what one can do."""

import time
from collections.abc import Iterator

from holdfast.cli.screen import Line, Screen, Span, Style
from holdfast.cli.words import lasting, since, when
from holdfast.model.operations import OperationView, StepView

_STYLES: dict[str, Style] = {
    "done": "good", "ready": "good", "parked": "warn", "queued": "warn", "undone": "bad", "undoing": "warn",
    "abandoned": "bad", "making": "warn",
}  # fmt: skip
# By the state of a step: its mark, what stands for it where that cannot be shown, and its style.
_MARKS: dict[str, tuple[str, str, Style]] = {
    "done": ("✔", "+", "good"), "skipped": ("–", "-", "dim"), "intent": ("…", ">", "warn"),
    "pending": ("·", ".", "dim"), "undone": ("↶", "<", "warn"),
}  # fmt: skip


def state(word: str) -> Span:
    """A state of an operation or a resource, coloured."""
    return Span(word, _STYLES.get(word, ""))


def took(view: OperationView) -> float:
    """Seconds from its request to its end, or to now."""
    return since(view.created_at) if view.ended_at is None else max(0.0, view.ended_at - view.created_at)


def title(view: OperationView) -> Line:
    """The first line."""
    lasted = Span(f"  {lasting(took(view))}", "dim")
    return (f"{view.kind} {view.resource.path}: ", state(view.state), Span(f"  ({view.id})", "dim"), lasted)


def lines(screen: Screen, view: OperationView, *, error: bool = True) -> Iterator[Line]:
    """All of it; without `error` for who is told the error anyway."""
    yield title(view)
    for step in view.steps:
        yield _step(screen, step)
    if not view.ended:
        yield from waits(screen, view)
    elif view.state == "abandoned" and view.reason:
        yield from screen.wrapped(f"because: {view.reason}", "  ", "warn")
    elif error and view.error is not None:
        yield from screen.wrapped(f"error: {view.error.detail}", "  ", "bad")
        if view.error.hint:
            yield from screen.wrapped(f"{screen.sign('→', '->')} {view.error.hint}", "    ")


def _step(screen: Screen, step: StepView) -> Line:
    sign, plain, style = _MARKS[step.state]
    tries = f"  (attempt {step.attempt})" if step.attempt > 1 else ""
    progress = f"  [{step.progress}]" if step.progress else ""
    return ("  ", Span(screen.sign(sign, plain), style), f" {step.summary}", Span(tries + progress, "dim"))


def waits(screen: Screen, view: OperationView, indent: str = "  ") -> Iterator[Line]:
    """What it undoes for; why it waits, until when, and its exits as commands."""
    if view.direction == "undo" and view.error is not None:
        yield from screen.wrapped(f"undoes because: {view.error.detail}", indent, "bad")
    if view.state not in ("parked", "queued"):
        return
    if view.reason:
        yield from screen.wrapped(f"waits: {view.reason}", indent, "warn")
    if view.next_try_at is not None:
        yield (Span(f"{indent}next try: {_soon(view.next_try_at)}", "dim"),)
    for number, command in enumerate(exits(view)):
        yield (Span(indent + ("exits: " if number == 0 else "       "), "dim"), command)


def _soon(at: float) -> str:
    left = at - time.time()
    return "now" if left < 1 else f"in {lasting(left)} ({when(at)})"


def exits(view: OperationView) -> list[str]:
    """Commands that end its waiting."""
    more = {"abandon": " --reason WHY"}
    return [f"holdfast op {verb} {view.id}{more.get(verb, '')}" for verb in view.exits]
