"""Every ordered pair of operations that can meet on one volume or pool, at every failpoint of the first."""

import os
import zlib

import pytest

from holdfast.runtime.api import Killed
from holdfast.testing.matrix import (
    Broken,
    Fault,
    Faults,
    Outcome,
    Pair,
    PairHistory,
    Stage,
    faults_for,
    pairs_of,
    sample,
    while_queued,
)
from tests.crash.deeds import STATES, deeds, ground
from tests.crash.theatre import ALL, PROOF, SEED, SHM, SOME, Count, report, spoken, write

SHARE = 1.0 if PROOF else SOME
PAIRS, LEFT_OUT = pairs_of(deeds("/"), STATES, every=PROOF)
# Of the proof's pairs each with one content, and a third of what differs in the content alone; else a third of all.
# The third is drawn anew for each run, and is the same for all of its workers.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
ALWAYS = {str(pair) for pair in pairs_of(deeds("/"), STATES, every=False)[0]} if PROOF else set[str]()
CHOSEN = [name for name in map(str, PAIRS) if ALL or name in ALWAYS or not zlib.crc32(f"{RUN} {name}".encode()) % 3]
# The first has its claims, nothing is done yet, and the other queues behind it.
BEHIND = Fault("journal.submit.after", 1, "hold")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


class Duel:
    """Plays one pair under many faults, each time from the same state, and compares with the two serial orders."""

    def __init__(self, pair: Pair, scratch: str) -> None:
        self.pair = pair
        self.lines: list[str] = []
        self.broken: list[str] = []
        self._ground = ground(scratch, pair.state, pair.content)
        self._stage = Stage(scratch, self._ground.setup, self._ground.prepare, SEED)
        self._serial: set[Outcome] = set()

    def play(self, faults: Faults = (), *, swapped: bool = False) -> PairHistory:
        """One history. Undisturbed, it is one of the orders that the others are compared with."""
        history = PairHistory(self.pair, self._stage, faults, swapped=swapped)
        try:
            outcome = history.run(self._ground.between)
            if not faults:
                self._serial.add(outcome)
            elif outcome not in self._serial:
                raise Broken(f"it ended like neither order: {outcome}, not {self._serial}")
        except (Exception, Killed) as error:
            said = f"HOLDFAST_MATRIX_SEED={SEED} {self.pair} {spoken(faults)}: {error!r}"
            raise Broken(said) from error
        finally:
            history.close()
        ends = ", ".join("done" if done else "not done" for done in outcome.done)
        self.lines.append(f"{self.pair} {spoken(faults)}{', the other way round' * swapped}: {ends}")
        return history

    def tried(self, faults: Faults) -> PairHistory | None:
        """The same, but one that breaks is kept for the end."""
        try:
            return self.play(faults)
        except Broken as error:
            self.broken.append(str(error))
            return None

    def close(self) -> None:
        """Leave nothing behind."""
        self._stage.close()


def histories(duel: Duel) -> tuple[list[Faults], list[Faults]]:
    """The second asked for while the first stands at each of its failpoints; and, if it queues, a kill at each."""
    alone = duel.play().alone
    duel.play(swapped=True)
    holds: list[Faults] = [(fault,) for fault in faults_for(alone, ("hold",))]
    behind = duel.tried((BEHIND,))
    if behind is None or not behind.queued:
        return holds, []
    return holds, [(BEHIND, kill) for kill in faults_for(while_queued(behind.breaker.after.visits), ("kill",))]


def find(name: str, scratch: str) -> Pair:
    return next(pair for pair in pairs_of(deeds(scratch), STATES, every=True)[0] if str(pair) == name)


@pytest.mark.parametrize("name", CHOSEN)
def test_two_operations_on_one_resource_end_as_if_one_came_after_the_other(name: str) -> None:
    scratch = str(SHM / f"holdfast-matrix-{os.getpid()}")
    duel = Duel(find(name, scratch), scratch)
    try:
        holds, kills = histories(duel)
        for faults in sample([*holds, *kills], SHARE, seed=20260101):
            history = duel.tried(faults)
            assert history is None or history.breaker.fired == len(faults), f"{spoken(faults)} was never reached"
    finally:
        duel.close()
    refused = "" if kills else ", and the second is refused while the first is under way"
    about = f"from {duel.pair.state!r}{refused}: "
    count = Count(name, about, {"holds": len(holds), "kills of a queued pair": len(kills)}, len(duel.lines))
    report(count, duel.lines, [*holds, *kills])
    assert not duel.broken, f"{len(duel.broken)} histories broke, such as:\n" + "\n".join(duel.broken[:10])


def test_pairs_that_cannot_be_are_left_out_by_a_rule_and_named() -> None:
    count = len(deeds("/"))
    assert len({(pair.first.name, pair.second.name) for pair in PAIRS}) + len(LEFT_OUT) == count * count
    write("pairs-left-out.txt", LEFT_OUT)
