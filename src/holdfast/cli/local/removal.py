"""Removing the two directories: entry by entry, by open descriptors, never a tree and never through a mount."""

import os

from holdfast.cli.local.own import SOCKET, files
from holdfast.cli.local.places import Place
from holdfast.host.trees import Removal
from holdfast.model.errors import Again
from holdfast.runtime.api import Runtime


def remove(runtime: Runtime, state: Place, run: Place) -> int:
    """Remove both, each entry durably before the next; how many went. Raises InUse, Refused or Again.

    Only what is our own is named, never a tree; the run directory stays if others' files are in it.
    """
    removed = _unlink(runtime, run, SOCKET) if run.is_socket(SOCKET) else 0
    removed += run.rmdir(runtime)  # nobody comes back for it once the state is gone
    for name in files(state):
        removed += _unlink(runtime, state, name)
    if not state.rmdir(runtime):
        found = ", ".join(state.names()[:5])
        raise Again(f"{state.path} was filled during its removal: {found}.", "See what is there, then purge again.")
    return removed + 1


def _unlink(runtime: Runtime, place: Place, name: str) -> int:
    if place.fd is None:
        return 0
    removal = Removal(runtime, lambda: False)
    removal.run(place.fd, name)
    os.fsync(place.fd)
    return removal.removed
