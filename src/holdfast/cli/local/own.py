"""What in the state and run directories is a member's own, and in which order it is removed."""

import os
import re
import stat

from holdfast.cli.local.places import Place
from holdfast.drivers.dir.marks import POOL_MARK
from holdfast.host.mounttable import is_under
from holdfast.model.errors import Invalid, Refused
from holdfast.records.statedir import RESERVE as RESERVE_SIZE

# What a daemon keeps in its state directory (docs/formats.md), and in its run directory.
DATABASE, MADE, LOCK, RESERVE = "holdfast.db", "made", "lock", "reserve"
LOGS = (f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal")
AUDIT_LOG = re.compile(r"(?:audit|refused)\.log(?:\.[0-9]+)?")
SOCKET = "holdfast.sock"


def is_own(name: str) -> bool:
    """Whether a daemon makes a file of that name in its state directory."""
    return name in (DATABASE, MADE, LOCK, RESERVE, *LOGS) or AUDIT_LOG.fullmatch(name) is not None


def check_state(state: Place) -> None:
    """Raise Invalid unless it is a state directory: one with a database or the mark that there was one.

    Without them only files count that nobody can miss: names like audit.log are others' too.
    """
    if state.is_file(MADE) and state.is_file(LOCK):
        return
    if state.is_file(DATABASE) and not _is_blank(state, DATABASE):
        return
    strange = [name for name in state.names() if name not in LOGS and not (is_own(name) and _is_blank(state, name))]
    if strange:
        raise Invalid(
            f"{state.path} is not a state directory: it has no {DATABASE}, but {', '.join(strange[:5])}.",
            "Name the state directory with --state; nothing was removed.",
        )


def check_no_pool(place: Place) -> None:
    """Raise Refused for a pool's directory."""
    if place.info(POOL_MARK) is not None:
        raise Refused(
            f"{place.path} is a pool.", "Name the daemon's own directory; `holdfast pool delete` is for pools."
        )


def check_apart(state: Place, run: Place) -> None:
    """Raise Invalid if one lies inside the other: no daemon runs so."""
    if is_under(state.path, run.path) or is_under(run.path, state.path):
        what = f"The state directory {state.path} and the run directory {run.path} lie inside each other."
        raise Invalid(what, "Name the directories of one daemon with --state and --run.")


def _is_blank(state: Place, name: str) -> bool:
    """Whether it holds nothing but zeros, as `lock`, `reserve` and a database never written to do."""
    info = state.info(name)
    if info is None or not stat.S_ISREG(info.st_mode) or info.st_size > RESERVE_SIZE:
        return False
    with os.fdopen(state.open(name), "rb") as file:
        return not any(file.read())


def files(state: Place) -> list[str]:
    """Its own files in the order of their removal, which a crash may cut short anywhere.

    What is left then is a state directory that a daemon can start on and a purge looks at anew, or one that says by
    itself that nothing is in it. So `made` goes before the database: alone it would say that a database was lost.
    Audit logs go before it too: it alone proves that they are ours. Its write-ahead log goes after it: without
    the log it could be an older one, which knows less. The lock goes last: it is held, so that no daemon starts
    meanwhile.
    """
    audit = [name for name in state.names() if AUDIT_LOG.fullmatch(name)]
    return [name for name in (*audit, RESERVE, MADE, DATABASE, *LOGS, LOCK) if state.is_file(name)]


def strangers(state: Place) -> list[str]:
    """Entries of the state directory that no daemon makes: somebody's data."""
    return [name for name in state.names() if not (is_own(name) and state.is_file(name))]


def guests(run: Place) -> list[str]:
    """Entries of the run directory that are not ours: they stay, and so does it."""
    return [name for name in run.names() if not (name == SOCKET and run.is_socket(SOCKET))]


def paths(state: Place, run: Place) -> list[str]:
    """What a purge removes, each entry."""
    found = [os.path.join(state.path, name) for name in files(state)]
    if run.is_socket(SOCKET):
        found.append(os.path.join(run.path, SOCKET))
    if run.fd is not None and not guests(run):
        found.append(run.path)
    return [*found, state.path]


def told(state: Place, run: Place) -> str:
    """The same in a sentence."""
    text = f"the state directory {state.path} ({', '.join(files(state))})"
    if run.is_socket(SOCKET):
        text += f", the socket {os.path.join(run.path, SOCKET)}"
    if run.path in paths(state, run):
        text += f", the run directory {run.path}"
    return text
