"""A scratch directory with a set-up in it: made once, and laid out anew for each history."""

import os
import shutil
from collections.abc import Callable

from holdfast.control.daemon import Daemon
from holdfast.model.operations import OperationView
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.snapshot.mount import SnapshotMount
from holdfast.testing.matrix import checks
from holdfast.testing.matrix.asking import ended, submit
from holdfast.testing.matrix.scenario import Broken
from holdfast.testing.sparse import copy_tree, empty
from holdfast.testing.universe import Universe

_POOLS = ("pool", "second")
_DIRECTORIES = (*_POOLS, "mnt", "other")
# The daemon makes it anew, and as a copy it would be full of holes.
_RESERVE = "reserve"


class Stage:
    """What can be copied (the records, the pool) is done once; from the first mount on it is done for each history.

    A copy of a subvolume is a plain directory, so on a btrfs only the pool is made once.
    A pool's own directory is emptied and filled, not replaced: its inode and birth are the pool's identity.
    Uids that histories draw differ from those of the set-up, and those of another process from both.
    """

    def __init__(
        self,
        scratch: str,
        setup: tuple[Asked, ...],
        prepare: Callable[[str], None],
        seed: int,
        universe: type[Universe] = Universe,
        fs: str = "",
    ) -> None:
        self.scratch = scratch
        self._universe = universe
        self._memory: object = None
        self.seed = 2 * seed + 1
        self._kept = f"{scratch}.kept"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(self._kept, ignore_errors=True)
        for name in _DIRECTORIES:
            os.makedirs(os.path.join(scratch, name))
        self._pool = os.open(os.path.join(scratch, "pool"), os.O_PATH | os.O_CLOEXEC)
        lives = (lambda request: not isinstance(request, PoolCreate)) if fs == "btrfs" else _is_mount
        first = next((number for number, request in enumerate(setup) if lives(request)), len(setup))
        self._live = setup[first:]
        try:
            prepare(scratch)
            self._keep(universe(scratch, 2 * seed), setup[:first])
        except BaseException:
            self.close()
            raise

    def _keep(self, universe: Universe, setup: tuple[Asked, ...]) -> None:
        universe.furnish()
        try:
            universe.start()
            perform(universe, setup)
        finally:
            universe.bury()
        self._memory = universe.memory()
        copy_tree(self.scratch, self._kept)
        os.unlink(os.path.join(self._kept, "state", _RESERVE))

    def lay(self) -> Universe:
        """A daemon that runs, after the set-up; what it does at its start is over."""
        pool = os.path.join(self.scratch, "pool")
        self._bring_back(pool)
        empty(self.scratch, keep=_POOLS)
        for name in _POOLS:
            empty(os.path.join(self.scratch, name))
        copy_tree(self._kept, self.scratch)
        universe = self._universe(self.scratch, self.seed)
        universe.recall(self._memory)
        universe.start()
        perform(universe, self._live)
        universe.run(lambda: universe.runtime.sleep(1.0))
        return universe

    def _bring_back(self, pool: str) -> None:
        """A scenario may have moved the pool's directory away, and put another in its place."""
        where = os.readlink(f"/proc/self/fd/{self._pool}")
        if where != pool:
            shutil.rmtree(pool)
            os.rename(where, pool)

    def close(self) -> None:
        """Remove all of it."""
        checks.tidy(self.scratch)
        os.close(self._pool)
        shutil.rmtree(self.scratch, ignore_errors=True)
        shutil.rmtree(self._kept, ignore_errors=True)


def _is_mount(request: Asked) -> bool:
    return isinstance(request, VolumeMount | SnapshotMount)


def perform(universe: Universe, requests: tuple[Asked, ...]) -> None:
    """Ask for each of these, and have it done; raises Broken."""
    for number, request in enumerate(requests):
        daemon = universe.daemon
        if daemon is None:
            raise Broken("the daemon died in the set-up")
        view = universe.run(_asker(daemon, request, f"setup-{number}-{request}"))
        if view is None or view.state != "done":
            raise Broken(f"the set-up {request} did not work: {view}")


def _asker(daemon: Daemon, request: Asked, key: str) -> Callable[[], OperationView]:
    return lambda: ended(daemon, submit(daemon, request, key))
