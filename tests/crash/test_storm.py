"""A storm: clients create, mount, unmount and delete while the daemon is killed at random; then all agrees.

Every client asks with keys of its own and asks again until it hears the end, as a careful program would; so
each ended request is an acknowledgement that must hold. HOLDFAST_STORM_KILLS and HOLDFAST_STORM_CLIENTS
make it longer; `make storm` shows the table.
"""

import collections
import os
import random
import threading
import time
from collections.abc import Callable

import pytest

from holdfast.client import Client
from holdfast.model.errors import Exists, HoldfastError, InUse, NotFound, Unavailable
from holdfast.model.operations import OperationView
from holdfast.model.resources import Content, FileSystem
from tests.daemon import RealDaemon, loops_below, mounts_below, real_daemon, run, temporary_below, wait_until
from tests.needs import need, need_root

KILLS = int(os.environ.get("HOLDFAST_STORM_KILLS", "30"))
CLIENTS = int(os.environ.get("HOLDFAST_STORM_CLIENTS", "8"))
SEED = 20260
# How long a daemon lives between its first answer and its end, at the most; seconds.
LIFE = 1.2
# How long a client asks in vain until it gives up: the storm has failed; seconds.
PATIENCE = 90.0


class Sailor:
    """One client: what it was told, and what must therefore be true."""

    def __init__(self, daemon: RealDaemon, number: int, over: threading.Event) -> None:
        self._daemon, self._number, self._over = daemon, number, over
        self._random = random.Random(SEED + number)
        self._serial = 0
        self.heard: collections.Counter[str] = collections.Counter()
        self.there: dict[str, str] = {}
        self.mounted: dict[str, str] = {}
        self.gone: set[str] = set()
        self.failed: list[str] = []
        self.error: BaseException | None = None

    def sail(self) -> None:
        """Until the storm is over; the deed under way is finished."""
        client = Client(self._daemon.address, timeout=20.0)
        try:
            while not self._over.is_set():
                self._random.choice(self._possible())(client)
        except BaseException as error:  # noqa: BLE001 - told by the test
            self.error = error
        finally:
            client.close()

    def _possible(self) -> list[Callable[[Client], None]]:
        deeds: list[Callable[[Client], None]] = [self._create]
        if set(self.there) - set(self.mounted):
            deeds += [self._mount, self._delete]
        if self.mounted:
            deeds += [self._unmount]
        return deeds if len(self.there) < 6 else [deed for deed in deeds if deed != self._create]

    def _asked(self, what: str, ask: Callable[[str], OperationView]) -> OperationView | None:
        """Ask with one key until it ended; None if it was refused."""
        self._serial += 1
        key = f"{self._number}-{self._serial}"
        end = time.monotonic() + PATIENCE
        while True:
            try:
                view = ask(key)
            except Unavailable:
                assert time.monotonic() < end, f"{what} of client {self._number} is not answered"
                time.sleep(0.02)
                continue
            except (NotFound, Exists, InUse) as error:
                raise AssertionError(f"{what} of client {self._number} was refused: {error}") from error
            if view.ended:
                self.heard[f"{what} {view.state}"] += 1
                if view.error is not None:
                    self.failed.append(f"{what}: {view.error.detail}")
                return view if view.state == "done" else None

    def _create(self, client: Client) -> None:
        name = f"v{self._number}-{self._serial}"
        content: Content = "filesystem" if self._random.random() < 0.15 else "directory"
        fs: FileSystem | None = "ext4" if content == "filesystem" else None
        if self._asked("create", lambda key: client.create_volume("p", name, "2MiB", content, fs, 20, key=key)):
            self.there[name] = content

    def _free(self) -> str:
        return self._random.choice(sorted(set(self.there) - set(self.mounted)))

    def _mount(self, client: Client) -> None:
        name = self._free()
        path = self._daemon.mnt / name
        path.mkdir(exist_ok=True)
        if self._asked("mount", lambda key: client.mount("p", name, str(path), wait=20, key=key)):
            (path / "mine").write_text(name)
            self.mounted[name] = str(path)

    def _unmount(self, client: Client) -> None:
        name = self._random.choice(sorted(self.mounted))
        view = None
        while view is None:
            try:
                view = next(mount for mount in client.mounts() if mount.path == self.mounted[name])
            except Unavailable:
                assert not self._over.is_set()
                time.sleep(0.02)
        found = view
        if self._asked("unmount", lambda key: client.unmount(found, 20, key=key)):
            del self.mounted[name]

    def _delete(self, client: Client) -> None:
        name = self._free()
        if self._asked("delete", lambda key: client.delete_volume("p", name, 20, key=key)):
            del self.there[name]
            self.gone.add(name)


def blow(daemon: RealDaemon, sailors: list[Sailor]) -> tuple[int, int]:
    """Kill and restart; how many starts succeeded, and how many operations these found unfinished."""
    chance = random.Random(SEED)
    starts = resumed = 0
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.05, LIFE))
        assert not [sailor.error for sailor in sailors if sailor.error]
        daemon.kill()
        daemon.start()
        starts += 1
        try:
            resumed += daemon.client().status().unfinished
        except HoldfastError:
            continue
    return starts, resumed


@pytest.mark.root
def test_a_storm_of_clients_and_kills_loses_nothing_leaks_nothing_and_every_start_succeeds() -> None:
    need_root()
    need("mkfs.ext4")
    begun = time.monotonic()
    with real_daemon() as daemon:
        client = daemon.with_pool()
        over = threading.Event()
        sailors = [Sailor(daemon, number, over) for number in range(CLIENTS)]
        threads = [threading.Thread(target=sailor.sail, daemon=True) for sailor in sailors]
        for thread in threads:
            thread.start()
        try:
            starts, resumed = blow(daemon, sailors)
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
        assert not [sailor.error for sailor in sailors if sailor.error]
        assert not any(thread.is_alive() for thread in threads)
        daemon.settle(60)
        heard = sum((sailor.heard for sailor in sailors), collections.Counter[str]())
        print(*[failure for sailor in sailors for failure in sailor.failed], sep="\n")
        table(heard, starts, resumed, time.monotonic() - begun)
        assert starts == KILLS
        compare(daemon, client, sailors)
        sweep(daemon, client)


def table(heard: "collections.Counter[str]", starts: int, resumed: int, seconds: float) -> None:
    """For people."""
    rows = {**dict(sorted(heard.items())), "kills": KILLS, "starts": starts, "resumed": resumed}
    print()
    for name, count in rows.items():
        print(f"  {name:<20}{count:>6}")
    print(f"  {'seconds':<20}{seconds:>6.0f}", flush=True)


def compare(daemon: RealDaemon, client: Client, sailors: list[Sailor]) -> None:
    """What was acknowledged is so, in the records and in the world."""
    there = {name for sailor in sailors for name in sailor.there}
    mounted = {path for sailor in sailors for path in sailor.mounted.values()}
    recorded = {volume.name: volume.uid for volume in client.volumes("p")}
    assert set(recorded) == there
    assert set(os.listdir(daemon.pool / "volumes")) == set(recorded.values())
    assert set(mounts_below(daemon.root)) == mounted
    assert {mount.path for mount in client.mounts() if mount.mounted} == mounted
    images = [name for sailor in sailors for name in sailor.mounted if sailor.there[name] == "filesystem"]
    wait_until(lambda: len(loops_below(daemon.root)) == len(images), "one loop device per mounted image", 5)
    for sailor in sailors:
        for name, path in sailor.mounted.items():
            assert (daemon.mnt / name / "mine").read_text() == name, path
    assert temporary_below(daemon.pool) == []
    assert client.audit() == []


def sweep(daemon: RealDaemon, client: Client) -> None:
    """Unmount and delete all: nothing is left."""
    for mount in client.mounts():
        assert client.unmount(mount).state == "done"
    for volume in list(client.volumes("p")):
        assert client.delete_volume("p", volume.name).state == "done"
    assert client.audit() == []
    assert os.listdir(daemon.pool / "volumes") == []
    assert mounts_below(daemon.root) == []
    wait_until(lambda: loops_below(daemon.root) == [], "no loop device is left", 5)
    run("sync")
