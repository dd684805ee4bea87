"""The daemon's own audits: when they come, what is kept of them, and what ends them."""

from typing import Any, cast

from holdfast.control.auditor import FIRST, Auditor
from holdfast.control.repair import Repair
from holdfast.model.errors import Unavailable
from holdfast.model.resources import Finding
from tests.unit.control.conftest import Universe


class Audits:
    """Stands for what looks at the world: each look takes two seconds and finds this, or raises."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.found: list[Finding] = []
        self.error: Exception | None = None
        self.times: list[float] = []
        self.repaired = False

    def run(self, *, repair: bool) -> list[Finding]:
        """One audit."""
        self.times.append(self.universe.scheduler.clock)
        self.repaired = repair
        self.universe.runtime.sleep(2.0)
        if self.error is not None:
            raise self.error
        return self.found


def auditor(universe: Universe, every: float) -> tuple[Auditor, Audits]:
    """Not started."""
    audits = Audits(universe)
    return Auditor(universe.runtime, cast("Repair", cast("Any", audits)), every), audits


GHOST = Finding(kind="ghost", subject="p/v", evidence="it is gone")
ORPHAN = Finding(kind="orphan", subject="p", evidence="nobody's", repaired=True)


def test_the_first_comes_soon_after_the_start_and_then_one_each_time(universe: Universe) -> None:
    found, audits = auditor(universe, 3600.0)
    universe.do(found.start)
    universe.passes(FIRST - 1)
    assert audits.times == []
    universe.passes(3 * 3600)
    assert audits.times == [FIRST, FIRST + 3602, FIRST + 2 * 3602]
    assert not audits.repaired
    universe.do(found.stop)


def test_none_comes_by_itself_if_it_is_never_to(universe: Universe) -> None:
    found, audits = auditor(universe, 0.0)
    universe.do(found.start)
    universe.passes(86400)
    assert audits.times == []
    universe.do(found.stop)


def test_what_was_not_repaired_is_counted_by_kind_with_its_time(universe: Universe) -> None:
    found, audits = auditor(universe, 0.0)
    assert (found.last.at, found.last.kinds) == (None, {})
    audits.found = [GHOST, GHOST, ORPHAN]
    assert universe.do(lambda: found.run(repair=True)) == audits.found
    assert audits.repaired
    assert found.last.kinds == {"ghost": 2}
    assert found.last.seconds == 2.0
    assert found.last.at == universe.runtime.now()
    audits.found = []
    universe.do(found.run)
    assert found.last.kinds == {}


def test_one_that_fails_leaves_the_last_and_is_tried_again(universe: Universe) -> None:
    found, audits = auditor(universe, 600.0)
    audits.found = [GHOST]
    universe.do(found.start)
    universe.passes(FIRST + 10)
    last = found.last
    for error in (Unavailable("the database is away"), OSError("no")):
        audits.error = error
        universe.passes(602)
    assert len(audits.times) == 3
    assert found.last == last
    audits.error = None
    universe.passes(602)
    assert found.last.at != last.at
    universe.do(found.stop)


def test_a_stop_ends_the_wait_at_once(universe: Universe) -> None:
    found, _ = auditor(universe, 86400.0)
    universe.do(found.start)
    universe.passes(FIRST + 10)
    before = universe.scheduler.clock
    universe.do(found.stop)
    assert universe.scheduler.clock < before + 1
    assert not universe.runtime.tasks


def test_a_stop_waits_for_the_audit_under_way(universe: Universe) -> None:
    found, audits = auditor(universe, 86400.0)
    universe.do(found.start)
    universe.passes(FIRST + 1)
    universe.do(found.stop)
    assert len(audits.times) == 1
    assert not universe.runtime.tasks
