"""The dir driver keeps the contract, on each file system that pools live on."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from holdfast.drivers.contract import Absent, PoolRef, Present, Unknown
from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Again, Refused
from holdfast.testing.conformance.drivers import (
    CopyConformance,
    ImportConformance,
    PoolConformance,
    VolumeConformance,
)
from tests.conformance.dir_harness import DirHarness, HurriedRuntime, below, mounted, run
from tests.needs import need, need_root

PLACES = ["plain", "ext4", "xfs", "btrfs"]


@pytest.fixture(scope="module", params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory on such a file system."""
    base: Path = tmp_path_factory.mktemp("dir") / request.param
    need_root()
    if request.param == "plain":
        base.mkdir()
        yield base
        shutil.rmtree(base)
        return
    need(f"mkfs.{request.param}")
    with mounted(request.param, base) as where:
        yield where


@pytest.fixture
def harness(place: Path, tmp_path: Path, runtime: HurriedRuntime, children: ForkServerChildren) -> Iterator[DirHarness]:
    """A directory per test."""
    with below(place / tmp_path.name, runtime, children) as found:
        yield found


class TestPools(PoolConformance):
    """See there."""


class TestVolumes(VolumeConformance):
    """See there."""


class TestCopies(CopyConformance):
    """See there."""


class TestImports(ImportConformance):
    """See there."""


@pytest.mark.parametrize("fs", PLACES[1:])
def test_a_pool_at_the_root_of_a_disk_is_known_again_and_unknown_while_it_is_away(
    fs: str, tmp_path: Path, runtime: HurriedRuntime, children: ForkServerChildren
) -> None:
    need_root()
    need(f"mkfs.{fs}")
    with mounted(fs, tmp_path / "disk") as where:
        harness = DirHarness(tmp_path, runtime, children)
        pool = PoolRef(runtime.new_id(), "0" * 31 + "1", "dir", {"source": str(where)})
        harness.driver.make_pool(pool, harness.making())
        pool = msgspec.structs.replace(pool, identity=harness.driver.identity(pool))
        run("umount", str(where))
        assert isinstance(harness.driver.look_pool(pool), Unknown)
        run("mount", "-o", "loop", str(tmp_path / "disk" / "image"), str(where))
        assert isinstance(harness.driver.look_pool(pool), Present)
        assert harness.driver.identity(pool) == pool.identity, "the same after a remount, whatever its device"
        harness.driver.remove_pool(pool)
        assert isinstance(harness.driver.look_pool(pool), Absent)


@pytest.mark.parametrize("fs", PLACES[1:])
def test_a_pool_begun_on_a_bare_mount_point_is_taken_back_below_the_disk_and_the_disk_left_alone(
    fs: str, tmp_path: Path, runtime: HurriedRuntime, children: ForkServerChildren
) -> None:
    need_root()
    need(f"mkfs.{fs}")
    with mounted(fs, tmp_path / "disk") as where:
        run("umount", str(where))
        harness = DirHarness(tmp_path, runtime, children)
        pool = PoolRef(runtime.new_id(), "0" * 31 + "1", "dir", {"source": str(where)})
        pool, making = msgspec.structs.replace(pool, identity=harness.driver.identity(pool)), harness.making()
        harness.driver.make_pool(pool, making)
        run("mount", "-o", "loop", str(tmp_path / "disk" / "image"), str(where))
        with pytest.raises(Refused, match="another directory"):
            harness.driver.make_pool(pool, making)
        assert isinstance(harness.driver.look_pool(pool), Unknown)
        assert isinstance(harness.driver.unmade_pool(pool, making), Present)
        (where / "thesis.tex").write_bytes(b"a tenant's data")
        harness.driver.unmake_pool(pool, making)
        harness.driver.persist_pool(pool)
        assert isinstance(harness.driver.unmade_pool(pool, making), Absent)
        assert (where / "thesis.tex").exists()
        run("umount", str(where))
        assert list(where.iterdir()) == []
        run("mount", "-o", "loop", str(tmp_path / "disk" / "image"), str(where))


def test_of_a_place_that_is_not_to_be_seen_nothing_is_said(
    tmp_path: Path, runtime: HurriedRuntime, children: ForkServerChildren
) -> None:
    harness = DirHarness(tmp_path, runtime, children)
    pool = harness.pool()
    pool, making = msgspec.structs.replace(pool, identity=harness.driver.identity(pool)), harness.making()
    harness.driver.make_pool(pool, making)
    with harness.hidden(pool):
        assert isinstance(harness.driver.unmade_pool(pool, making), Unknown)
        with pytest.raises(Again, match="another directory"):
            harness.driver.unmake_pool(pool, making)
    assert isinstance(harness.driver.unmade_pool(pool, making), Present)


@pytest.mark.parametrize("fs", PLACES[1:])
def test_another_empty_disk_at_the_same_path_proves_nothing(
    fs: str, tmp_path: Path, runtime: HurriedRuntime, children: ForkServerChildren
) -> None:
    need_root()
    need(f"mkfs.{fs}")
    harness = DirHarness(tmp_path, runtime, children)
    identities = []
    for n in range(2):
        with mounted(fs, tmp_path / f"disk{n}") as where:
            pool = PoolRef(runtime.new_id(), "0" * 31 + "1", "dir", {"source": str(where)})
            identities.append(harness.driver.identity(pool))
    assert identities[0] != identities[1], "even where both were made in one second"
