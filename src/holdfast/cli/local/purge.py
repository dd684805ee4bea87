"""`holdfast purge`: look at all that is still reachable, refuse while any of it has value, then remove what is ours.

The records and the world are both asked. The lock of the state directory is held from the first look to the
removal, so what is recorded cannot change meanwhile; the world can, and is looked at again right before.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Annotated

import msgspec
from cyclopts import Parameter

from holdfast.cli import output
from holdfast.cli.common import Form, Yes, confirm
from holdfast.cli.local import holding, own, reachable, world
from holdfast.cli.local import known as records
from holdfast.cli.local.known import Known
from holdfast.cli.local.places import Place, resolve
from holdfast.cli.local.reachable import Reachable
from holdfast.cli.local.removal import remove
from holdfast.model.errors import Forbidden, HoldfastError, InUse, Refused, SchemaTooNew, from_os_error
from holdfast.runtime.api import Runtime
from holdfast.runtime.threads import ThreadRuntime


class Report(msgspec.Struct, frozen=True):
    """What programs get: what is reachable, and what a purge removes (nothing while anything hinders)."""

    reachable: list[Reachable]
    removes: list[str]


def purge(
    *,
    state: str = "/var/lib/holdfast",
    run: str = "/run/holdfast",
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    yes: Yes = False,
    form: Form = "table",
) -> None:
    """Remove this member's own state: its database and its socket, no volume, no pool. The daemon must be stopped.

    First shows what is still reachable, and refuses while a pool, an operation, a mount or a device is. Never
    crosses a mount.

    Example: holdfast purge --dry-run

    Parameters
    ----------
    state
        The daemon's state directory.
    run
        The daemon's run directory.
    dry_run
        Only show what is reachable and what would be removed. Exit status 0 if nothing hinders.
    """
    try:
        carry_out(ThreadRuntime(), state, run, dry_run=dry_run, yes=yes, form=form)
    except PermissionError as error:
        raise Forbidden(f"purge {error.filename or state}: {error.strerror}.", "Run it as root.") from error
    except OSError as error:
        raise from_os_error(error, f"purge {error.filename or state}") from error


def carry_out(runtime: Runtime, state: str, run: str, *, dry_run: bool, yes: bool, form: str) -> None:
    """See `purge`. Raises Locked, InUse, Refused, Invalid or Again; nothing is removed before `confirm` returned."""
    with _held(resolve("--state", state), resolve("--run", run)) as (ours, runs):
        if not ours.names():
            _nothing(ours, form)
            return
        known, damage = _known(runtime, ours)
        seen = [*damage, *reachable.recorded(runtime, known, (ours.path, runs.path))]
        seen.extend(world.present(runtime, known, ours, runs))
        _show(seen, [] if any(each.hinders for each in seen) else own.paths(ours, runs), form)
        _refuse(seen)
        if dry_run:
            if form == "table":
                print(f"A purge removes {own.told(ours, runs)}.")
            return
        confirm(f"remove {own.told(ours, runs)}", yes)
        _refuse(world.present(runtime, known, ours, runs))
        count = remove(runtime, ours, runs)
        if form == "table":
            print(f"{count} entries removed: {ours.path} is purged.")


@contextlib.contextmanager
def _held(state: str, run: str) -> Iterator[tuple[Place, Place]]:
    """Both directories, open, proven and locked."""
    with contextlib.ExitStack() as stack:
        ours = stack.enter_context(contextlib.closing(Place(state)))
        runs = stack.enter_context(contextlib.closing(Place(run)))
        own.check_apart(ours, runs)
        for place in (ours, runs):
            own.check_no_pool(place)
        own.check_state(ours)
        if ours.names():
            stack.callback(os.close, holding.lock(ours))
            holding.check_silent(runs)
        yield ours, runs


def _nothing(state: Place, form: str) -> None:
    """An empty directory stays: nothing proves whose it is."""
    if form != "table":
        output.dump(Report([], []), form)
    else:
        print(f"Nothing to purge: {state.path} {'does not exist' if state.fd is None else 'is empty'}.")


def _known(runtime: Runtime, state: Place) -> tuple[Known, list[Reachable]]:
    """The records; or nothing, and why: then what they know cannot be told, which hinders."""
    try:
        return records.read(runtime, state), []
    except HoldfastError as error:
        look = f"or, after a look at what it may have managed: `holdfast rm {state.path}`."
        if isinstance(error, SchemaTooNew):
            remedy = f"Purge with the Holdfast that wrote it; {look}"
        else:
            remedy = f"Restore a copy made by `holdfast db backup`; {look}"
        evidence = f"what it knows cannot be listed: {error.detail}"
        path = os.path.join(state.path, own.DATABASE)
        return Known(), [Reachable(kind="database", subject=path, evidence=evidence, remedy=remedy)]


def _show(seen: list[Reachable], removes: list[str], form: str) -> None:
    if form != "table":
        output.dump(Report(seen, removes), form)
        return
    rows = [[s.kind, s.subject, s.evidence, "yes" if s.hinders else "no", s.remedy] for s in seen]
    head = ("KIND", "SUBJECT", "EVIDENCE", "HINDERS", "WHAT TO DO")
    output.table(head, rows, "Nothing is reachable: no pool, operation, mount or device.")


def _refuse(seen: list[Reachable]) -> None:
    """Raise InUse, or Refused where only files are in the way, if anything hinders."""
    hinders = [each for each in seen if each.hinders]
    if not hinders:
        return
    kind = Refused if all(each.kind in ("database", "file") for each in hinders) else InUse
    first, more = hinders[0], f" (and {len(hinders) - 1} more)" if len(hinders) > 1 else ""
    then = "" if kind is Refused else " What needs the daemon: start it, do it, stop it, and purge again."
    raise kind(
        f"Nothing was removed: the {first.kind} {first.subject}{more} hinders; {first.evidence.rstrip('.')}.",
        f"{first.remedy.rstrip('.')}.{then}",
    )
