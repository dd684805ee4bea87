"""`holdfast drill list` and `holdfast drill run`."""

import os
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

from cyclopts import App, Parameter

from holdfast.cli import output
from holdfast.cli.common import Form
from holdfast.cli.screen import Span, out
from holdfast.cli.words import count, parse_pairs
from holdfast.drills import catalogue
from holdfast.drills.catalogue import DRILLS, Drill
from holdfast.drills.report import Report
from holdfast.model.errors import DrillFailed, Forbidden, Invalid

app = App(name="drill", help="Known ways to lose data, played on a back end of your choice.")


@app.command(name="list")
def list_(*, form: Form = "table") -> None:
    """All drills, a line each.

    Example: holdfast drill list
    """
    if form != "table":
        output.dump([{"name": d.name, "incident": d.incident, "line": d.line} for d in DRILLS], form)
        return
    output.table(("NAME", "INCIDENT", "WHAT GOES WRONG THERE"), [(d.name, d.incident, d.line) for d in DRILLS], "")


def _names(_context: object) -> list[str]:
    return [drill.name for drill in DRILLS]


@app.command(name="run")
def run(
    name: Annotated[
        str | None,
        Parameter(metavar="NAME", help="Which one; `holdfast drill list` shows them.", completer=_names),
    ] = None,
    /,
    *,
    all_: Annotated[bool, Parameter(name="--all", negative=())] = False,
    pool_driver: str = "dir",
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=(), metavar="KEY=VALUE")] = None,
    form: Form = "table",
) -> None:
    """Play a drill, and say what was broken, what Holdfast did, and what was found afterwards.

    It runs a control plane of its own, makes a pool in an empty place with one or two small volumes, and removes
    all of it at the end, also after Ctrl-C. It never touches what it did not make, nor the daemon that runs here.

    Example: holdfast drill run longhorn-10416
    Example: mkdir /srv/scratch && holdfast drill run --all --pool-driver dir --set source=/srv/scratch

    Parameters
    ----------
    all_
        All of them, one after the other.
    pool_driver
        The kind of the scratch pool.
    set_
        An option of the driver, as in `holdfast pool create`; may be given again. Without one, a directory below
        /var/tmp.
    """
    chosen = _chosen(name, all_)
    if os.geteuid() != 0:
        raise Forbidden("A drill mounts volumes, which only root may.", "Run it as root.")
    options = parse_pairs("--set", set_)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup(1)
            signal.signal(number, _stop)
    reports: list[Report] = []
    for drill in chosen:
        if form == "table":
            _tell(drill, first=not reports)
        reports.append(catalogue.run(drill, pool_driver, options))
        if form == "table":
            _show(reports[-1])
    if form != "table":
        output.dump(reports, form)
    failed = [report.drill for report in reports if report.result == "failed"]
    if failed:
        raise DrillFailed(f"{count(len(failed), 'drill')} of {len(reports)} failed: {', '.join(failed)}.")


def _chosen(name: str | None, every: bool) -> tuple[Drill, ...]:
    if every == (name is not None):
        raise Invalid("`holdfast drill run` wants a NAME, or --all.", "`holdfast drill list` shows them.")
    return DRILLS if name is None else (catalogue.named(name),)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    """As Ctrl-C: what was made is removed on the way out."""
    sys.exit(128 + number)


def _tell(drill: Drill, *, first: bool) -> None:
    story = [(line,) for line in drill.story.split("\n")]
    out().show(*(() if first else ((),)), (Span(drill.name, "bold"), f"  {drill.incident}"), *story)


def _show(report: Report) -> None:
    if report.rows:
        print()
        rows = [(row.broken, row.did, row.found) for row in report.rows]
        output.table(("BROKEN ON PURPOSE", "WHAT HOLDFAST DID", "FOUND AFTERWARDS"), rows, "")
    said = {"passed": Span("passed", "good"), "failed": Span("FAILED", "bad"), "skipped": Span("skipped", "warn")}
    out().show((said[report.result], f": {report.reason}" if report.reason else ""))
