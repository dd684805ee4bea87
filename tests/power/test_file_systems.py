"""File systems that lose their power under a daemon: what was acknowledged holds, record and world agree.

`make proof` takes all histories, `make test` a few of each kind. The controls run our own code with a sync less.
"""

import itertools
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.needs import need, need_root
from tests.power import fs_copies
from tests.power.fs_asker import Asker
from tests.power.fs_compare import disagreements
from tests.power.fs_figures import note
from tests.power.fs_resumed import DEEDS, Resumed
from tests.power.fs_world import LAYOUTS, World, world

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
ORDERS: dict[str, Callable[[World, list[Asker]], None]] = {
    "under load": World.cut_under_load,
    "killed under load, then": World.kill_then_cut,
}
SYSTEMS = ("ext4", "xfs")
LOADS = list(itertools.product(SYSTEMS, ORDERS, LAYOUTS))
RESUMED = list(itertools.product(SYSTEMS, DEEDS, ("one disk", "the pool's")))
# Where a daemon is killed that believes what it sees: everything was done, nothing of it synced.
VISIBLE = {
    "create-directory": "volume.publish.after:kill:1",
    "delete-directory": "volume.sync-discarded.before:kill:1",
    "rename": "volume.rename-publish.after:kill:1",
    "pool-create": "pool.publish.after:kill:1",
    "pool-delete": "pool.unlink-mark.after:kill:1",
}
BELIEVED = list(itertools.product(SYSTEMS, (*VISIBLE, "undo")))
LESS = {
    "renames": (fs_copies.without_sync_of_renames, "the pool's"),
    "commits": (fs_copies.without_sync_of_commits, "the state's"),
}
UNSYNCED = list(itertools.product(SYSTEMS, LESS))
if not PROOF:
    LOADS = [
        ("ext4", "under load", "one disk"), ("xfs", "under load", "two disks"),
        ("ext4", "killed under load, then", "the pool's"), ("xfs", "killed under load, then", "the state's"),
    ]  # fmt: skip
    RESUMED = [("ext4", "create-directory", "the pool's"), ("xfs", "delete-directory", "the pool's")]
    UNSYNCED = [("ext4", "commits"), ("xfs", "renames")]
    BELIEVED = [("ext4", "delete-directory"), ("xfs", "create-directory")]
ASKERS = 4
CUTS = 5 if PROOF else 1
# How often a control may be lucky: what nobody synced is written sometime.
TRIES = 10

pytestmark = pytest.mark.root


@pytest.fixture(autouse=True)
def _needs() -> None:
    need_root()
    for fs in SYSTEMS:
        need(f"mkfs.{fs}")


@pytest.mark.parametrize(("fs", "order", "layout"), LOADS)
def test_what_was_acknowledged_holds_when_the_power_goes(fs: str, order: str, layout: str) -> None:
    seed = LOADS.index((fs, order, layout))
    with world(fs, layout, seed) as it:
        it.daemon.with_pool()
        askers = [Asker(number, seed) for number in range(ASKERS)]
        lost: list[str] = []
        for _ in range(CUTS):
            ORDERS[order](it, askers)
            it.power_returns()
            it.daemon.start()
            it.daemon.settle()
            lost += disagreements(it, askers)
        note(f"{fs}, {order}, {layout}", it.shutdowns, sum(asker.acknowledged for asker in askers), len(lost))
        assert lost == []


@pytest.mark.parametrize(("fs", "deed", "layout"), RESUMED)
def test_what_a_resumed_daemon_acknowledged_holds_when_the_power_goes_then(
    fs: str, deed: str, layout: str, tmp_path: Path
) -> None:
    with world(fs, layout) as it:
        resumed = Resumed(it, fs_copies.killed_before_its_sync(tmp_path), {})
        points = resumed.visited(deed)
        assert len(points) > 1
        lost = []
        for point in points if PROOF else points[-1:]:
            lost += [f"{point}: {what}" for what in resumed.history(deed, point, late=layout == "the pool's")]
        note(f"{fs}, killed within {deed}, {layout}", it.shutdowns, resumed.asker.acknowledged, len(lost))
        assert lost == []


@pytest.mark.parametrize("fs", SYSTEMS if PROOF else SYSTEMS[:1])
def test_what_a_resumed_daemon_undid_stays_undone_when_the_power_goes_then(fs: str, tmp_path: Path) -> None:
    with world(fs, "the pool's") as it:
        resumed = Resumed(it, fs_copies.killed_before_its_sync(tmp_path), {})
        lost = resumed.undo()
        note(f"{fs}, killed within an undo, the pool's", it.shutdowns, resumed.asker.acknowledged + 1, len(lost))
        assert lost == []


@pytest.mark.parametrize("fs", SYSTEMS if PROOF else SYSTEMS[:1])
def test_a_daemon_starts_whenever_the_power_went_in_its_first_start_and_keeps_its_first_acknowledgement(
    fs: str,
) -> None:
    chance = random.Random(1)
    with world(fs, "one disk") as it:
        state, pool = it.daemon.state, it.daemon.pool
        for number in range(CUTS):
            it.daemon.state, it.daemon.pool = state.with_name(f"state{number}"), pool.with_name(f"pool{number}")
            it.daemon.pool.mkdir()
            it.sync()
            it.daemon.launch()
            time.sleep(chance.uniform(0, 0.8))
            it.cut()
            it.power_returns()
            it.daemon.with_pool()
            it.cut()
            it.power_returns()
            it.daemon.start()
            it.daemon.settle()
            assert disagreements(it, []) == []
            it.daemon.stop()
        note(f"{fs}, first start, one disk", it.shutdowns, CUTS, 0)


@pytest.mark.parametrize(("fs", "less"), UNSYNCED)
def test_without_the_sync_of_a_rename_or_of_a_commit_acknowledgements_are_lost(
    fs: str, less: str, tmp_path: Path
) -> None:
    copy, layout = LESS[less]
    with world(fs, layout) as it:
        it.daemon.env.update(copy(tmp_path))
        it.daemon.with_pool()
        it.sync()
        askers = [Asker(number, seed=1) for number in range(ASKERS)]
        lost: list[str] = []
        while not lost and it.shutdowns < TRIES:
            it.cut_under_load(askers)
            it.power_returns()
            it.daemon.start()
            try:
                it.daemon.settle()
            except AssertionError as error:
                if "The volume is not in its pool." not in str(error):
                    raise
                lost = [str(error)]  # what was under way met what is lost, and waits for it
            else:
                lost = disagreements(it, askers)
        note(f"control: {fs}, no sync of {less}", it.shutdowns, sum(asker.acknowledged for asker in askers), len(lost))
        assert lost


@pytest.mark.parametrize(("fs", "deed"), BELIEVED)
def test_where_visible_counts_as_durable_acknowledgements_are_lost(fs: str, deed: str, tmp_path: Path) -> None:
    first, then = fs_copies.killed_before_its_sync(tmp_path / "1"), fs_copies.without_persist(tmp_path / "2")
    with world(fs, "the pool's") as it:
        resumed = Resumed(it, first, then)
        lost: list[str] = []
        while not lost and it.shutdowns < TRIES:
            lost = resumed.undo() if deed == "undo" else resumed.history(deed, VISIBLE[deed], late=True)
        note(f"control: {fs}, {deed}, visible taken as durable", it.shutdowns, resumed.asker.acknowledged, len(lost))
        assert lost
