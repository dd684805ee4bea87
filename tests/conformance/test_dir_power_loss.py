"""A disk that loses its power at any moment: what was acknowledged is whole, the rest is there or not there."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from holdfast.drivers.contract import Absent, PoolRef, Present, VolumeRef
from holdfast.host.children import ForkServerChildren
from holdfast.testing.conformance.copies import copied, staged, taken_of
from holdfast.testing.conformance.harness import Kind
from tests.conformance.dir_harness import DirHarness, HurriedRuntime, close_below, mounted
from tests.daemon import synced
from tests.needs import need, need_root
from tests.power.disks import Disk

DIRECTORY, BLOCK = Kind("directory", None, 1 << 20), Kind("block", None, 1 << 20)


class _PowerCut(Exception):
    """The daemon is gone too."""


class DriversDisk(Disk):
    """One that a driver in this process has open."""

    def back(self) -> None:
        """Mounted again. A failpoint right after a file's creation loses the descriptor that the call returned."""
        gc.collect()  # an iterator of a directory closes its own
        close_below(self.where)
        super().back()


@pytest.fixture(params=["ext4", "xfs", "btrfs"])
def disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    """In memory: what is cut is the file system, not what its image lies on."""
    need_root()
    need(f"mkfs.{request.param}")
    place = Path(f"/dev/shm/holdfast-power-{os.getpid()}")
    with mounted(request.param, place) as where:
        yield DriversDisk(where, place / "image", request.param)


@pytest.fixture
def harness(tmp_path: Path, disk: Disk) -> Iterator[DirHarness]:
    runtime = HurriedRuntime()
    children = ForkServerChildren(runtime)
    yield DirHarness(disk.where, runtime, children)
    runtime.hook = None
    children.close()


def _pool(harness: DirHarness) -> PoolRef:
    pool = harness.pool()
    harness.driver.make_pool(pool, harness.making())
    return msgspec.structs.replace(pool, identity=harness.driver.identity(pool))


def _cut_at(harness: DirHarness, disk: Disk, nth: int, act: Callable[[], object]) -> bool:
    """Whether it came to the nth failpoint, where the power went."""
    left = [nth]

    def hook(_name: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            disk.cut()
            raise _PowerCut

    harness.runtime.hook = hook
    try:
        act()
    except _PowerCut:
        return True
    finally:
        harness.runtime.hook = None
    return False


def _each_cut(harness: DirHarness, disk: Disk, act: Callable[[], Callable[[], object]]) -> Iterator[int]:
    """Do it again and again, cut one failpoint later each time, and mounted again."""
    for nth in range(1, 100):
        cut = _cut_at(harness, disk, nth, act())
        if not cut:
            disk.cut()  # right after the acknowledgement
        disk.back()
        yield nth if cut else 0
        if not cut:
            return


@pytest.mark.parametrize("kind", [DIRECTORY, BLOCK], ids=lambda kind: kind.content)
def test_a_volume_is_whole_or_not_there_and_whole_once_it_was_acknowledged(
    harness: DirHarness, disk: Disk, kind: Kind
) -> None:
    pool = _pool(harness)
    disk.cut()
    disk.back()
    made: list[VolumeRef] = []

    def act() -> Callable[[], object]:
        made.append(harness.volume(kind))
        volume, making = made[-1], harness.making()
        return lambda: harness.driver.make_volume(pool, volume, making)

    cuts = 0
    for nth in _each_cut(harness, disk, act):
        found = harness.driver.look_volume(pool, made[-1])
        assert isinstance(found, Present if nth == 0 else (Absent, Present)), (nth, found)
        cuts += 1
    assert cuts > 5
    for volume in made:
        if isinstance(harness.driver.look_volume(pool, volume), Present):
            assert harness.driver.remove_volume(pool, volume, harness.keeper)


@pytest.mark.parametrize("kind", [DIRECTORY, BLOCK], ids=lambda kind: kind.content)
def test_a_removal_is_begun_or_not_and_over_once_it_was_acknowledged(
    harness: DirHarness, disk: Disk, kind: Kind
) -> None:
    pool = _pool(harness)
    gone: list[VolumeRef] = []

    def act() -> Callable[[], object]:
        volume = harness.volume(kind)
        gone.append(volume)
        harness.driver.make_volume(pool, volume, harness.making())
        harness.write(pool, volume)
        synced(disk.where)
        return lambda: harness.driver.remove_volume(pool, volume, harness.keeper)

    cuts = 0
    for nth in _each_cut(harness, disk, act):
        found = harness.driver.removed_volume(pool, gone[-1])
        assert isinstance(found, Absent if nth == 0 else (Absent, Present)), (nth, found)
        while not harness.driver.remove_volume(pool, gone[-1], harness.keeper):
            pass  # it goes on where it was
        assert not harness.remains(pool, gone[-1])
        cuts += 1
    assert cuts > 3


@pytest.mark.parametrize("kind", [DIRECTORY, BLOCK], ids=lambda kind: kind.content)
def test_a_snapshot_is_whole_or_not_there_and_whole_once_it_was_acknowledged(
    harness: DirHarness, disk: Disk, kind: Kind
) -> None:
    driver, pool = harness.driver, _pool(harness)
    volume = harness.made(pool, kind)
    harness.write(pool, volume)
    synced(disk.where)
    taken: list[VolumeRef] = []

    def act() -> Callable[[], object]:
        taken.append(taken_of(harness, volume))
        return lambda: copied(harness, pool, volume, taken[-1])

    cuts = 0
    for nth in _each_cut(harness, disk, act):
        found = driver.look_volume(pool, taken[-1])
        assert isinstance(found, Present if nth == 0 else (Absent, Present)), (nth, found)
        assert isinstance(found, Absent) or harness.reads_back(pool, taken[-1]), nth
        assert harness.reads_back(pool, volume), nth
        cuts += 1
    assert cuts > 5


@pytest.mark.parametrize("kind", [DIRECTORY, BLOCK], ids=lambda kind: kind.content)
def test_a_restored_volume_is_the_old_or_the_new_and_the_new_once_it_was_acknowledged(
    harness: DirHarness, disk: Disk, kind: Kind
) -> None:
    driver, pool = harness.driver, _pool(harness)
    volume = harness.made(pool, kind)
    empty, full = taken_of(harness, volume), taken_of(harness, volume)
    copied(harness, pool, volume, empty)
    harness.write(pool, volume)
    copied(harness, pool, volume, full)
    synced(disk.where)
    begun: list[str] = []

    def restore(snapshot: VolumeRef, operation: str) -> None:
        staged(harness, pool, volume, snapshot, harness.making(operation))
        driver.swap_restore(pool, volume, snapshot, operation)
        _discarded(harness, pool, volume, operation)

    def act() -> Callable[[], object]:
        begun.append(harness.runtime.new_id())
        return lambda: restore(empty, begun[-1])

    ends = []
    for nth in _each_cut(harness, disk, act):
        found = driver.look_volume(pool, volume)
        assert isinstance(found, Present), (nth, found)
        restored = found.facts.operation == begun[-1]
        assert restored or nth, "what was acknowledged is lost"
        assert harness.reads_back(pool, volume) != restored, nth
        ends.append(restored)
        _discarded(harness, pool, volume, begun[-1])
        restore(full, harness.runtime.new_id())
        assert harness.reads_back(pool, volume), nth
        synced(disk.where)
    assert set(ends) == {False, True}
    assert len(ends) > 10


def _discarded(harness: DirHarness, pool: PoolRef, volume: VolumeRef, operation: str) -> None:
    while not harness.driver.discard_restore(pool, volume, operation):
        pass
