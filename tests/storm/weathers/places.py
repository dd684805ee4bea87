"""Weathers that befall the state directory: replaced under a paused daemon, or wanted by a second one."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from holdfast.client import Client
from holdfast.model.errors import HoldfastError, Locked
from tests.storm import settings
from tests.storm.storm import Storm


def _empty(_original: Path, place: Path) -> None:
    place.mkdir(mode=0o700)


def _nothing(_original: Path, place: Path) -> None:
    place.touch(mode=0o600)


def _copy(original: Path, place: Path) -> None:
    if original.is_dir():
        shutil.copytree(original, place)
    else:
        shutil.copy2(original, place)


def _content(place: Path) -> dict[str, tuple[int, int, int]]:
    """What would show that somebody wrote there."""
    entries = [place, *sorted(place.rglob("*"))] if place.is_dir() else [place]
    found = {entry: os.lstat(entry) for entry in entries}
    return {str(entry): (info.st_ino, info.st_size, info.st_mtime_ns) for entry, info in found.items()}


def _replaced(
    storm: Storm, place: Path, put: Callable[[Path, Path], None], then: Callable[[Storm], None] = lambda _storm: None
) -> None:
    """Replace it under a paused daemon: nothing more is acknowledged or written there; put back, all goes on."""
    away = place.with_name(f"{place.name}.away")
    with storm.stopped():
        place.rename(away)
        put(away, place)
        then(storm)
        before = _content(place)
        time.sleep(storm.chance.uniform(0.0, 0.2))
    _acknowledges_nothing(storm)
    storm.ends()
    assert _content(place) == before, f"{place} was written to, and is not the daemon's"
    if place.is_dir():
        shutil.rmtree(place)
    away.replace(place)
    storm.again()
    storm.nobody_is_left()


def _acknowledges_nothing(storm: Storm) -> None:
    client = Client(storm.daemon.address, settings.ANSWER)
    try:
        view = client.create_volume("p", f"late{storm.log.starts}", "1MiB", wait=settings.WAIT)
    except HoldfastError:
        return
    finally:
        client.close()
    raise AssertionError(f"a daemon without its place took a request: {view}")


def state_is_empty(storm: Storm) -> None:
    """An empty state directory in place of its own."""
    _replaced(storm, storm.daemon.state, _empty)


def state_is_a_copy(storm: Storm) -> None:
    """A copy of the state directory in place of the original."""
    _replaced(storm, storm.daemon.state, _copy)


def database_is_a_copy(storm: Storm) -> None:
    """A copy of the database in place of the original."""
    _replaced(storm, storm.daemon.state / "holdfast.db", _copy)


def lock_is_another(storm: Storm) -> None:
    """Another lock file in place of the one it holds: a second daemon that locks it is refused all the same."""
    _replaced(storm, storm.daemon.state / "lock", _nothing, _second_is_refused)


def _second_is_refused(storm: Storm) -> None:
    for run in (storm.daemon.run, storm.daemon.root / "second"):
        done = storm.daemon.cli("serve", "--state", storm.daemon.state, "--run", run)
        assert done.returncode == Locked.exit, f"a second daemon ended with status {done.returncode}: {done.stderr}"


def second_daemon(storm: Storm) -> None:
    """A second daemon on the same state is refused, on the same socket and on another."""
    _second_is_refused(storm)
    storm.lives()
