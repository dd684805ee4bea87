"""What the simulation says of a seed, a real daemon does on a real machine: so it cannot drift into proving itself.

`make proof` plays 200 seeds, `make test` some of them.
"""

import os
from collections.abc import Callable, Iterator

import pytest
import structlog

from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.script_play import script
from holdfast.testing.simulation.telling import quiet
from tests.daemon import RealDaemon
from tests.needs import need, need_root
from tests.simulation.real_controls import BROKEN, TAMPERED, Short
from tests.simulation.real_play import Outcome, Player, difference, expected, stage

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
SEEDS = range(200) if PROOF else range(0, 200, 18)


@pytest.fixture(autouse=True, scope="module")
def _quietly() -> Iterator[None]:
    before = structlog.get_config()
    quiet()
    yield
    structlog.configure(**before)


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
    again = f"HOLDFAST_PROOF=1 python -m pytest tests/simulation/test_equals_the_real_machine.py -k seed{seed}-"
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


@pytest.fixture(scope="module")
def real() -> Iterator[tuple[Outcome, Player, RealDaemon]]:
    """The short story on the real machine, which is still there."""
    _need_all()
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
    assert BROKEN[broken] in differs


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
