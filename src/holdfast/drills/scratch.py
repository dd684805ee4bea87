"""Setting a drill's stage, and clearing it whatever happens; what cannot be removed is named."""

import contextlib
import os
from collections.abc import Iterator

from holdfast.drills import clearing
from holdfast.drills.interrupts import undisturbed
from holdfast.drills.messages import RUN
from holdfast.drills.stage import POOL, Stage
from holdfast.drivers.dir.marks import POOL_MARK
from holdfast.host.linux import LINUX
from holdfast.model.errors import DrillFailed, Refused, from_os_error
from holdfast.operations.pool.create import PoolCreate
from holdfast.runtime.threads import ThreadRuntime

# For what is large, and not on a tmpfs: file-hierarchy(7), which names the variable too.
_LARGE, _VARIABLE = "/var/tmp", "TMPDIR"  # noqa: S108  what is made there has a name that nobody can foresee


@contextlib.contextmanager
def staged(driver: str, options: dict[str, str]) -> Iterator[Stage]:
    """A stage with an empty pool of that driver; without options, a dir pool in a directory of the drill's own.

    Raises what is wrong with them, before anything is made there. What is left at the end is in `Stage.left`, or, where
    the end came early, raised as DrillFailed.
    """
    runtime, above = ThreadRuntime(), LINUX.realpath(os.environ.get(_VARIABLE) or _LARGE)
    stage = Stage(runtime, os.path.join(above, f"holdfast-drill-{runtime.new_id()}"))
    try:
        _make_directory(stage)
        _make_pool(stage, driver, options)
        yield stage
    except BaseException:
        _clear(stage)
        if stage.left:
            raise _failed(stage) from None
        raise
    _clear(stage)


def told(stage: Stage) -> str:
    """What is left."""
    return f"left behind: {'; '.join(stage.left)}"


def _failed(stage: Stage) -> DrillFailed:
    return DrillFailed(f"{told(stage)[0].upper()}{told(stage)[1:]}.", "Remove it by hand.")


def _clear(stage: Stage) -> None:
    """Ctrl-C does not stop it."""
    try:
        with undisturbed(), stage.until_cleared:
            stage.left = clearing.clear(stage)
    except (KeyboardInterrupt, SystemExit):
        if stage.left:
            raise _failed(stage) from None
        raise


def _make_directory(stage: Stage) -> None:
    try:
        os.mkdir(stage.directory, mode=0o700)
        os.mkdir(stage.path(RUN))
    except OSError as error:
        raise from_os_error(error, f"making {error.filename}") from error


def _make_pool(stage: Stage, driver: str, options: dict[str, str]) -> None:
    stage.private.start()
    if driver == "dir" and not options:
        options = {"source": stage.path("pool")}
        os.mkdir(options["source"])
    place = stage.ask(str, "place", driver=driver, options=options)
    _check_outside(place)
    stage.open(place)
    stage.do(PoolCreate(name=POOL, driver=driver, config=options))


def _check_outside(place: str) -> None:
    """What is empty in a pool is its all the same. Raises Refused."""
    above = os.path.dirname(place)
    while place.startswith("/") and above != "/":
        if os.path.lexists(os.path.join(above, POOL_MARK)):
            raise Refused(f"{place} lies in the pool {above}.", "Choose an empty place outside of any pool.")
        above = os.path.dirname(above)
