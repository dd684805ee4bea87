"""A control plane at work on a recorded database, and started again on what a power cut leaves of it.

Only the database loses anything here: the pool is as it was at that moment. What pools lose is another proof's matter.
"""

import dataclasses
import functools
import os
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from random import Random

from holdfast.control.daemon import Daemon
from holdfast.engine.submit import Caller
from holdfast.model.errors import HoldfastError
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.records import claims, operations
from holdfast.testing.power.disk import Disk
from holdfast.testing.power.events import Event
from holdfast.testing.power.images import Image
from holdfast.testing.power.shadow import ShadowVfs
from holdfast.testing.universe import Universe

CLIENTS = 3
# Virtual seconds; whatever is well ends at once.
PATIENCE = 1e4
# Below the scratch directory: the mode, and the content of a file or None for a directory.
World = dict[str, tuple[int, bytes | None]]


@dataclasses.dataclass
class History:
    """What happened: the database's log, with a mark for each promise, and the rest of the world at lengths of it."""

    log: Sequence[Event]
    worlds: list[tuple[int, World]]

    def promised(self, events: int) -> list[str]:
        """The operations that were acknowledged as done by then."""
        marks = [event.name.split() for event in self.log[:events] if event.kind == "mark"]
        return [words[1] for words in marks if words[0] == "done"]

    def world(self, events: int, random: Random) -> World:
        """As it was then: the last one of a shorter log, or one of those in which it had this length."""
        before = [world for at, world in self.worlds if at < events][-1:]
        return random.choice([*before, *(world for at, world in self.worlds if at == events)])


def recorded(scratch: pathlib.Path, seed: int) -> History:
    """Three clients and two incarnations on a new scratch directory."""
    (scratch / "pool").mkdir()
    disk = Disk(record=True)
    assert disk.log is not None
    history = History(disk.log, [(0, {})])
    universe = Universe(str(scratch), seed)

    def look(universe: Universe, name: str) -> None:
        world = dict(_world(scratch))
        if world != history.worlds[-1][1]:
            history.worlds.append((len(history.log), world))
        if name == "records.commit.before" and universe.scheduler.current is not None:
            universe.runtime.sleep(0.002)  # others gather behind it

    universe.hook = look
    vfs = ShadowVfs(disk)
    try:
        for part in ("a", "b"):
            assert universe.start()
            universe.run(functools.partial(_clients, universe, disk, part))
            universe.bury()
    finally:
        universe.bury()
        vfs.close()
    return history


def _clients(universe: Universe, disk: Disk, part: str) -> None:
    daemon = universe.daemon
    assert daemon is not None
    if part == "a":
        source = os.path.join(universe.scratch, "pool")
        _ask(daemon, disk, PoolCreate(name="p", config={"source": source}))

    def client(number: int) -> None:
        for request in _requests(number, part):
            _ask(daemon, disk, request)

    tasks = [universe.runtime.spawn(f"client-{n}", functools.partial(client, n)) for n in range(CLIENTS)]
    for task in tasks:
        task.join()


def _requests(number: int, part: str) -> Iterator[Asked]:
    first, second = f"d{number}-{part}", f"b{number}-{part}"
    yield VolumeCreate(pool="p", name=first, size="1MiB", content="directory")
    yield VolumeLabel(pool="p", name=first, labels={"part": part, "of": "x" * 60})
    yield VolumeCreate(pool="p", name=second, size="64KiB", content="block")
    yield VolumeRename(pool="p", name=first, new_name=f"r{number}-{part}")
    yield VolumeDelete(pool="p", name=second if number else f"r{number}-{part}")


def _ask(daemon: Daemon, disk: Disk, request: Asked) -> None:
    view = daemon.engine.submit(request.checked(daemon.desk), Caller(), said=request)
    assert daemon.engine.watch.wait(view.id, PATIENCE, parked=False).state == "done"
    disk.mark(f"done {view.id}")


def _world(scratch: pathlib.Path) -> Iterator[tuple[str, tuple[int, bytes | None]]]:
    for path in (scratch / "state" / "made", *sorted((scratch / "pool").rglob("*"))):
        if path.exists():
            content = None if path.is_dir() else path.read_bytes()
            yield str(path.relative_to(scratch)), (path.stat().st_mode & 0o7777, content)


def restore(scratch: pathlib.Path, image: Image, world: World) -> None:
    """Make the scratch directory what it was; the pool's own directory stays the same one, as its disk would."""
    shutil.rmtree(scratch / "state", ignore_errors=True)
    (scratch / "state").mkdir(mode=0o700)
    for path in (scratch / "pool").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, (mode, content) in world.items():
        if content is None:
            (scratch / name).mkdir()
        else:
            (scratch / name).write_bytes(content)
        (scratch / name).chmod(mode)
    for name, content in image.files.items():
        pathlib.Path(name).write_bytes(content)


def restarted(scratch: pathlib.Path, seed: int, promised: Sequence[str]) -> tuple[int, list[str]]:
    """Start a daemon there: how many operations it resumed, and what is wrong once all have ended that can."""
    universe = Universe(str(scratch), seed)
    resumed: list[str] = []

    def look(universe: Universe, name: str) -> None:
        if name == "journal.resume.before" and universe.daemon is not None:
            resumed.extend(_unended(universe.daemon))

    universe.hook = look
    try:
        if not universe.start() or universe.daemon is None:
            return 0, ["it died while it started"]
        daemon = universe.daemon
        universe.run(lambda: [daemon.engine.watch.wait(op, PATIENCE, parked=False) for op in _unended(daemon)])
        findings = universe.run(lambda: daemon.repair.run(repair=False))
        return len(resumed), [*_wrong(daemon, promised), *map(str, findings)]
    except HoldfastError as error:
        return 0, [f"it does not start: {error}"]
    finally:
        universe.bury()


def _unended(daemon: Daemon) -> list[str]:
    return [row.id for row in daemon.records.read(lambda tx: operations.unended(tx, daemon.member.uid))]


def _wrong(daemon: Daemon, promised: Sequence[str]) -> Iterator[str]:
    if daemon.engine.suspended:
        yield f"suspended: {daemon.engine.suspended}"
    rows = {row.id: row for row in daemon.records.read(lambda tx: operations.page(tx, most=1000))}
    yield from (f"unended: {row}" for row in rows.values() if row.state not in {"done", "undone"})
    yield from (f"claimed: {claim}" for claim in daemon.records.read(claims.held))
    yield from (f"lost: {op}" for op in promised if op not in rows or rows[op].state != "done")
