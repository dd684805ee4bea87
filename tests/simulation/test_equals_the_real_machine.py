"""What the simulation says of a seed, a real daemon does on a real machine: so it cannot drift into proving itself.

`make proof` plays 200 seeds, `make test` some of them. To play one: HOLDFAST_PROOF=1 python -m pytest FILE -k 'seed17-'.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator

import pytest

from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.rename import VolumeRename
from holdfast.testing.simulation import filesystems
from holdfast.testing.simulation.devices import Devices
from holdfast.testing.simulation.invariants import Breach
from holdfast.testing.simulation.machine import Machine
from holdfast.testing.simulation.mounts import Mounts
from holdfast.testing.simulation.nodes import Node
from holdfast.testing.simulation.script import Play, script
from holdfast.testing.simulation.script_hands import PLACE
from holdfast.testing.simulation.telling import quiet
from tests.daemon import RealDaemon, run
from tests.needs import need, need_root
from tests.simulation.real_play import Outcome, Player, difference, expected, stage

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
SEEDS = range(200) if PROOF else range(0, 200, 25)


@pytest.fixture(autouse=True)
def _quietly() -> None:
    quiet()


def _need_all() -> None:
    need_root()
    for tool in ("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "fsck.ext4"):
        need(tool)


@pytest.mark.root
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed{seed}-")
def test_a_real_daemon_ends_as_the_simulated_one(seed: int) -> None:
    _need_all()
    played = script(seed)
    with stage(played) as (player, _):
        differs = difference(played, player.play())
    again = f"HOLDFAST_PROOF=1 python -m pytest {os.path.relpath(__file__)} -k seed{seed}-"
    assert not differs, f"seed {seed}, play it again: {again}\n{differs}"


def test_a_seed_gives_the_same_script_twice() -> None:
    assert script(7) == script(7)
    assert script(7) != script(8)


@pytest.mark.skipif(not PROOF, reason="of all scripts together, so in make proof only")
def test_the_scripts_ask_for_everything_and_die_everywhere() -> None:
    lines = [line for seed in SEEDS for line in script(seed).lines]
    done = {type(line.request).__name__ for line in lines if line.told == "done"}
    assert done == {
        "PoolCreate", "PoolChange", "PoolDelete", "PoolForget", "VolumeCreate", "VolumeDelete", "VolumeRename",
        "VolumeLabel", "VolumeMount", "VolumeUnmount", "VolumeCheck", "VolumeTrim",
    }  # fmt: skip
    kills = [line.kill for line in lines if line.kill is not None]
    assert len(kills) >= 2 * len(SEEDS)
    assert len({kill.failpoint for kill in kills}) >= 45


# -- controls --------------------------------------------------------------------------------------


class Short(Play):
    """A fixed story: of each content one volume, mounted or not, renamed or not."""

    def requests(self) -> Iterator[Asked]:
        yield PoolCreate(name="p0", config={"source": "/srv/p0"})
        for name, content in (("tree", "directory"), ("disk", "block"), ("left", "directory")):
            yield VolumeCreate(pool="p0", name=name, size="1MiB", content=content)
        yield VolumeCreate(pool="p0", name="system", size="1MiB", content="filesystem", fs="ext4")
        yield VolumeRename(pool="p0", name="left", new_name="kept")
        yield VolumeMount(pool="p0", name="tree", path="/mnt/d0", read_only=True)
        yield VolumeMount(pool="p0", name="disk", path="/mnt/f0")
        yield VolumeMount(pool="p0", name="system", path="/mnt/d1")
        yield VolumeMount(pool="p0", name="system", path="/mnt/d2")
        yield VolumeUnmount(path="/mnt/d2")
        yield VolumeCreate(pool="p0", name="gone", size="1MiB")
        yield VolumeDelete(pool="p0", name="gone")


def _rename_keeps_the_old_name(monkeypatch: pytest.MonkeyPatch) -> None:
    right = filesystems.rename

    def wrong(source: Node, old: str, target: Node, new: str) -> None:
        node = source.children[old]
        right(source, old, target, new)
        source.children[old] = node

    monkeypatch.setattr(filesystems, "rename", wrong)


def _umount_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mounts, "umount", lambda self, path: None)


def _devices_forget_to_go_with_their_last_user(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Devices.loop_configure

    def wrong(self: Devices, fd: int, image: int, *, autoclear: bool, read_only: bool) -> None:
        right(self, fd, image, autoclear=False, read_only=read_only)

    monkeypatch.setattr(Devices, "loop_configure", wrong)


def _read_only_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mounts, "set_mount", lambda self, mount, *, read_only: None)


def _writes_to_devices_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Machine.write

    def wrong(self: Machine, node: Node, offset: int, data: bytes) -> int:
        return len(data) if node.kind == "block" else right(self, node, offset, data)

    monkeypatch.setattr(Machine, "write", wrong)


BROKEN = (
    _rename_keeps_the_old_name, _umount_does_nothing, _devices_forget_to_go_with_their_last_user,
    _read_only_is_ignored, _writes_to_devices_are_lost,
)  # fmt: skip


@pytest.fixture(scope="module")
def real() -> Iterator[tuple[Outcome, Player, RealDaemon]]:
    """The short story on the real machine, which is still there."""
    _need_all()
    quiet()
    with stage(Short(7).play()) as (player, daemon):
        yield player.play(), player, daemon


@pytest.mark.root
def test_the_short_story_is_the_same_on_both(real: tuple[Outcome, Player, RealDaemon]) -> None:
    assert not difference(Short(7).play(), real[0])


@pytest.mark.root
@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__.strip("_"))
def test_a_broken_simulation_is_told(
    broken: Callable[[pytest.MonkeyPatch], None],
    real: tuple[Outcome, Player, RealDaemon],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken(monkeypatch)
    try:
        differs = difference(Short(7).play(), real[0])
    except Breach as breach:
        differs = str(breach)
    print(differs)
    assert differs


def _record(daemon: RealDaemon) -> None:
    with contextlib.closing(sqlite3.connect(daemon.state / "holdfast.db")) as database:
        database.execute("UPDATE operations SET state='undone' WHERE kind='volume.rename'")
        database.commit()


def _mark(daemon: RealDaemon) -> None:
    for mark in daemon.root.glob("srv/p0/volumes/*/object.json"):
        mark.write_text(mark.read_text().replace('"kept"', '"left"'))


def _bytes(daemon: RealDaemon) -> None:
    device = os.open(daemon.mnt / "f0", os.O_RDWR)
    os.pwrite(device, b"spoiled", PLACE)
    os.fsync(device)
    os.close(device)


TAMPERED: dict[Callable[[RealDaemon], object], str] = {
    _record: "operation 5",
    _mark: "/srv/p0/volumes/<uid 3>/object.json",
    _bytes: "/srv/p0/volumes/<uid 2>/disk.raw",
    lambda daemon: (daemon.mnt / "d1" / "top").write_text("spoiled"): "/mnt/d1/top",
    lambda daemon: (daemon.root / "srv" / "p0" / "stray").touch(): "/srv/p0/stray",
    lambda daemon: run("umount", daemon.mnt / "d0"): "mount 1 at /mnt/d0",
    lambda daemon: run("losetup", "-f", next(daemon.root.glob("srv/p0/volumes/*/disk.raw"))): "device 2 of",
}


@pytest.mark.root
def test_what_is_changed_on_the_real_machine_by_hand_is_told(real: tuple[Outcome, Player, RealDaemon]) -> None:
    _, player, daemon = real
    before = player.look()
    for tamper, what in TAMPERED.items():
        tamper(daemon)
        after = player.look()
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        assert len(changed) == 1, changed
        assert changed.pop().startswith(what)
        before = after


def test_what_was_told_and_where_it_died_is_compared() -> None:
    played = script(0)
    right = expected(played)
    assert not difference(played, right)
    for told in ("undone again", "not killed, done"):
        wrong = right._replace(told=[*right.told[:-1], told])
        assert told in difference(played, wrong)
    assert "never asked" in difference(played, right._replace(told=right.told[:-1]))
    assert "the audit finds" in difference(played, right._replace(findings=["orphan"]))
