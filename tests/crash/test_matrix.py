"""Every (plan, failpoint, fault), singles and doubles: see holdfast.testing.matrix."""

import os
import re

import pytest

from holdfast.testing.matrix import Fault, Faults, History, Passed, Scenario, Witness, deaths, faults_for, sample
from tests.crash.scenarios import scenarios
from tests.crash.theatre import ALL, PROOF, SHM, SOME, Count, Theatre, report
from tests.needs import need

NAMES = [scenario.name for scenario in scenarios("/", every=PROOF)]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def find(name: str, scratch: str) -> Scenario:
    return next(s for s in scenarios(scratch, every=True) if s.name == name)


def visits(name: str, scratch: str) -> list[str]:
    """Of an undisturbed history, whatever tool the children become."""
    theatre = Theatre(find(name, scratch), scratch)
    try:
        return [re.sub(r"(mkfs|fsck)-\w+", r"\1", visit) for visit in theatre.play().breaker.visits]
    finally:
        theatre.close()


class Doubles:
    """Every fault in what followed a first one. `again` are those that a rule says to be the same as one of `once`.

    A death is the same as another at the same moment (see `deaths`): as the second fault always, as the first if both
    histories went on through the same failpoints to the same end.
    """

    def __init__(self, clean: Passed) -> None:
        self.once: list[Faults] = []
        self.again: list[Faults] = []
        self._deaths = deaths(clean)
        self._ends: dict[Fault, tuple[str, list[str]]] = {}

    def after(self, first: Fault, history: History) -> None:
        """Those of one first fault; of the same death under several names the first must come first."""
        after = history.breaker.after
        self._ends[first] = history.state, after.visits
        same = self._deaths.get(first, first)
        repeats = same != first and self._ends.get(same) == self._ends[first]
        later = deaths(after)
        for second in faults_for(after.visits):
            known = repeats or later.get(second, second) != second
            (self.again if known else self.once).append((first, second))

    def chosen(self, *, twin: bool, share: float) -> list[Faults]:
        """What is played of them, drawn by seed: in the proof a `share` of those that differ."""
        whole = share if PROOF and not twin else SOME * share
        once, again = (1.0, 1.0) if ALL else (whole, SOME * share)
        return [*sample(self.once, once, seed=20260101), *sample(self.again, again, seed=20260102)]


@pytest.mark.parametrize("name", NAMES)
def test_every_fault_at_every_failpoint_of_a_plan_ends_well(name: str) -> None:
    scratch = str(SHM / f"holdfast-matrix-{os.getpid()}")
    theatre = Theatre(find(name, scratch), scratch)
    try:
        witness = Witness()
        clean = theatre.play(witness=witness).breaker.passed
        witness.check(clean)
        singles = list(faults_for(clean.visits))
        doubles = Doubles(clean)
        for single in singles:
            history = theatre.tried((single,))
            if history is not None:
                assert history.breaker.fired == 1, f"{single} was never reached"
                doubles.after(single, history)
        for double in doubles.chosen(twin=bool(theatre.scenario.twin), share=theatre.scenario.share):
            theatre.tried(double)
    finally:
        theatre.close()
    about = f"doubles as of {theatre.scenario.twin}: " if theatre.scenario.twin else ""
    shapes = {"singles": len(singles), "doubles": len(doubles.once), "doubles by another name": len(doubles.again)}
    every = [*((single,) for single in singles), *doubles.once, *doubles.again]
    report(Count(name, about, shapes, len(theatre.lines)), theatre.lines, every)
    broken = theatre.broken
    assert not broken, f"{len(broken)} histories broke, such as:\n" + "\n".join(broken[:10])


@pytest.mark.parametrize("name", [scenario.name for scenario in scenarios("/", every=True) if scenario.twin])
def test_a_scenario_and_its_twin_visit_the_same_failpoints(name: str) -> None:
    need("mkfs.xfs")
    need("mkfs.btrfs")
    scratch = str(SHM / f"holdfast-matrix-{os.getpid()}")
    assert visits(name, scratch) == visits(find(name, scratch).twin, scratch)
