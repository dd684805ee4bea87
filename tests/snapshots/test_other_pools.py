"""Copies into another pool, on another file system and of another driver; and copies that are larger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.host.processes import CAP_SYS_RESOURCE, is_capable
from holdfast.model.errors import Invalid, NotFound, Refused
from holdfast.model.resources import FileSystem
from tests.conformance.dir_harness import mounted, run
from tests.daemon import checksums, fill
from tests.needs import need, need_root
from tests.snapshots.place import Place, done, place

pytestmark = pytest.mark.root
# From the pool `p` to `q`: file systems, and the driver of `q`.
WAYS = [("xfs", "ext4", "dir"), ("ext4", "xfs", "dir"), ("xfs", "btrfs", "btrfs"), ("btrfs", "btrfs", "btrfs")]


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Two pools."""
    need_root()
    one, other, driver = request.param
    for tool in (f"mkfs.{one}", f"mkfs.{other}"):
        need(tool)
    with mounted(other, tmp_path / "second") as disk, place(one, tmp_path) as found:
        (disk / "q").mkdir()
        if driver == "btrfs":
            run("btrfs", "quota", "enable", str(disk))
        done(found.client.create_pool("q", {"source": str(disk / "q")}, driver=driver))
        yield found
        for volume in found.client.volumes("q"):
            done(found.client.delete_volume("q", volume.name))
        done(found.client.delete_pool("q"))


def _unmount(client: Client, path: Path) -> None:
    done(client.unmount(client.mounts(str(path))[0]))


@pytest.mark.parametrize("world", WAYS, indirect=True, ids="-".join)
def test_what_a_volume_holds_is_in_its_copy_in_another_pool(world: Place) -> None:
    """While it is written to, and of a snapshot; and each is its own."""
    client, at, there = world.client, world.path("at"), world.path("there")
    for name, content, fs in (("tree", "directory", None), ("files", "filesystem", "ext4")):
        done(client.create_volume("p", name, "16MiB", content, fs))  # type: ignore[arg-type]
        done(client.mount("p", name, str(at)))
        first = fill(at, "a")
        done(client.create_snapshot("p", name, "s"))
        (at / "later").write_text("more")
        second = checksums(at)
        done(client.clone_volume("p", name, name, to="q"))
        done(client.clone_volume("p", name, f"{name}-old", "s", to="q"))
        for copy, held in ((name, second), (f"{name}-old", first)):
            done(client.mount("q", copy, str(there)))
            assert checksums(there) == held
            (there / "mine").write_text("of the copy")
            _unmount(client, there)
        assert checksums(at) == second
        _unmount(client, at)
    assert client.audit() == []


@pytest.mark.parametrize("world", WAYS[:1], indirect=True, ids="-".join)
def test_a_copy_keeps_its_holes(world: Place) -> None:
    client = world.client
    done(client.create_volume("p", "v", "64MiB", "block"))
    (volume,) = client.volumes("p")
    with world.image(volume.uid).open("r+b") as disk:
        for start in range(0, 64, 8):
            disk.seek(start << 20)
            disk.write(b"x" * (1 << 20))
    done(client.clone_volume("p", "v", "w", to="q"))
    (copy,) = client.volumes("q")
    image = Path(client.pool("q").config["source"]) / "volumes" / copy.uid / "disk.raw"
    assert image.read_bytes() == world.image(volume.uid).read_bytes()
    assert image.stat().st_blocks * 512 <= 9 << 20


@pytest.mark.parametrize("world", WAYS[:1], indirect=True, ids="-".join)
@pytest.mark.parametrize("fs", ["ext4", "xfs"])
def test_a_copy_can_be_larger_and_its_file_system_with_it(world: Place, fs: FileSystem) -> None:
    client, at = world.client, world.path("at")
    done(client.create_volume("p", "v", "300MiB", "filesystem", fs))
    done(client.mount("p", "v", str(at)))
    held = fill(at, "a")
    _unmount(client, at)
    if fs == "ext4" and not is_capable(CAP_SYS_RESOURCE):
        with pytest.raises(Refused, match="CAP_SYS_RESOURCE"):
            client.clone_volume("p", "v", "w", size="400MiB")
        return
    done(client.clone_volume("p", "v", "w", size="400MiB"))
    assert client.volume("p", "w").size == 400 << 20
    done(client.mount("p", "w", str(at)))
    assert checksums(at) == held
    assert int(run("findmnt", "-bno", "SIZE", str(at))) > 300 << 20
    _unmount(client, at)
    assert client.audit() == []


@pytest.mark.parametrize("world", WAYS[:1], indirect=True, ids="-".join)
def test_what_stands_in_the_way_of_a_copy_is_said(world: Place) -> None:
    client = world.client
    done(client.create_volume("p", "v", "8MiB", "block"))
    with pytest.raises(Invalid, match="it cannot shrink to 1 MiB"):
        client.clone_volume("p", "v", "w", size="1MiB")
    with pytest.raises(NotFound, match="There is no pool"):
        client.clone_volume("p", "v", "w", to="nowhere")
    done(client.clone_volume("p", "v", "v", to="q", size="9MiB"))
    assert client.volume("q", "v").size == 9 << 20
    said = world.daemon.cli("volume", "clone", "p/v", "q/v")
    assert said.returncode != 0
    assert "in the pool q already" in said.stderr
    assert world.daemon.cli("volume", "clone", "p/v", "q/other", "--size", "16MiB").returncode == 0
    assert client.audit() == []
