"""Loop devices: attached, told apart by their backing file, and detached when nobody uses them."""

import os

import pytest

from holdfast.host import loops
from holdfast.host.children import ForkServerChildren
from holdfast.host.facts import Backing, Loop
from holdfast.model.errors import InUse
from holdfast.runtime.threads import ThreadRuntime
from tests.daemon import wait_until
from tests.host.parts import MIB, Keeper, attached, opened, sparse


def test_an_attached_file_is_found_by_its_backing_until_it_is_detached(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    with opened(sparse(f"{scratch}/disk", MIB)) as fd:
        backing = loops.backing_of(fd)
        assert loops.of_backing(backing) == []
        children.run(keeper, "loop-attach", {"read_only": False}, (fd,))
        (loop,) = loops.of_backing(backing)
        assert (loop.autoclear, loop.read_only, loop.file) == (False, False, f"{scratch}/disk")
        with opened(loop.path) as device:
            assert os.lseek(device, 0, os.SEEK_END) == MIB
        children.run(keeper, "loop-detach", {}, (fd,))
        assert loops.of_backing(backing) == []


def test_a_second_attach_of_the_same_file_makes_no_second_device(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    with opened(sparse(f"{scratch}/disk", MIB)) as fd:
        for _ in range(2):
            children.run(keeper, "loop-attach", {"read_only": False}, (fd,))
        assert len(loops.of_backing(loops.backing_of(fd))) == 1
        children.run(keeper, "loop-detach", {}, (fd,))
        children.run(keeper, "loop-detach", {}, (fd,))  # nothing to do is no error


def test_a_read_only_device_refuses_writes(children: ForkServerChildren, keeper: Keeper, scratch: str) -> None:
    with opened(sparse(f"{scratch}/disk", MIB)) as fd:
        children.run(keeper, "loop-attach", {"read_only": True}, (fd,))
        (loop,) = loops.of_backing(loops.backing_of(fd))
        assert loop.read_only
        with pytest.raises(OSError, match=r"not permitted|Read-only|denied"), opened(loop.path) as device:
            os.write(device, b"x")
        children.run(keeper, "loop-detach", {}, (fd,))


def test_a_device_that_is_open_is_in_use_and_goes_with_its_last_user(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    with opened(sparse(f"{scratch}/disk", MIB)) as fd:
        children.run(keeper, "loop-attach", {"read_only": False}, (fd,))
        (loop,) = loops.of_backing(loops.backing_of(fd))
        with opened(loop.path), pytest.raises(InUse):
            children.run(keeper, "loop-detach", {}, (fd,))
        children.run(keeper, "loop-detach", {}, (fd,))
        assert loops.of_backing(loops.backing_of(fd)) == []


def test_a_device_that_was_to_go_with_its_last_user_still_does_after_a_detach_that_waited_in_vain(scratch: str) -> None:
    """Another mount namespace may hold it for hours; the detach is refused, and nothing stays when that one ends."""
    with opened(sparse(f"{scratch}/disk", MIB)) as fd:
        held = loops.attach(fd, autoclear=True)
        (loop,) = loops.of_backing(loops.backing_of(fd))
        assert not loops.detach(loop)
        os.close(held)
        wait_until(lambda: loops.of_backing(loops.backing_of(fd)) == [], "the device is gone")


def test_a_number_that_is_anothers_by_now_is_left_alone(scratch: str) -> None:
    """What was remembered of a loop number is no evidence: the device is asked whose it is."""
    with attached(sparse(f"{scratch}/theirs", MIB)) as path:
        number = int(path.removeprefix("/dev/loop"))
        theirs = loops.look(number)
        assert theirs is not None
        stale = Loop(number, Backing(1, 1), autoclear=False, read_only=False, file="")
        assert loops.detach(stale)
        assert loops.look(number) == theirs


def test_a_renamed_or_deleted_file_is_still_found_by_its_backing(scratch: str) -> None:
    with opened(sparse(f"{scratch}/disk", MIB)) as fd, attached(f"{scratch}/disk"):
        os.rename(f"{scratch}/disk", f"{scratch}/renamed")
        assert len(loops.of_backing(loops.backing_of(fd))) == 1
        os.unlink(f"{scratch}/renamed")
        assert len(loops.of_backing(loops.backing_of(fd))) == 1


def test_twenty_threads_attach_and_detach_at_once(runtime: ThreadRuntime, scratch: str) -> None:
    """LOOP_CTL_GET_FREE tells all of them the same number."""
    done: list[int] = []

    def one(number: int) -> None:
        for _ in range(3):
            with attached(sparse(f"{scratch}/{number}", MIB)) as path, opened(path) as device:
                os.pwrite(device, b"%04d" % number, 0)
                os.fsync(device)
            with open(f"{scratch}/{number}", "rb") as file:
                assert file.read(4) == b"%04d" % number
        done.append(number)

    tasks = [runtime.spawn(f"t{number}", lambda number=number: one(number)) for number in range(20)]  # type: ignore[misc]
    assert all(task.join(60) for task in tasks)
    assert sorted(done) == list(range(20))
