"""The same request twice, at once: a client that lost patience sends it again while the first is on its way."""

from collections.abc import Iterator

import pytest
import structlog

from holdfast.control.asking import ask
from holdfast.engine.submit import Caller
from holdfast.model.errors import Exists, KeyReused
from holdfast.operations.base import Asked, Desk
from holdfast.operations.pool.create import PoolCreate
from holdfast.testing.simulation.telling import quiet
from holdfast.testing.simulation.universe import SimulatedUniverse
from holdfast.testing.simulation.world import World

POOL = PoolCreate(name="p", config={"source": "/srv/p0"})


@pytest.fixture
def universe() -> Iterator[SimulatedUniverse]:
    before = structlog.get_config()
    quiet()
    made = SimulatedUniverse(1)
    World(made.machine, ("ext4",), 1)
    assert made.start()
    yield made
    made.end()
    structlog.configure(**before)


def test_the_twin_of_what_was_done_meanwhile_is_answered_with_it(
    universe: SimulatedUniverse, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, caller = universe.daemon, Caller()
    assert daemon is not None
    seen = []
    checked = PoolCreate.checked

    def overtaken(asked: PoolCreate, desk: Desk) -> Asked:
        monkeypatch.undo()
        first = ask(daemon, asked, caller, "key")
        seen.append(daemon.engine.watch.wait(first.id, 100))
        return checked(asked, desk)

    monkeypatch.setattr(PoolCreate, "checked", overtaken)
    view = universe.run(lambda: ask(daemon, POOL, caller, "key"))
    assert seen[0].state == "done"
    assert view.id == seen[0].id


def test_without_a_key_and_under_another_it_is_refused(universe: SimulatedUniverse) -> None:
    daemon, caller = universe.daemon, Caller()
    assert daemon is not None
    first = universe.run(lambda: ask(daemon, POOL, caller, "key"))
    universe.run(lambda: daemon.engine.watch.wait(first.id, 100))
    for key in ("", "another"):
        with pytest.raises(Exists):
            universe.run(lambda key=key: ask(daemon, POOL, caller, key))  # type: ignore[misc]  # a default binds it
    other = PoolCreate(name="q", config={"source": "/srv/p0"})
    with pytest.raises(KeyReused):
        universe.run(lambda: ask(daemon, other, caller, "key"))
