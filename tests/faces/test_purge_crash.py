"""A purge that ends anywhere is finished by the next one, and leaves no state that misleads a daemon."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.cli.local import own
from holdfast.cli.local.places import Place
from holdfast.cli.local.purge import carry_out
from holdfast.model.errors import Again
from holdfast.runtime.api import Killed
from holdfast.runtime.threads import ThreadRuntime
from tests.daemon import RealDaemon
from tests.faces.test_purge import dead_socket, emptied, files, stopped

KILLED = """
import sys
from holdfast.cli.local.purge import carry_out
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.failpoints import armed
runtime = ThreadRuntime()
runtime.hook = armed(sys.argv[3])
carry_out(runtime, sys.argv[1], sys.argv[2], dry_run=False, yes=True, form="table")
"""


def _purge(root: Path, runtime: ThreadRuntime | None = None) -> None:
    state, run = str(root / "state"), str(root / "run")
    carry_out(runtime or ThreadRuntime(), state, run, dry_run=False, yes=True, form="table")


def _copy(daemon: RealDaemon, root: Path) -> None:
    """Another member's directories, as a killed daemon left them."""
    shutil.copytree(daemon.state, root / "state")
    dead_socket(root / "run/holdfast.sock")


def _removals(runtime: ThreadRuntime, die_at: int = 0) -> list[str]:
    """The names of the failpoints that it passes from now on; it dies at the one of that number."""
    passed: list[str] = []

    def hook(name: str) -> None:
        if name.startswith(("tree.remove", "purge.")):
            passed.append(name)
            if len(passed) == die_at:
                raise Killed

    runtime.hook = hook
    return passed


def _is_purged(root: Path) -> bool:
    """Nothing of it is left. An empty directory is nobody's, and stays: that one instant cannot be closed."""
    return files(root / "state") == {} and not (root / "run").exists()


def test_after_an_end_at_any_of_its_steps_the_next_purge_finishes_it(daemon: RealDaemon) -> None:
    emptied(daemon).kill()
    (daemon.state / "audit.log.1").write_text("who did what\n")
    _copy(daemon, daemon.root / "whole")
    whole = ThreadRuntime()
    steps = _removals(whole)
    _purge(daemon.root / "whole", whole)
    assert not (daemon.root / "whole/state").exists()
    names = len(os.listdir(daemon.state)) + len(["the socket"]) + len(["state", "run"])
    assert len(steps) == 2 * names, "before and after each"
    for number in range(1, len(steps) + 1):
        root = daemon.root / str(number)
        _copy(daemon, root)
        dying = ThreadRuntime()
        _removals(dying, number)
        with pytest.raises(Killed):
            _purge(root, dying)
        _purge(root)
        assert _is_purged(root), steps[:number]


@pytest.mark.parametrize("last", ["made", "holdfast.db", "holdfast.db-wal"])
def test_a_killed_purge_leaves_a_state_on_which_a_daemon_starts_and_which_is_purged_again(
    daemon: RealDaemon, last: str
) -> None:
    emptied(daemon).kill()
    place = Place(str(daemon.state))
    order = own.files(place)
    place.close()
    removed, left = order[: order.index(last) + 1], order[order.index(last) + 1 :]
    point = f"tree.remove.after:kill:{len(removed) + 1}"  # the socket is the first
    command = [sys.executable, "-c", KILLED, str(daemon.state), str(daemon.run), point]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert sorted(os.listdir(daemon.state)) == sorted(left)
    assert "lock" in left
    client = daemon.start().client()
    assert client.pools() == []
    assert client.audit() == []
    daemon.stop()
    _purge(daemon.root)
    assert not daemon.state.exists()


def test_a_daemon_that_crashed_before_its_first_database_left_nothing_of_value(daemon: RealDaemon) -> None:
    daemon.state.mkdir()
    (daemon.state / "lock").touch()
    (daemon.state / "reserve").write_bytes(bytes(1 << 20))
    (daemon.state / "holdfast.db").touch()
    _purge(daemon.root)
    assert not daemon.state.exists()


def test_what_appears_during_the_removal_is_not_removed(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    runtime = ThreadRuntime()

    def hook(name: str) -> None:
        if name == "tree.remove.after":
            (member.state / "late").write_text("precious")

    runtime.hook = hook
    with pytest.raises(Again, match="late"):
        _purge(member.root, runtime)
    assert os.listdir(member.state) == ["late"]
    assert (member.state / "late").read_text() == "precious"


def test_a_directory_that_took_the_place_of_the_state_directory_meanwhile_stays(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    runtime = ThreadRuntime()
    once = iter([True])

    def hook(name: str) -> None:
        if name == "tree.remove.after" and next(once, False):
            member.state.rename(member.root / "moved")
            member.state.mkdir()

    runtime.hook = hook
    with pytest.raises(Again, match="replaced"):
        _purge(member.root, runtime)
    assert member.state.exists()
    assert os.listdir(member.root / "moved") == [], "what was looked at and locked is what was emptied"
