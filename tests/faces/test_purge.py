"""`holdfast purge` of a member that has nothing of value left: all of its own state goes, and nothing else."""

import contextlib
import functools
import io
import json
import os
import pty
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.cli.local.purge import purge
from holdfast.model.errors import HoldfastError
from tests.daemon import BIN, RealDaemon, checksums, fill, mounts_below, real_daemon, run


class Ended:
    """A purge in this process: its exit status, and what it said (table or JSON, error, hint)."""

    def __init__(self, state: Path | str, run: Path | str, **options: Any) -> None:
        said = io.StringIO()
        self.status, self.error, self.hint = 0, "", ""
        with contextlib.redirect_stdout(said):
            try:
                purge(state=str(state), run=str(run), **options)
            except HoldfastError as error:
                self.status, self.error, self.hint = error.exit, error.detail, error.hint
        self.out = said.getvalue()
        self.said = f"{self.out}\n{self.error}\n{self.hint}"


def purged(daemon: RealDaemon, **options: Any) -> Ended:
    """A purge of that daemon's directories, agreed to."""
    return Ended(daemon.state, daemon.run, **{"yes": True, **options})


def reachable(daemon: RealDaemon) -> list[dict[str, Any]]:
    """What the dry run lists, for programs."""
    found: list[dict[str, Any]] = json.loads(purged(daemon, dry_run=True, form="json").out)["reachable"]
    return found


def files(root: Path) -> dict[str, bytes]:
    """Everything below a directory, to the byte."""
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(root.rglob("*"))}


def emptied(daemon: RealDaemon) -> RealDaemon:
    """A daemon that had a pool with a volume, and deleted them; not stopped."""
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    client.delete_volume("p", "v")
    assert client.delete_pool("p").state == "done"
    return daemon


def dead_socket(path: Path) -> None:
    """As a killed daemon leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


@functools.cache
def _template() -> dict[str, bytes]:
    """The state directory of a daemon that had something, has nothing any more, and stopped."""
    with real_daemon() as daemon:
        emptied(daemon).stop()
        return {path.name: path.read_bytes() for path in daemon.state.iterdir()}


def stopped(daemon: RealDaemon) -> RealDaemon:
    """The same, not started, on a copy of such a directory; and with a dead socket, as if it had been killed."""
    daemon.state.mkdir(parents=True)
    for name, content in _template().items():
        (daemon.state / name).write_bytes(content)
    dead_socket(daemon.run / "holdfast.sock")
    return daemon


def _cli(daemon: RealDaemon, *args: str) -> subprocess.CompletedProcess[str]:
    """The command itself."""
    return daemon.cli("purge", "--state", daemon.state, "--run", daemon.run, *args)


def test_a_stopped_member_with_nothing_left_is_purged_whole(daemon: RealDaemon) -> None:
    emptied(daemon).stop()
    (daemon.state / "audit.log").write_text("who did what\n")
    (daemon.state / "audit.log.1").write_text("earlier\n")
    kept = fill(daemon.mnt)
    done = _cli(daemon, "--yes")
    assert done.returncode == 0, done.stderr
    assert "Nothing is reachable" in done.stdout
    assert not daemon.state.exists()
    assert not daemon.run.exists()
    assert checksums(daemon.mnt) == kept


def test_a_killed_members_log_and_socket_go_too_and_a_daemon_begins_anew_as_another_member(daemon: RealDaemon) -> None:
    before = emptied(daemon).client().status().uid
    daemon.kill()
    assert (daemon.state / "holdfast.db-wal").stat().st_size > 0
    assert (daemon.run / "holdfast.sock").exists()
    assert purged(daemon).status == 0
    assert not daemon.state.exists()
    assert not daemon.run.exists()
    client = daemon.with_pool()
    assert client.status().uid != before
    assert client.audit() == []


def test_a_second_purge_finds_nothing_to_do(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    for said in ("is purged", "Nothing to purge"):
        done = purged(member)
        assert done.status == 0
        assert said in done.out
    assert json.loads(purged(member, form="json").out) == {"reachable": [], "removes": []}


def test_an_empty_state_directory_is_nothing_to_purge_and_stays(daemon: RealDaemon) -> None:
    daemon.state.mkdir()
    done = purged(daemon)
    assert done.status == 0
    assert "is empty" in done.out
    assert daemon.state.exists()


def test_a_dry_run_tells_what_would_go_and_changes_not_a_byte(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    before = files(member.root)
    done = _cli(member, "--dry-run", "--yes")
    assert done.returncode == 0, done.stderr
    assert f"the state directory {member.state} (" in done.stdout
    assert all(path.name in done.stdout for path in member.state.iterdir())
    removes = json.loads(purged(member, dry_run=True, form="json").out)["removes"]
    there = (member.state, *member.state.iterdir(), member.run, *member.run.iterdir())
    assert sorted(removes) == sorted(str(path) for path in there)
    assert files(member.root) == before


def test_without_yes_and_without_a_terminal_it_says_what_it_would_remove_and_refuses(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    before = files(member.root)
    done = _cli(member)
    assert done.returncode == 2
    for path in (member.state, member.run, member.run / "holdfast.sock"):
        assert str(path) in done.stderr
    assert files(member.root) == before


@contextlib.contextmanager
def _asked(daemon: RealDaemon, answer: bytes) -> Iterator[subprocess.Popen[str]]:
    """A purge on a terminal that waits for its answer; what is typed at the end."""
    ours, theirs = pty.openpty()
    command = [str(part) for part in (BIN, "purge", "--state", daemon.state, "--run", daemon.run)]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=theirs, stdout=pipe, stderr=pipe, text=True, env=env) as asking:
        try:
            assert asking.stdout is not None
            while "This will remove" not in asking.stdout.readline():
                assert asking.poll() is None
            yield asking
            os.write(ours, answer)
            asking.wait(30)
        finally:
            asking.kill()
            os.close(ours)
            os.close(theirs)


@pytest.mark.parametrize(("answer", "gone"), [(b"n\n", False), (b"y\n", True)])
def test_on_a_terminal_it_asks_first(daemon: RealDaemon, answer: bytes, gone: bool) -> None:
    member = stopped(daemon)
    with _asked(member, answer) as asking:
        assert purged(member).status == 20, "whoever waits for an answer holds the directory"
    assert (asking.returncode == 0) == gone
    assert member.state.exists() != gone


def test_a_mount_that_comes_while_it_asks_is_seen_before_anything_is_removed(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    kept, before = fill(member.pool), files(member.state)
    with _asked(member, b"y\n") as asking:
        run("mount", "--bind", member.pool, member.run)
    assert asking.returncode == 5
    assert files(member.state) == before
    assert mounts_below(member.run) == [str(member.run)]
    assert checksums(member.pool) == kept


def test_strangers_files_in_the_run_directory_stay_and_are_told(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    (member.run / "other.sock").write_text("another program's")
    (row,) = reachable(member)
    assert (row["subject"], row["hinders"]) == (str(member.run / "other.sock"), False)
    assert purged(member).status == 0
    assert os.listdir(member.run) == ["other.sock"]
    assert not member.state.exists()
