"""What all commands share: the client, the output form, the end of an operation, the question before destruction."""

import os
import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from holdfast.cli import output
from holdfast.client import Client
from holdfast.client.client import ended_well
from holdfast.model.errors import Invalid
from holdfast.model.operations import OperationView

Form = Annotated[Literal["table", "json", "yaml"], Parameter(name=["--output", "-o"], help="Form of the output.")]
Yes = Annotated[bool, Parameter(name="--yes", negative=(), help="Do not ask.")]
Wait = Annotated[bool, Parameter(name="--wait", negative="--no-wait", help="Wait until the operation ends.")]
LONGEST = 3600.0


def client() -> Client:
    """For the daemon at $HOLDFAST_ADDRESS, or at the default socket."""
    return Client(os.environ.get("HOLDFAST_ADDRESS", ""))


def finish(view: OperationView, form: str) -> None:
    """Show how it ended; the exit status tells too."""
    if form != "table":
        output.dump(view, form)
    elif view.state == "done":
        print(f"{view.kind} {view.resource.path}: done")
    if view.state not in ("queued", "running"):
        ended_well(view)
    elif form == "table":
        print(f"{view.kind} {view.resource.path}: {view.state}; `holdfast op watch {view.id}` follows it")


def confirm(what: str, yes: bool) -> None:
    """Say what will be touched, and ask; raise Invalid unless it was agreed to."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid(f"This will {what}.", "Add --yes to agree.")
    print(f"This will {what}.")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Invalid("Nothing was done.")


def seconds(wait: bool) -> float | None:
    """How long to wait for an operation."""
    return LONGEST if wait else None
