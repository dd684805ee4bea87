"""A script: what one client asks of a machine, at which failpoints the daemon dies meanwhile, and what becomes of it.

Theory of operation. A seed is played on the simulated machine without any weather (`script_play`): one client draws its
requests against what became of the earlier ones, and waits for each. A second play of the same seed kills the daemon at
some of the failpoints that the first one visited; it is started again, resumes, and is asked again under the same key.
What was asked, where it died, what the client was told and how records and world are at the end is the script. Played
again on a real machine (`tests/simulation`), all of it must come out the same: so the simulation cannot drift into
proving itself.
"""

import msgspec

from holdfast.model.operations import OperationView
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.testing.simulation.script_state import State

# Of each kind to mount at, below /mnt: directories d0 …, files f0 ….
PLACES = 3


class Kill(msgspec.Struct, frozen=True):
    """At the `nth` visit of a failpoint since the request was sent."""

    failpoint: str
    nth: int


class Line(msgspec.Struct, frozen=True):
    """One request, its key, and what was told of it: done, undone CODE, refused CODE."""

    request: Asked
    key: str
    kill: Kill | None
    told: str


class Script(msgspec.Struct, frozen=True):
    """The pools' file systems at /srv/p0 and /srv/p1, what was asked, what the audit found, and the end."""

    seed: int
    kinds: tuple[str, str]
    lines: tuple[Line, ...]
    findings: tuple[str, ...]
    end: State


def placed(request: Asked, root: str) -> Asked:
    """The request on a machine whose world is below `root`."""
    match request:
        case VolumeMount() | VolumeUnmount() if request.path.startswith("/"):
            return msgspec.structs.replace(request, path=root + request.path)
        case PoolCreate():
            config = {name: root + value for name, value in request.config.items()}
            return msgspec.structs.replace(request, config=config)
        case _:
            return request


def told(view: OperationView) -> str:
    """How an operation ended."""
    return f"{view.state} {view.error.code}" if view.error else view.state
