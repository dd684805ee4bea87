"""Every order of calls: repeated, after their opposites, after failures. A small model says what is answered each time.

The model is of what csi.proto promises, and knows nothing of how it is done; the world is asked directly.
"""

import itertools
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.csi.plugin import Plugin, kubelet, mounted, room, with_csi
from tests.daemon import RealDaemon, mounts_below, real_daemon, wait_until
from tests.lingering import loops_below
from tests.needs import need_root

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
MIB = 1 << 20
OK, MISSING, ORDER = "OK", "NOT_FOUND", "FAILED_PRECONDITION"
UP = ("CreateVolume", "ControllerPublishVolume", "NodeStageVolume", "NodePublishVolume")
DOWN = ("DeleteVolume", "ControllerUnpublishVolume", "NodeUnstageVolume", "NodeUnpublishVolume")
CALLS = (*UP, *DOWN)


class Model:
    """What a volume is: there, given to the node, staged, published."""

    def __init__(self) -> None:
        self.there = self.given = self.staged = self.published = False

    def expected(self, call: str) -> str:
        """What is answered, and then is."""
        answer = getattr(self, f"_{call}")()
        return OK if answer is None else str(answer)

    def _CreateVolume(self) -> None:
        self.there = True

    def _DeleteVolume(self) -> str | None:
        if self.given or self.staged or self.published:
            return ORDER
        self.there = False
        return None

    def _ControllerPublishVolume(self) -> str | None:
        if not self.there:
            return MISSING
        self.given = True
        return None

    def _ControllerUnpublishVolume(self) -> str | None:
        if self.given and self.published:
            return ORDER
        self.given = False
        return None

    def _NodeStageVolume(self) -> str | None:
        if not self.there:
            return MISSING
        self.staged = True
        return None

    def _NodeUnstageVolume(self) -> str | None:
        if self.published:
            return ORDER
        self.staged = False
        return None

    def _NodePublishVolume(self) -> str | None:
        if not self.there:
            return MISSING
        if not self.staged:
            return ORDER
        self.published = True
        return None

    def _NodeUnpublishVolume(self) -> None:
        self.published = False


class Stage:
    """A daemon and one volume at a time."""

    def __init__(self, daemon: RealDaemon) -> None:
        self.daemon = daemon
        self.plugin = Plugin(f"{daemon.run}/csi.sock")
        self.member = self.plugin("NodeGetInfo").node_id
        self.staging, self.target = kubelet(daemon) / "staging", kubelet(daemon) / "target"
        self.staging.mkdir()
        self.capability = mounted("ext4")
        self.uid = "0" * 32

    def fields(self, call: str) -> dict[str, Any]:
        """What is asked."""
        one = {"volume_id": self.uid}
        capable = {**one, "volume_capability": self.capability}
        staging, target = {"staging_target_path": str(self.staging)}, {"target_path": str(self.target)}
        return {
            "CreateVolume": {
                "name": "v", "volume_capabilities": [self.capability], "capacity_range": room(2 * MIB)
            },
            "ControllerPublishVolume": {**capable, "node_id": self.member},
            "NodeStageVolume": {**capable, **staging},
            "NodePublishVolume": {**capable, **staging, **target},
            "NodeUnpublishVolume": {**one, **target},
            "NodeUnstageVolume": {**one, **staging},
        }.get(call, one)  # fmt: skip

    def ask(self, call: str) -> str:
        """The status."""
        status, answer = self.plugin.status(call, **self.fields(call))
        if call == "CreateVolume" and status == OK:
            self.uid = answer.volume.volume_id
        return status

    def check(self, model: Model) -> None:
        """The world is as the model."""
        found = {Path(path) for path in mounts_below(kubelet(self.daemon))}
        assert (self.staging in found, self.target in found) == (model.staged, model.published)
        assert self.target.exists() == model.published
        used = model.staged or model.published
        # Whoever looks at all devices of the machine, as other daemons do, holds each open for that moment.
        wait_until(lambda: bool(loops_below(self.daemon.pool)) == used, f"a loop device: {used}", 5.0)
        volumes = self.daemon.pool / "volumes"
        assert [each for each in os.listdir(volumes) if len(each) == 32] == ([self.uid] if model.there else [])

    def clear(self) -> None:
        """As at the beginning."""
        for call in reversed(DOWN):
            assert self.ask(call) == OK


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    need_root()
    with real_daemon() as daemon:
        with_csi(daemon).with_pool()
        found = Stage(daemon)
        yield found
        found.plugin.close()


def sequences(length: int, most: int) -> list[tuple[str, ...]]:
    """All of that length behind each part of the way up; or a sample, drawn by seed."""
    found = [
        (*UP[:start], *calls)
        for start in range(len(UP) + 1)
        for calls in itertools.product(CALLS, repeat=length)
    ]  # fmt: skip
    return found if len(found) <= most else random.Random(length).sample(found, most)


def play(stage: Stage, calls: tuple[str, ...]) -> None:
    model = Model()
    try:
        for number, call in enumerate(calls):
            wanted = model.expected(call)
            assert stage.ask(call) == wanted, f"call {number} of {calls}"
        stage.check(model)
    finally:
        stage.clear()
    stage.check(Model())


@pytest.mark.parametrize(("length", "most"), [(1, 1000), (2, 1000 if PROOF else 120), (4, 400 if PROOF else 60)])
def test_each_order_of_calls_is_answered_as_promised_and_the_world_is_so(stage: Stage, length: int, most: int) -> None:
    for calls in sequences(length, most):
        play(stage, calls)


def test_the_model_and_the_daemon_are_not_asked_for_the_same_thing_only(stage: Stage) -> None:
    """The negative control: a model that promises too much is told so."""
    model = Model()
    model._NodePublishVolume = lambda: None  # type: ignore[method-assign]  # a broken one
    assert model.expected("NodePublishVolume") == OK
    assert stage.ask("NodePublishVolume") != OK


FAULTS = ("journal.submit.after", "journal.intent.after", "journal.end.before", "journal.end.after")


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_died_with_its_daemon_is_asked_again_and_then_its_opposite(stage: Stage, call: str) -> None:
    """Killed in the middle, at each boundary of the operation; the next daemon answers."""
    way = [*UP[: UP.index(call)]] if call in UP else [*UP[: DOWN.index(call) + 1]]
    opposite = DOWN[UP.index(call)] if call in UP else UP[DOWN.index(call)]
    for fault in FAULTS if PROOF else FAULTS[1:3]:
        model = Model()
        for each in way:
            assert stage.ask(each) == model.expected(each)
        _dies(stage, lambda call=call: stage.ask(call), f"{fault}:kill")  # type: ignore[misc]  # a default binds it
        for each in (call, call, opposite, opposite, call):
            assert _asked(stage, each) == model.expected(each), f"{each} after {call} died at {fault}"
        stage.check(model)
        stage.clear()


def _dies(stage: Stage, ask: Callable[[], str], fault: str) -> None:
    stage.daemon.arm(fault)
    ask()
    if stage.daemon.process is not None:
        stage.daemon.disarm()
        stage.daemon.kill()
    stage.daemon.start()


def _asked(stage: Stage, call: str) -> str:
    """As a kubelet asks: again, while it is told to."""
    told: list[str] = []

    def answered() -> bool:
        told.append(stage.ask(call))
        return told[-1] not in ("ABORTED", "UNAVAILABLE")

    wait_until(answered, f"{call} is answered")
    return told[-1]
