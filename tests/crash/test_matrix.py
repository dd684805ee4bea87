"""Every (plan, failpoint, fault), singles and doubles: see holdfast.testing.matrix."""

import os
import pathlib
import shutil
from collections.abc import Iterator

import pytest

from holdfast.runtime.api import Killed
from holdfast.testing.matrix import Broken, Fault, History, Scenario, faults_for, sample
from tests.crash.scenarios import scenarios

# Runs side by side must not draw the same uids: the audit knows volumes by them.
SEED = int(os.environ.get("HOLDFAST_MATRIX_SEED", os.getpid()))
PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
SHARE = 1.0 if PROOF else 0.05
SHM = pathlib.Path("/dev/shm")
NAMES = [scenario.name for scenario in scenarios("/", every=PROOF)]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def scratch() -> Iterator[str]:
    base = SHM / f"holdfast-matrix-{os.getpid()}"
    yield str(base)
    shutil.rmtree(base, ignore_errors=True)


def play(name: str, base: str, faults: tuple[Fault, ...]) -> History:
    shutil.rmtree(base, ignore_errors=True)
    os.makedirs(base)
    scenario = find(name, base)
    history = History(scenario, base, faults, SEED)
    try:
        view = history.run()
        LINES.append(f"{name} {' then '.join(map(str, faults)) or 'undisturbed'}: {view.state}")
    except (Exception, Killed) as error:  # an interrupt by the keyboard is not the history's
        said = f"HOLDFAST_MATRIX_SEED={SEED} {name} under {' then '.join(map(str, faults))}: {error!r}"
        raise Broken(said) from error
    finally:
        history.close()
    return history


LINES: list[str] = []


def find(name: str, base: str) -> Scenario:
    return next(s for s in scenarios(base, every=True) if s.name == name)


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_at_every_failpoint_of_a_plan_ends_well(name: str, scratch: str) -> None:
    LINES.clear()
    clean = play(name, scratch, ())
    singles = list(faults_for(clean.visits))
    doubles: list[tuple[Fault, Fault]] = []
    broken: list[str] = []
    for fault in singles:
        try:
            history = play(name, scratch, (fault,))
        except Broken as error:
            broken.append(str(error))
            continue
        assert history.fired == 1, f"{fault} was never reached"
        doubles.extend((fault, second) for second in faults_for(history.after))
    for pair in sample(doubles, SHARE, seed=20260101):
        try:
            play(name, scratch, pair)
        except Broken as error:
            broken.append(str(error))
    report(name, len(singles), len(doubles))
    assert not broken, f"{len(broken)} histories broke, such as:\n" + "\n".join(broken[:10])


def report(name: str, singles: int, doubles: int) -> None:
    """Each pair by name, for people; report/matrix/*.txt is not committed."""
    directory = pathlib.Path("report/matrix")
    directory.mkdir(parents=True, exist_ok=True)
    head = f"{name}: {singles} singles, {doubles} doubles, {len(LINES)} histories run\n"
    (directory / f"{name}.txt").write_text(head + "\n".join(LINES) + "\n")
