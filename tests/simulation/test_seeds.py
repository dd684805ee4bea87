"""The whole control plane under seeded clients and weather; see docs/proof.md for what is modelled."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from holdfast.testing.simulation import array_conditions
from holdfast.testing.simulation.orchestrator import ALL
from holdfast.testing.simulation.run import OPERATIONS, Run
from holdfast.testing.simulation.telling import command, failed, quiet, table
from holdfast.testing.simulation.weather import KINDS

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
# Of one chunk, so that in each every kind of fault is hit.
SEEDS = 60
CHUNKS = 34 if PROOF else 1
FRESH = 60
# Each found something once, in Holdfast or in its model; what they found has a test of its own too, see docs/proof.md.
FOUND = (10, 13, 26, 28, 72, 73, 79, 356, 384, 1129, 1185, 1648, 1930, 20009, 555653077, 872117769, 2100000459)
# The same of the array's.
ARRAY_SEEDS, ARRAY_CHUNKS = (50, 4) if PROOF else (25, 1)
ARRAY_FRESH = 10
# What seeds found before that weather had all its kinds are mutants now; these meet it again.
FOUND_ARRAY = (4, 15, 114, 235, 345, 1054, 1100, 1074254498, 3103528931)
# The same of snapshots'; what two of them found was the oracle's.
TAKING_SEEDS, TAKING_CHUNKS = 15, 8 if PROOF else 1
FOUND_TAKING = (13, 15, 147, 3000685397)
# The same of snapshots on an array.
BOTH_CHUNKS = 5 if PROOF else 1
BOTH_FRESH = 5
FOUND_BOTH: tuple[int, ...] = ()
# The same with an orchestrator; of both worlds with an array, and without.
CSI_SEEDS, CSI_CHUNKS = 12, 6 if PROOF else 1
CSI_FRESH = 6
FOUND_CSI, FOUND_CSI_ARRAY = (177,), (111, 214)
TAKING = {
    "snapshot.create", "snapshot.delete", "snapshot.rename", "snapshot.change", "snapshot.mount", "snapshot.restore",
    "volume.clone", "volume.resize", "pool.adopt",
}  # fmt: skip
FILE_SYSTEMS = ("attachment.", "volume.check", "volume.trim")
CRASHES, AT_FAILPOINTS = ("crash", "power-cut"), ("delay", "hang", "error", "reply-lost", "late", "killed-child")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    quiet()
    yield
    structlog.configure(**before)


def play(
    seeds: list[int], name: str, *, array: bool = False, taking: bool = False, csi: bool = False
) -> tuple[Counter[str], Counter[str], int]:
    """Hits, results and ended operations of all of them; a failing one says how it is played again."""
    hits: Counter[str] = Counter()
    results: Counter[str] = Counter()
    ended, begun = 0, time.process_time()
    for seed in seeds:
        run = Run(seed, array=array, taking=taking, csi=csi)
        try:
            report = run.play()
        except Exception as error:  # noqa: BLE001 - whatever it is, with its trace
            again = Run(seed, keep=True, array=array, taking=taking, csi=csi)
            with pytest.raises(type(error)):
                again.play()
            pytest.fail(failed(again, error, OPERATIONS))
        hits.update(report.hits)
        results.update(report.results)
        ended += report.ended
    where = Path("report/simulation")
    where.mkdir(parents=True, exist_ok=True)
    (where / f"{name}.txt").write_text(table(hits, results, ended, time.process_time() - begun) + "\n")
    return hits, results, ended


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_is_lost_leaked_or_untrue_whatever_the_weather_and_every_kind_of_fault_was_met(chunk: int) -> None:
    hits, results, ended = play(list(range(chunk * SEEDS + 1, (chunk + 1) * SEEDS + 1)), f"chunk-{chunk}")
    missing = [kind for kind in KINDS if not hits[kind]]
    assert not missing, f"never hit: {missing}"
    faults, crashes = sum(hits[kind] for kind in AT_FAILPOINTS), sum(hits[kind] for kind in CRASHES)
    assert faults >= ended / 5
    assert crashes >= ended / 50
    busy = sum(count for name, count in results.items() if name.startswith(FILE_SYSTEMS))
    assert busy >= 0.3 * ended


def test_seeds_that_found_something_once_pass() -> None:
    play(list(FOUND), "found")


def test_fresh_seeds_pass() -> None:
    first = int.from_bytes(os.urandom(4), "big")
    play([first + number for number in range(FRESH)], "fresh")


@pytest.mark.parametrize("chunk", range(ARRAY_CHUNKS))
def test_the_same_with_a_pool_on_an_array_and_every_kind_of_its_weather(chunk: int) -> None:
    seeds = list(range(chunk * ARRAY_SEEDS + 1, (chunk + 1) * ARRAY_SEEDS + 1))
    hits, results, ended = play(seeds, f"array-chunk-{chunk}", array=True)
    missing = [kind for kind in array_conditions.KINDS if not hits[kind]]
    assert not missing, f"never hit: {missing}"
    assert sum(hits[kind] for kind in CRASHES) >= ended / 50
    assert results["pool.recover done"]
    busy = sum(count for name, count in results.items() if name.startswith(FILE_SYSTEMS))
    assert busy >= 0.3 * ended


def test_seeds_with_an_array_that_found_something_once_pass() -> None:
    play(list(FOUND_ARRAY), "array-found", array=True)


def test_fresh_seeds_with_an_array_pass() -> None:
    first = int.from_bytes(os.urandom(4), "big")
    play([first + number for number in range(ARRAY_FRESH)], "array-fresh", array=True)


@pytest.mark.parametrize("chunk", range(TAKING_CHUNKS))
def test_the_same_with_snapshots_of_which_each_holds_what_its_volume_held(chunk: int) -> None:
    seeds = list(range(chunk * TAKING_SEEDS + 1, (chunk + 1) * TAKING_SEEDS + 1))
    hits, results, ended = play(seeds, f"snapshots-chunk-{chunk}", taking=True)
    assert sum(hits[kind] for kind in CRASHES) >= ended / 50
    done = {name.partition(" ")[0] for name, count in results.items() if name.endswith(" done") and count}
    assert done >= TAKING


def test_seeds_with_snapshots_that_found_something_once_and_fresh_ones_pass() -> None:
    first = int.from_bytes(os.urandom(4), "big")
    play([*FOUND_TAKING, *(first + number for number in range(ARRAY_FRESH))], "snapshots-fresh", taking=True)


@pytest.mark.parametrize("chunk", range(BOTH_CHUNKS))
def test_the_same_with_snapshots_on_an_array(chunk: int) -> None:
    seeds = list(range(chunk * TAKING_SEEDS + 1, (chunk + 1) * TAKING_SEEDS + 1))
    _hits, results, _ended = play(seeds, f"both-chunk-{chunk}", array=True, taking=True)
    done = {name.partition(" ")[0] for name, count in results.items() if name.endswith(" done") and count}
    assert done >= TAKING - {"pool.adopt"}


def test_fresh_seeds_with_snapshots_on_an_array_pass() -> None:
    first = int.from_bytes(os.urandom(4), "big")
    play([*FOUND_BOTH, *(first + number for number in range(BOTH_FRESH))], "both-fresh", array=True, taking=True)


@pytest.mark.parametrize("chunk", range(CSI_CHUNKS))
@pytest.mark.parametrize("array", [False, True])
def test_the_same_with_an_orchestrator_that_is_answered_truly(array: bool, chunk: int) -> None:
    seeds = list(range(chunk * CSI_SEEDS + 1, (chunk + 1) * CSI_SEEDS + 1))
    _hits, results, _ended = play(seeds, f"csi-{array}-chunk-{chunk}", array=array, taking=chunk % 2 > 0, csi=True)
    assert results["volume.grant done"]
    assert results["attachment.restore done"]


@pytest.mark.parametrize("array", [False, True])
def test_seeds_with_an_orchestrator_that_found_something_once_and_fresh_ones_pass(array: bool) -> None:
    first = int.from_bytes(os.urandom(4), "big")
    found = FOUND_CSI_ARRAY if array else FOUND_CSI
    play([*found, *(first + number for number in range(CSI_FRESH))], f"csi-fresh-{array}", array=array, csi=True)


def test_every_call_is_answered_in_some_seed() -> None:
    answered: Counter[str] = Counter()
    for seed in range(1, 9):
        run = Run(seed, csi=True)
        run.play()
        assert run.orchestrator is not None
        answered += run.orchestrator.answered
    assert set(answered) == set(ALL)


@pytest.mark.parametrize("array", [False, True])
def test_a_seed_is_played_again_exactly_also_in_another_process(array: bool) -> None:
    seed = 6
    told = []
    for hashes in ("1", "2"):
        code = f"from holdfast.testing.simulation.run import Run; print(Run({seed}, array={array}).play().digest)"
        env = {**os.environ, "PYTHONHASHSEED": hashes}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        told.append(done.stdout.splitlines()[-1])
    assert told[0] == told[1] == Run(seed, array=array).play().digest
    assert Run(seed + 1, array=array).play().digest != told[0]
    assert str(seed) in command(seed, OPERATIONS, array=array)
    assert "--snapshots" in command(seed, OPERATIONS, taking=True)
