"""A storm: clients make, mount, snapshot, restore and delete while everything below them breaks; then all agrees.

`make storm` makes it ten minutes long. HOLDFAST_STORM_SECONDS, _CLIENTS and _SEED change it; report/storm.txt has
the table. A storm that failed leaves the daemon's log and state in report/storm-failed.
"""

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.testing.flasharray.judging import judge
from tests.needs import need, need_root
from tests.storm import settings
from tests.storm.afterwards import lose
from tests.storm.comparison import Difference, compare
from tests.storm.notes import Notes
from tests.storm.place import StormDaemon, storm_daemon
from tests.storm.sailors import Sailor
from tests.storm.seen import POOLS, left_in_journal, look, strays
from tests.storm.storm import Storm
from tests.storm.weathers import WEATHERS

# Seconds for what ends by itself after the last operation: an autoclear device, a process that is reaped.
LINGER = 15.0
# Weathers that end a mkfs, but not the daemon.
KILLING = (
    "a worker is killed", "mkfs is killed", "a worker hangs past its deadline", "the fork server is killed",
    "the fork server hangs for a while",
)  # fmt: skip
EVIDENCE = Path("report/storm-failed")


@pytest.mark.root
def test_a_storm_loses_nothing_leaks_nothing_and_every_start_succeeds() -> None:
    need_root()
    need(f"mkfs.{settings.FS}")
    begun = time.monotonic()
    with storm_daemon() as daemon, evidence(daemon):
        client = daemon.with_pools()
        storm = Storm(daemon)
        notes = sail(storm)
        calm(storm)
        found = lasting(daemon, client, notes)
        storm.log.tell(notes, found, time.monotonic() - begun)
        assert found == []
        assert all(storm.log.came[weather.name] for weather in WEATHERS)
        lose(storm, client, notes)
        assert lasting(daemon, client, notes) == []
        sweep(daemon, client)
        assert judge(daemon.array.array.log) > 0
        met = daemon.array.array.weather.met
        assert met.keys() >= {"away", "late", "reply-lost"}, f"nobody met it: {met}"
        assert notes.interrupted <= storm.log.kills + sum(storm.log.came[name] for name in KILLING)


@contextlib.contextmanager
def evidence(daemon: StormDaemon) -> Iterator[None]:
    """Keep what tells why it failed."""
    shutil.rmtree(EVIDENCE, ignore_errors=True)
    try:
        yield
    except BaseException:
        daemon.kill()
        EVIDENCE.mkdir(parents=True)
        shutil.copy(daemon.log, EVIDENCE)
        shutil.copytree(daemon.disk, EVIDENCE / "disk", ignore=shutil.ignore_patterns("lost+found", "ballast"))
        raise


def sail(storm: Storm) -> Notes:
    """Let the clients sail through the weathers; what they were told, all together."""
    over, wrecked = threading.Event(), threading.Event()
    sailors = [Sailor(storm.daemon, number, over, wrecked, storm.pool_was_full) for number in range(settings.CLIENTS)]
    for sailor in sailors:
        sailor.start()
    try:
        blow(storm, sailors)
    except BaseException:
        wrecked.set()
        raise
    finally:
        over.set()
        for sailor in sailors:
            sailor.thread.join(settings.PATIENCE)
    well(sailors)
    assert not any(sailor.thread.is_alive() for sailor in sailors)
    notes = Notes()
    for sailor in sailors:
        notes.add(sailor.notes)
    return notes


def well(sailors: list[Sailor]) -> None:
    """No client was told what is not so."""
    for sailor in sailors:
        if sailor.error is not None:
            raise AssertionError(f"of a client: {sailor.error}") from sailor.error


def blow(storm: Storm, sailors: list[Sailor]) -> None:
    """Every weather once, in any order; then as their shares are, until the time is over."""
    end = time.monotonic() + settings.SECONDS
    first = storm.chance.sample(WEATHERS, len(WEATHERS))
    while first or time.monotonic() < end:
        time.sleep(storm.chance.uniform(0.05, settings.LULL))
        well(sailors)
        weather = first.pop() if first else storm.chance.choices(WEATHERS, [one.share for one in WEATHERS])[0]
        try:
            weather.act(storm)
        except AssertionError as error:
            raise AssertionError(f"{weather.name}: {error}") from error
        storm.log.came[weather.name] += 1


def calm(storm: Storm) -> None:
    """All ends, and once more in order: what a start puts right (the mark of a pool that was full) is put right."""
    storm.daemon.array.array.weather.troubles.clear()
    storm.daemon.settle(settings.PATIENCE)
    assert storm.daemon.stop() == 0
    storm.again()
    storm.nobody_is_left()


def lasting(daemon: StormDaemon, client: Client, notes: Notes) -> list[Difference]:
    """The differences that stay."""
    end = time.monotonic() + LINGER
    while (found := compare(notes, look(daemon, client, notes))) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def sweep(daemon: StormDaemon, client: Client) -> None:
    """Unmount and delete all: nothing is left, in the world and in the journal."""
    for mount in client.mounts():
        assert client.unmount(mount).state == "done"
    for pool in POOLS:
        for volume in list(client.volumes(pool)):
            for snapshot in list(client.snapshots(pool, volume.name)):
                assert client.delete_snapshot(pool, volume.name, snapshot.name).state == "done"
            assert client.delete_volume(pool, volume.name).state == "done"
    assert lasting(daemon, client, Notes()) == []
    assert daemon.stop() == 0
    assert left_in_journal(daemon.state / "holdfast.db") == []
    assert strays(daemon) == []
