"""The order SIGKILL, recovery, acknowledgement, power loss: what a resumed daemon sees may not be durable yet.

A first daemon is killed right after one effect of an operation, or before a sync. The next one resumes, on the same
mounted file system, whose cache shows the effect. As it starts it stamps the pool's mark, and so syncs by the way what
was done in the pool before. So the disk of the pool, if it has one of its own, is there only after the start.
"""

import contextlib
import re
from collections.abc import Iterator

import pytest

from holdfast.client import Client
from holdfast.model.errors import Unavailable
from tests.daemon import run, wait_until
from tests.power.fs_asker import Asker, Deed
from tests.power.fs_compare import disagreements
from tests.power.fs_world import World

DEEDS = (
    "create-directory", "create-block", "create-filesystem", "delete-directory", "delete-block", "rename",
    "pool-create", "pool-delete",
)  # fmt: skip
# What was done there may not be durable.
_UNSURE = re.compile(r"\.after$|\.sync[a-z-]*\.before$")
# Not the operation's own effects.
_OTHERS = ("journal.", "records.", "pool.stamp")


class Resumed:
    """Histories of one world; `first` is the environment of the daemons that are killed."""

    def __init__(self, world: World, first: dict[str, str], then: dict[str, str]) -> None:
        self._world, self._first, self._then = world, first, then
        self._daemon = world.daemon
        self._serial = 0
        self.asker = Asker(0, seed=0)
        self._start(first)
        with self._daemon.client() as client:
            assert client.create_pool("p", {"source": str(self._daemon.pool)}).state == "done"

    def _start(self, env: dict[str, str]) -> None:
        self._daemon.env.pop("PYTHONPATH", "")
        self._daemon.env.update(env)
        self._daemon.start()

    def _prepared(self, client: Client, kind: str) -> Deed:
        """What must be there first is, and is durable."""
        self._serial += 1
        act, _, what = kind.partition("-")
        pool, place = f"q{self._serial}", self._daemon.pool.with_name(f"place{self._serial}")
        if act == "pool":
            place.mkdir()
            if what == "delete":
                assert self.asker.ask(client, self.asker.make_pool(pool, place))
            deed = self.asker.delete_pool(pool) if what == "delete" else self.asker.make_pool(pool, place)
        elif act == "create":
            deed = self.asker.deed(kind)
        else:
            making = self.asker.deed(f"create-{what or 'directory'}")
            assert self.asker.ask(client, making)
            (name,) = making.names
            data = self._daemon.pool / "volumes" / self.asker.there[name].uid / "data"
            if what == "directory":
                (data / "a").mkdir()
                (data / "a" / "file").write_bytes(b"a tenant's")
            deed = self.asker.deed(act, name)
        self._world.sync()
        return deed

    def visited(self, kind: str) -> list[str]:
        """Where an undisturbed run has had an effect, as NAME:kill:NTH."""
        trace = self._daemon.root / "trace"
        trace.touch()
        self._daemon.arm(f"trace={trace}")
        with self._daemon.client() as client:
            deed = self._prepared(client, kind)
            before = trace.stat().st_size
            assert self.asker.ask(client, deed)
        names = trace.read_bytes()[before:].decode().split()
        self._daemon.kill()
        self._daemon.disarm()
        self._start(self._first)
        return [
            f"{name}:kill:{names[: at + 1].count(name)}"
            for at, name in enumerate(names)
            if _UNSURE.search(name) and not name.startswith(_OTHERS)
        ]

    def history(self, kind: str, failpoint: str, *, late: bool) -> list[str]:
        """Where told, recorded and world disagree at its end; `late` is the disk that is there only after the start."""
        self._killed_in(kind, failpoint)
        with self._away() if late else contextlib.nullcontext():
            self._start(self._then)
        with self._daemon.client() as client:
            wait_until(lambda: self.asker.ask(client), f"what was killed at {failpoint} is done")
        return self._cut()

    def undo(self) -> list[str]:
        """The same of a making that is cancelled, its undo killed where all was removed and nothing synced."""
        self._killed_in("create-directory", "volume.mark.after:kill")
        with self._away():
            self._start(self._first)
            self._daemon.arm("volume.sync-discarded.before:kill")
            with self._daemon.client() as client:
                (cancelled,) = [view.id for view in client.operations() if not view.ended]
                client.exit(cancelled, "cancel")
        assert self._daemon.ended() == -9
        self._daemon.disarm()
        with self._away():
            self._start(self._then)
        with self._daemon.client() as client:
            wait_until(lambda: client.operation(cancelled).state == "undone", "the making is undone")
            self.asker.doubt = None
        return self._cut()

    def _killed_in(self, kind: str, failpoint: str) -> None:
        with self._daemon.client() as client:
            deed = self._prepared(client, kind)
            self._daemon.arm(failpoint)
            with pytest.raises(Unavailable):
                self.asker.ask(client, deed)
        assert self._daemon.ended() == -9, failpoint
        self._daemon.disarm()

    def _cut(self) -> list[str]:
        self._world.cut()
        self._world.power_returns()
        self._start(self._first)
        self._daemon.settle()
        return disagreements(self._world, [self.asker])

    @contextlib.contextmanager
    def _away(self) -> Iterator[None]:
        (disk,) = self._world.disks
        empty = self._daemon.root / "empty"
        empty.mkdir(exist_ok=True)
        run("mount", "--bind", empty, disk.where)
        try:
            yield
        finally:
            wait_until(lambda: run("umount", disk.where, ok=False).returncode == 0, "the disk is there again")
