"""The btrfs driver keeps the contract, and what it has of a btrfs is seen."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from holdfast.drivers.btrfs.driver import BtrfsDriver
from holdfast.drivers.contract import Absent, PoolRef, Present, VolumeRef
from holdfast.drivers.dir.driver import DirDriver
from holdfast.host.children import ForkServerChildren
from holdfast.host.host import Host
from holdfast.model.errors import Invalid, Refused
from holdfast.testing.conformance.copies import copied, taken_of
from holdfast.testing.conformance.drivers import (
    CopyConformance,
    ImportConformance,
    PoolConformance,
    VolumeConformance,
)
from tests.conformance.dir_harness import KINDS, MIB, DirHarness, HurriedRuntime, below, mounted, run
from tests.needs import need, need_root

DIRECTORY = KINDS[0]
ROOT = 256


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A btrfs with quotas."""
    need_root()
    need("mkfs.btrfs")
    with mounted("btrfs", tmp_path_factory.mktemp("btrfs") / "disk") as where:
        run("btrfs", "quota", "enable", str(where))
        yield where


@pytest.fixture
def harness(place: Path, tmp_path: Path, runtime: HurriedRuntime, children: ForkServerChildren) -> Iterator[DirHarness]:
    """A directory per test."""
    with below(place / tmp_path.name, runtime, children, BtrfsDriver) as found:
        yield found


class TestPools(PoolConformance):
    """See there."""


class TestVolumes(VolumeConformance):
    """See there."""


class TestCopies(CopyConformance):
    """See there."""


class TestImports(ImportConformance):
    """See there."""


def _data(pool: PoolRef, volume: VolumeRef) -> Path:
    return Path(pool.config["source"]) / "volumes" / volume.uid / "data"


def test_directories_are_subvolumes_and_so_are_their_snapshots_and_clones(harness: DirHarness) -> None:
    pool = harness.ready()
    volume = harness.made(pool, DIRECTORY)
    (_data(pool, volume) / "file").write_bytes(b"x" * (MIB // 4))
    snapshot, clone = taken_of(harness, volume), harness.volume(DIRECTORY)
    copied(harness, pool, volume, snapshot)
    copied(harness, pool, snapshot, clone)
    for each in (volume, snapshot, clone):
        assert _data(pool, each).stat().st_ino == ROOT
        assert (_data(pool, each) / "file").stat().st_size == MIB // 4


@pytest.mark.parametrize("what", ["made", "cloned", "resized"])
def test_a_directory_takes_what_it_may_and_no_more(harness: DirHarness, what: str) -> None:
    pool = harness.ready()
    volume = harness.made(pool, DIRECTORY)
    size = volume.size
    if what == "cloned":
        source, volume = volume, harness.volume(DIRECTORY)
        copied(harness, pool, source, volume)
    if what == "resized":
        size *= 4
        harness.driver.resize_volume(pool, volume, size)
    with (_data(pool, volume) / "file").open("wb", buffering=0) as file:
        file.write(os.urandom(size // 2))
        os.fsync(file.fileno())
        with pytest.raises(OSError, match="quota"):  # noqa: PT012 - whichever of them is too much
            for _ in range(4):
                file.write(os.urandom(size // 2))
                os.fsync(file.fileno())


def test_what_has_subvolumes_in_it_is_copied_whole_and_removed_whole(harness: DirHarness) -> None:
    """A snapshot of it would have nothing where they are."""
    pool = harness.ready()
    volume = harness.made(pool, DIRECTORY)
    run("btrfs", "subvolume", "create", str(_data(pool, volume) / "inner"))
    (_data(pool, volume) / "inner" / "file").write_bytes(b"kept")
    snapshot = taken_of(harness, volume)
    copied(harness, pool, volume, snapshot)
    assert (_data(pool, snapshot) / "inner" / "file").read_bytes() == b"kept"
    for each in (volume, snapshot):
        harness.removed(pool, each)
        assert not harness.remains(pool, each)


def test_the_pool_of_another_driver_serves_too(harness: DirHarness, children: ForkServerChildren) -> None:
    """A dir pool's directories are plain, and are copied file by file."""
    pool = harness.ready()
    plain = DirDriver(Host(harness.runtime, children, ()))
    volume, making = harness.volume(DIRECTORY), harness.making()
    plain.make_volume(pool, volume, making)
    harness.write(pool, volume)
    snapshot = taken_of(harness, volume)
    copied(harness, pool, volume, snapshot)
    assert harness.reads_back(pool, snapshot)
    assert _data(pool, volume).stat().st_ino != ROOT
    harness.driver.resize_volume(pool, volume, 2 * volume.size)
    found = plain.look_volume(pool, snapshot)
    assert isinstance(found, Present)
    harness.removed(pool, volume)


def test_without_quotas_a_directory_is_refused_or_has_no_limit(
    tmp_path: Path, runtime: HurriedRuntime, children: ForkServerChildren
) -> None:
    need_root()
    need("mkfs.btrfs")
    with mounted("btrfs", tmp_path / "disk") as where:
        harness = DirHarness(where, runtime, children, BtrfsDriver)
        pool, volume = harness.ready(), harness.volume(DIRECTORY)
        making = harness.making()
        with pytest.raises(Refused, match="quotas of the btrfs") as refused:
            harness.driver.make_volume(pool, volume, making)
        assert "btrfs quota enable" in refused.value.hint
        assert harness.driver.unmake_volume(pool, volume, making)
        assert isinstance(harness.driver.look_volume(pool, volume), Absent)
        pool = msgspec.structs.replace(pool, config={**pool.config, "quotas": "off"})
        harness.driver.make_volume(pool, volume, making)
        with pytest.raises(Invalid, match="on or off"):
            harness.driver.validate({"source": str(where), "quotas": "some"})


def test_only_a_btrfs_will_do(tmp_path: Path, runtime: HurriedRuntime, children: ForkServerChildren) -> None:
    driver = BtrfsDriver(Host(runtime, children, ()))
    with pytest.raises(Invalid, match="needs a btrfs"):
        driver.validate({"source": "/proc"})
    with pytest.raises(Invalid, match="The btrfs driver does not know 'size'"):
        driver.validate({"source": str(tmp_path), "size": "1"})
