"""A deadline ends a child, and only a proven death counts."""

import os
import signal
from collections.abc import Callable

import pytest

from holdfast.host import processes
from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Abandoned, Again, Unavailable
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import MIB, Keeper, eventually, lives, opened, sparse
from tests.host.slowtools import script, server_with_path

ARGS = {"fs": "ext4", "uuid": "0123456789ab4def8123456789abcdef"}


def kill_when(children: ForkServerChildren, true: Callable[[], bool]) -> None:
    """SIGKILL to the fork server."""
    if eventually(true):
        children.server.process.send_signal(signal.SIGKILL)


def test_a_child_that_hangs_is_killed_at_its_deadline(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper, scratch: str, runtime: ThreadRuntime
) -> None:
    script(f"{scratch}", "mkfs.ext4", "exec sleep 60")
    with server_with_path(monkeypatch, scratch) as children, opened(sparse(f"{scratch}/disk", MIB)) as fd:
        began = runtime.monotonic()
        with pytest.raises(Again, match="was killed"):
            children.run(keeper, "mkfs-ext4", ARGS, (fd,), 0.5)
        assert 0.4 < runtime.monotonic() - began < 5
        assert keeper.started == keeper.ended
        assert not lives(keeper.started[0])


def test_a_child_that_says_a_little_now_and_then_gains_no_time_by_it(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper, scratch: str, runtime: ThreadRuntime
) -> None:
    script(scratch, "mkfs.ext4", "while true; do echo still at it; sleep 0.1; done")
    with server_with_path(monkeypatch, scratch) as children, opened(sparse(f"{scratch}/disk", MIB)) as fd:
        began = runtime.monotonic()
        with pytest.raises(Again, match="was killed"):
            children.run(keeper, "mkfs-ext4", ARGS, (fd,), 1.0)
        assert runtime.monotonic() - began < 5
        assert not lives(keeper.started[0])


def test_a_stopped_child_is_killed_at_its_deadline_all_the_same(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper, scratch: str
) -> None:
    script(scratch, "mkfs.ext4", "kill -STOP $$; sleep 60")
    with server_with_path(monkeypatch, scratch) as children, opened(sparse(f"{scratch}/disk", MIB)) as fd:
        with pytest.raises(Again, match="was killed"):
            children.run(keeper, "mkfs-ext4", ARGS, (fd,), 0.5)
        assert not lives(keeper.started[0])


def test_a_child_that_cannot_be_proven_dead_is_abandoned_and_not_journalled_as_ended(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper, scratch: str
) -> None:
    script(scratch, "mkfs.ext4", "exec sleep 60")
    with server_with_path(monkeypatch, scratch) as children, opened(sparse(f"{scratch}/disk", MIB)) as fd:
        monkeypatch.setattr(processes, "prove_dead", lambda *_: False)
        with pytest.raises(Abandoned, match="cannot be killed"):
            children.run(keeper, "mkfs-ext4", ARGS, (fd,), 0.2)
        monkeypatch.undo()
        assert keeper.ended == []
        assert lives(keeper.started[0])
        assert children.prove_dead(keeper.started[0])
        assert not lives(keeper.started[0])


def test_a_killed_fork_server_takes_its_children_along_and_says_so(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper, scratch: str, runtime: ThreadRuntime
) -> None:
    script(scratch, "mkfs.ext4", "exec sleep 60")
    with server_with_path(monkeypatch, scratch) as children, opened(sparse(f"{scratch}/disk", MIB)) as fd:
        killer = runtime.spawn("killer", lambda: kill_when(children, lambda: bool(keeper.started)))
        with pytest.raises(Unavailable, match="fork server is gone"):
            children.run(keeper, "mkfs-ext4", ARGS, (fd,), 30)
        assert killer.join(10)
        assert keeper.started == keeper.ended
        assert not lives(keeper.started[0])
        with pytest.raises(Unavailable):
            children.run(keeper, "mkfs-ext4", ARGS, (fd,), 30)
        assert len(keeper.started) == 1


def test_a_child_whose_server_is_killed_dies_without_being_asked_again(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper, scratch: str, runtime: ThreadRuntime
) -> None:
    """PR_SET_PDEATHSIG alone, with prove_dead out of the way: it survives the exec of the tool."""
    script(scratch, "mkfs.ext4", f"touch {scratch}/began; exec sleep 60")
    with server_with_path(monkeypatch, scratch) as children, opened(sparse(f"{scratch}/disk", MIB)) as fd:
        monkeypatch.setattr(processes, "prove_dead", lambda *_: False)
        killer = runtime.spawn("killer", lambda: kill_when(children, lambda: os.path.exists(f"{scratch}/began")))
        with pytest.raises(Abandoned):
            children.run(keeper, "mkfs-ext4", ARGS, (fd,), 30)
        assert killer.join(10)
        assert eventually(lambda: not lives(keeper.started[0]))
