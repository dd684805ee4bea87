"""The entry: commands by noun, errors as two lines and an exit status per class."""

import io
import os
import sys
from typing import Annotated

from cyclopts import App, Parameter

from holdfast import __version__
from holdfast.cli.common import Form, Yes, client, confirm
from holdfast.model.errors import HoldfastError, OperationFailed, Refused

app = App(name="holdfast", help="Storage that is never lost, leaked or lied about.", version=__version__)
app.command("holdfast.cli.pool:app", name="pool", help="Places where volumes live.")
app.command("holdfast.cli.volume:app", name="volume", help="Volumes: directories, file systems, block devices.")
app.command("holdfast.cli.op:app", name="op", help="Operations: what runs, what waits and why.")
app.command("holdfast.cli.local.purge:purge", name="purge")


@app.command
def serve(
    *,
    config: str | None = None,
    check: Annotated[bool, Parameter(negative=())] = False,
    state: str | None = None,
    run: str | None = None,
    listen: str | None = None,
) -> None:
    """Run the daemon in the foreground until SIGTERM. Mounts stay when it ends.

    Parameters
    ----------
    config
        The configuration file; by default /etc/holdfast/holdfast.toml, if it is there.
    check
        Say what is wrong with the configuration, and start nothing.
    state
        The daemon's own directory. It can be removed at any moment without touching a volume's data.
    run
        For the socket; lost at a reboot.
    listen
        unix:PATH; by default unix:RUN/holdfast.sock.
    """
    from holdfast.cli.local.serve import serve as serve_

    serve_(config, state, run, listen, check=check)


@app.command
def status(*, form: Form = "table") -> None:
    """Show the daemon, its pools and what waits."""
    from holdfast.cli.status import show

    show(form)


@app.command
def audit(*, repair: Annotated[bool, Parameter(negative=())] = False, form: Form = "table") -> None:
    """Compare records and world both ways. Exit status 0 only if nothing is left to find.

    Parameters
    ----------
    repair
        Do what is provably safe; say what was left, and why.
    """
    from holdfast.cli import output

    found = client().audit(repair=repair)
    if form != "table":
        output.dump(found, form)
    else:
        rows = [[f.kind, f.subject, f.evidence, "repaired" if f.repaired else f.remedy] for f in found]
        output.table(("KIND", "SUBJECT", "EVIDENCE", "REMEDY"), rows, "Records and world agree.")
    if any(not f.repaired for f in found):
        sys.exit(OperationFailed.exit)


@app.command
def rm(path: str, *, yes: Yes = False) -> None:
    """Remove a file or tree, never through a mount or a symlink. Needs no daemon.

    Parameters
    ----------
    path
        What to remove.
    """
    from holdfast.drivers.dir.marks import POOL_MARK
    from holdfast.host.trees import remove
    from holdfast.runtime.threads import ThreadRuntime

    if os.path.lexists(os.path.join(path, POOL_MARK)):
        raise Refused(f"{path} is a pool.", "Delete its volumes and the pool: holdfast pool delete NAME.")
    confirm(f"remove {os.path.abspath(path)} and all below it", yes)
    print(f"{remove(ThreadRuntime(), path)} entries removed")


@app.command
def resume(*, yes: Yes = False) -> None:
    """Say that this database is the current one, after a restore from a backup."""
    confirm("let operations resume from this database", yes)
    client().resume()
    print("Resumed.")


db = App(name="db", help="The daemon's own database.")
app.command(db)


@db.command
def backup(path: str) -> None:
    """Copy the database, while it is in use, to a new file on the daemon's machine.

    A daemon that starts on the copy resumes nothing until `holdfast resume`.

    Parameters
    ----------
    path
        The new file.
    """
    client().backup(os.path.abspath(path))
    print(f"The database was copied to {os.path.abspath(path)}.")


def main() -> None:
    """Run; an error becomes two lines on stderr and its class's exit status."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a sign gets its number instead
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except HoldfastError as error:
        print(f"error: {error.detail}", file=sys.stderr)
        if error.hint:
            print(f"  → {error.hint}", file=sys.stderr)
        sys.exit(error.exit)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
