"""Intent before effect: a child does nothing before its identity is durable."""

import os
import signal

import pytest

from holdfast.host import processes
from holdfast.host.children import ForkServerChildren
from holdfast.host.forks import Workers
from holdfast.model.errors import Abandoned, Again, Unavailable
from holdfast.model.step import ChildIdentity
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import CLOCK, MIB, UUID, Keeper, digest, eventually, lives, opened, sparse
from tests.host.slowtools import script, server_with_path


class Unable(Keeper):
    """A journal whose disk is full."""

    def child_started(self, child: ChildIdentity) -> None:
        super().child_started(child)
        raise RuntimeError("not journalled")


def test_a_child_that_could_not_be_journalled_never_does_its_work(children: ForkServerChildren, scratch: str) -> None:
    path, keeper = sparse(f"{scratch}/disk", 8 * MIB), Unable()
    before = digest(path)
    with opened(path) as fd, pytest.raises(RuntimeError, match="not journalled"):
        children.run(keeper, "mkfs-ext4", {"fs": "ext4", "uuid": UUID}, (fd,))
    child = keeper.started[0]
    assert eventually(lambda: not lives(child))
    assert digest(path) == before


def test_the_child_waits_while_the_journal_is_slow(
    children: ForkServerChildren, scratch: str, runtime: ThreadRuntime
) -> None:
    path = sparse(f"{scratch}/disk", 8 * MIB)
    before = digest(path)
    seen: list[str] = []

    class Slow(Keeper):
        def child_started(self, child: ChildIdentity) -> None:
            runtime.sleep(0.3)
            seen.append(digest(path))

    with opened(path) as fd:
        children.run(Slow(), "mkfs-ext4", {"fs": "ext4", "uuid": UUID}, (fd,))
    assert seen == [before]
    assert digest(path) != before


def test_a_failpoint_before_the_gate_leaves_the_world_as_it_was(keeper: Keeper, scratch: str) -> None:
    runtime = ThreadRuntime()
    children = ForkServerChildren(runtime)
    path = sparse(f"{scratch}/disk", 8 * MIB)
    before = digest(path)

    def hook(name: str) -> None:
        if name == "child.mkfs-ext4.before":
            raise OSError(5, name)

    runtime.hook = hook
    try:
        with opened(path) as fd, pytest.raises(OSError, match="mkfs-ext4"):
            children.run(keeper, "mkfs-ext4", {"fs": "ext4", "uuid": UUID}, (fd,))
    finally:
        children.close()
    assert digest(path) == before


def test_a_child_whose_daemon_was_killed_is_killed_by_the_server(scratch: str) -> None:
    """The server sees its socket close; what it has forked may not go on alone."""
    keeper = Keeper()
    runtime = ThreadRuntime()
    children = ForkServerChildren(runtime)
    seen: list[bool] = []

    class Leaving(Keeper):
        def child_started(self, child: ChildIdentity) -> None:
            keeper.child_started(child)
            children.server.socket.close()  # as the kernel does for a killed daemon
            children.server.process.wait(10)
            seen.append(eventually(lambda: not lives(child)))

    with opened(sparse(f"{scratch}/disk", MIB)) as fd, pytest.raises(BrokenPipeError):
        children.run(Leaving(), "mkfs-ext4", {"fs": "ext4", "uuid": UUID}, (fd,))
    assert seen == [True]


def descriptors(pid: int | str) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def forked(children: ForkServerChildren) -> list[str]:
    """The processes of the server."""
    pid = children.server.process.pid
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


def test_a_hundred_tools_leave_no_descriptor_and_no_zombie(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper, scratch: str
) -> None:
    script(scratch, "iscsiadm", "exit 0")
    with server_with_path(monkeypatch, scratch) as children:
        server = children.server.process.pid

        def run(times: int) -> None:
            for _ in range(times):
                children.run(keeper, "iscsi-scan", {"iqn": "i", "portal": "p"})

        run(1)
        assert eventually(lambda: not forked(children))
        CLOCK.sleep(0.1)  # the server closes the child's status pipe just after it reaped it
        before = descriptors("self"), descriptors(server)
        run(99)
        assert eventually(lambda: not forked(children) and (descriptors("self"), descriptors(server)) == before)
    assert keeper.started == keeper.ended


def test_a_hundred_works_are_one_workers_who_holds_nothing_of_them(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    def run(times: int) -> tuple[int, int]:
        with opened(scratch, os.O_RDONLY) as fd, opened("/dev/null") as null:
            for _ in range(times):
                children.run(keeper, "loop-detach", {}, (fd,))
                with pytest.raises(Again):  # with a mount that was put nowhere
                    children.run(keeper, "mount-tree", {"read_only": True}, (fd, null))
        (pid,) = {child.pid for child in keeper.started}
        return descriptors("self"), descriptors(pid)

    assert run(1) == run(50)
    assert keeper.started == keeper.ended


def test_a_worker_that_died_while_it_was_idle_is_not_given_work(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    with opened(scratch, os.O_RDONLY) as fd:
        children.run(keeper, "loop-detach", {}, (fd,))
        os.kill(keeper.started[0].pid, signal.SIGKILL)
        assert eventually(lambda: not lives(keeper.started[0]))
        children.run(keeper, "loop-detach", {}, (fd,))
    assert keeper.started == keeper.ended
    assert keeper.started[0] != keeper.started[1]


def test_a_worker_that_did_not_answer_in_time_is_killed_and_one_that_did_is_not_when_its_death_is_asked_for(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    with opened(scratch, os.O_RDONLY) as fd:
        children.run(keeper, "loop-detach", {}, (fd,))
        assert children.prove_dead(keeper.started[0])
        assert lives(keeper.started[0])
        with pytest.raises(Again, match="was killed"):
            children.run(keeper, "loop-detach", {}, (fd,), 0.0)
    assert not lives(keeper.started[1])
    assert keeper.started == keeper.ended


def test_a_worker_that_could_not_be_killed_is_never_used_again_and_only_its_death_counts(
    children: ForkServerChildren, keeper: Keeper, scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "prove_dead", lambda *_: False)
    with opened(scratch, os.O_RDONLY) as fd:
        with pytest.raises(Abandoned):
            children.run(keeper, "loop-detach", {}, (fd,), 0.0)
        assert not children.prove_dead(keeper.started[0])
        children.run(keeper, "loop-detach", {}, (fd,))
    assert keeper.started[1] != keeper.started[0]
    assert keeper.ended == keeper.started[1:]


def test_work_that_could_not_be_journalled_is_never_done_and_its_worker_ends(
    children: ForkServerChildren, scratch: str
) -> None:
    keeper = Unable()
    with opened(scratch, os.O_RDONLY) as fd, pytest.raises(RuntimeError, match="not journalled"):
        children.run(keeper, "mount-tree", {"read_only": True}, (fd, fd))
    assert eventually(lambda: not lives(keeper.started[0]))


def test_a_worker_whose_server_is_gone_is_proven_dead(keeper: Keeper, scratch: str, runtime: ThreadRuntime) -> None:
    children = ForkServerChildren(runtime)
    try:
        with opened(scratch, os.O_RDONLY) as fd:
            children.run(keeper, "loop-detach", {}, (fd,))
            children.server.process.kill()
            assert eventually(lambda: not lives(keeper.started[0]))
            with pytest.raises(Unavailable, match="fork server is gone"):
                children.run(keeper, "loop-detach", {}, (fd,))
    finally:
        children.close()


def test_of_many_workers_at_once_few_are_kept(runtime: ThreadRuntime) -> None:
    children = ForkServerChildren(runtime)
    try:
        taken = [children._workers.take() for _ in range(20)]
        assert len(forked(children)) == 20
        for worker in taken:
            children._workers.put(worker)
        assert eventually(lambda: len(forked(children)) == Workers.most_idle)
    finally:
        children.close()
