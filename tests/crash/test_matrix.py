"""Every (plan, failpoint, fault), singles and doubles: see holdfast.testing.matrix."""

import os
import re

import pytest

from holdfast.testing.matrix import Fault, Faults, History, Passed, Scenario, Witness, alias, deaths, faults_for, sample
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

    A death is the same as another at the same moment (see `deaths`), a child's as another trouble of its act (see
    `alias`): as the first fault if both histories went on through the same failpoints to the same end; as the second, a
    death always, and a child's where that was seen of all first ones at that failpoint.
    """

    def __init__(self, clean: Passed) -> None:
        self._deaths = deaths(clean)
        self._ends: dict[Fault, tuple[str, list[str]]] = {}
        self._after: dict[Fault, Passed] = {}

    def after(self, first: Fault, history: History) -> None:
        """What followed a first fault."""
        self._after[first] = history.breaker.after
        self._ends[first] = history.state, history.breaker.after.visits

    def _repeats(self, first: Fault) -> bool:
        same = alias(first) or self._deaths.get(first, first)
        return same != first and self._ends.get(same) == self._ends[first]

    def told(self) -> tuple[list[Faults], list[Faults]]:
        """`once` and `again`."""
        once: list[Faults] = []
        again: list[Faults] = []
        alike = {first.at: True for first in self._after if alias(first)}
        for first in self._after:
            if alias(first) and not self._repeats(first):
                alike[first.at] = False
        for first, passed in self._after.items():
            repeats, later = self._repeats(first), deaths(passed)
            for second in faults_for(passed.visits):
                known = later.get(second, second) != second or (alias(second) and alike.get(second.at))
                (again if repeats or known else once).append((first, second))
        return once, again


def chosen(once: list[Faults], again: list[Faults], scenario: Scenario) -> list[Faults]:
    """What is played of the doubles, drawn by seed: in the proof a `share` of those that differ."""
    share = scenario.share
    whole = share if PROOF and not scenario.twin else SOME * share
    shares = (1.0, 1.0) if ALL else (whole, SOME * share)
    return [*sample(once, shares[0], seed=20260101), *sample(again, shares[1], seed=20260102)]


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
        once, again = doubles.told()
        for double in chosen(once, again, theatre.scenario):
            theatre.tried(double)
    finally:
        theatre.close()
    about = f"doubles as of {theatre.scenario.twin}: " if theatre.scenario.twin else ""
    shapes = {"singles": len(singles), "doubles": len(once), "doubles by another name": len(again)}
    every = [*((single,) for single in singles), *once, *again]
    report(Count(name, about, shapes, len(theatre.lines)), theatre.lines, every)
    broken = theatre.broken
    assert not broken, f"{len(broken)} histories broke, such as:\n" + "\n".join(broken[:10])


@pytest.mark.parametrize("name", [scenario.name for scenario in scenarios("/", every=True) if scenario.twin])
def test_a_scenario_and_its_twin_visit_the_same_failpoints(name: str) -> None:
    need("mkfs.xfs")
    need("mkfs.btrfs")
    scratch = str(SHM / f"holdfast-matrix-{os.getpid()}")
    assert visits(name, scratch) == visits(find(name, scratch).twin, scratch)
