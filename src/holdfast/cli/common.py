"""What all commands share: their common parameters, the client, the question before destruction."""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from cyclopts import Parameter

from holdfast.cli import completing, screen
from holdfast.client import Client
from holdfast.model.errors import Invalid

Form = Annotated[
    Literal["table", "json", "yaml"],
    Parameter(
        name=["--output", "-o"],
        metavar="FORM",
        help="For people (table), or as REST has it, for programs (json, yaml).",
    ),
]
Address = Annotated[
    str,
    Parameter(
        metavar="ADDRESS",
        help="The daemon: unix:PATH or https://HOST:PORT; by default $HOLDFAST_ADDRESS, else the socket in "
        "/run/holdfast.",
    ),
]
Yes = Annotated[bool, Parameter(name="--yes", negative=(), help="Do not ask.")]
Wait = Annotated[
    bool, Parameter(name="--wait", negative="--no-wait", help="Wait until the operation ends, or only submit it.")
]
Labels = Annotated[
    list[str] | None,
    Parameter(name="--label", negative=(), metavar="NAME=VALUE", help="A label; may be given again."),
]
Labelled = Annotated[
    list[str] | None,
    Parameter(
        name="--label", negative=(), metavar="NAME[=VALUE]", help="Only those with this label; may be given again."
    ),
]
ResourceState = Annotated[
    Literal["making", "ready", "abandoned"] | None, Parameter(name="--state", help="Only those in this state.")
]
PoolName = Annotated[str, Parameter(metavar="POOL", help="The pool's name.", completer=completing.pools)]
VolumeName = Annotated[
    str, Parameter(metavar="POOL/VOLUME", help="The pool's and the volume's name.", completer=completing.volumes)
]
NewSnapshotName = Annotated[
    str,
    Parameter(
        metavar="POOL/VOLUME@SNAPSHOT", help="The volume, and the snapshot's name.", completer=completing.new_snapshots
    ),
]
SnapshotName = Annotated[
    str,
    Parameter(
        metavar="POOL/VOLUME@SNAPSHOT", help="The volume, and the snapshot's name.", completer=completing.snapshots
    ),
]
OperationId = Annotated[str, Parameter(metavar="ID", help="The operation's id.", completer=completing.operations)]


def client(address: str = "", timeout: float = 30.0) -> Client:
    """For the daemon there; empty: at $HOLDFAST_ADDRESS, or at the default socket. `timeout` in seconds per answer."""
    return Client(address, timeout)


def confirm(
    what: str, yes: bool, touched: Callable[[], Sequence[screen.Line]] | None = None, *, form: str = "table"
) -> None:
    """Say what will be done and list what it touches, and ask; raise Invalid unless it was agreed to."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid(f"This will {what}.", "Add --yes to agree.")
    asking = screen.out() if form == "table" else screen.err()
    asking.show(*asking.wrapped(f"This will {what}{'.' if touched is None else ':'}", "", "bold"))
    if touched is not None:
        asking.show(*(("  ", *line) for line in touched()))
    print("Go on? [y/N] ", end="", file=asking.stream, flush=True)
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        print(file=asking.stream)
        raise
    if answer.strip().lower() not in ("y", "yes"):
        raise Invalid("Nothing was done.")
