"""Intent before effect: a child does nothing before its identity is durable."""

import os

import pytest

from holdfast.host.children import ForkServerChildren
from holdfast.model.step import ChildIdentity
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import CLOCK, MIB, UUID, Keeper, digest, eventually, lives, opened, sparse


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
            children._socket.close()  # as the kernel does for a killed daemon
            children._server.wait(10)
            seen.append(eventually(lambda: not lives(child)))

    with opened(sparse(f"{scratch}/disk", MIB)) as fd, pytest.raises(BrokenPipeError):
        children.run(Leaving(), "mkfs-ext4", {"fs": "ext4", "uuid": UUID}, (fd,))
    assert seen == [True]


def test_a_hundred_children_leave_no_descriptor_and_no_zombie(keeper: Keeper, scratch: str) -> None:
    children = ForkServerChildren(ThreadRuntime())
    server = f"/proc/{children._server.pid}"

    def open_files() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), len(os.listdir(f"{server}/fd"))

    def run(times: int) -> None:
        with opened(scratch, os.O_RDONLY) as fd:
            for _ in range(times):
                children.run(keeper, "loop-detach", {}, (fd,))

    def reaped() -> bool:
        with open(f"{server}/task/{children._server.pid}/children") as file:
            return file.read() == ""

    try:
        run(1)
        assert eventually(reaped)
        CLOCK.sleep(0.1)  # the server closes the child's status pipe just after it reaped it
        before = open_files()
        run(99)
        assert eventually(lambda: reaped() and open_files() == before)
    finally:
        children.close()
    assert keeper.started == keeper.ended
