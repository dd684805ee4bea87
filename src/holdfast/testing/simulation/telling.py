"""What a run says to people: how to play a failing seed again, and what the weather was."""

import logging
import traceback
from collections import Counter
from typing import NoReturn

import structlog

from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.run import Run

_LINES = 60


def drop(_logger: object, _method: str, _event: object) -> NoReturn:
    """A processor for structlog that lets nothing through."""
    raise structlog.DropEvent


def quiet() -> None:
    """The daemons' logs are not the simulation's."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), processors=[drop])


def command(seed: int, operations: int, *, array: bool = False, taking: bool = False, csi: bool = False) -> str:
    """What plays it again, exactly."""
    worlds = " --array" * array + " --snapshots" * taking + " --csi" * csi
    return f"python -m holdfast.testing.simulation {seed}{worlds} --operations {operations} --trace"


def failed(run: Run, error: Exception, operations: int) -> str:
    """The breach, the command that replays it, and what the operation concerned did."""
    operation = error.operation if isinstance(error, Breach) else ""
    lines = run.trace.of(operation)[-_LINES:] or run.trace.of()[-_LINES:]
    told = "" if isinstance(error, Breach) else "".join(traceback.format_exception(error))
    again = command(run.seed, operations, array=run.array, taking=run.taking, csi=run.csi)
    head = f"seed {run.seed}: {error}\n{told}play it again: {again}"
    of = f"operation {operation}" if operation else "the last events"
    return "\n".join((head, f"{of}:", *lines))


def table(hits: "Counter[str]", results: "Counter[str]", ended: int, seconds: float) -> str:
    """For people."""
    lines = [f"{ended} operations ended in {seconds:.1f} s, {ended / seconds:.0f} a second"]
    for counts in (results, hits):
        lines.append("")
        lines += [f"  {name:<32}{count:>8}" for name, count in sorted(counts.items())]
    return "\n".join(lines)
