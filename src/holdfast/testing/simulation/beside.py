"""What a run has besides when there is an array in its world: the ground, its weather, and what must hold of it."""

import random
from collections import Counter

from holdfast.drivers.flasharray.driver import FlashArrayDriver
from holdfast.host.host import Host
from holdfast.testing.flasharray import local
from holdfast.testing.flasharray.judging import Disobeyed, judge
from holdfast.testing.simulation.array_conditions import LATE, SETTLE, ArrayConditions
from holdfast.testing.simulation.array_invariants import ArrayInvariants
from holdfast.testing.simulation.arrays import FABRIC, POD, Ground
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.invariants import Invariants
from holdfast.testing.simulation.universe import SimulatedUniverse
from holdfast.testing.simulation.world import World

# Virtual seconds after which nothing that was sent before is still under way, or unseen.
LONGEST_SETTLE = 60.0 + LATE + SETTLE


class Beside:
    """Of one run."""

    def __init__(
        self, universe: SimulatedUniverse, world: World, invariants: Invariants, seed: int, hits: "Counter[str]"
    ) -> None:
        eradicate = random.Random(f"{seed} eradicate").choices(("after_delete", "never"), (80, 20))[0]
        self.config = local.config(FABRIC, pod=POD, eradicate=eradicate, settle=f"{SETTLE:g}")
        self.ground = Ground(universe, seed)
        self.array = self.ground.array
        self.conditions = ArrayConditions(universe, self.ground, invariants, seed, hits)
        self.invariants = ArrayInvariants(universe, self.ground, invariants, self.conditions)
        world.places[self.ground.pod.source] = self.ground.pod
        invariants.beside = self.invariants.at_commit

    def driver(self, host: Host) -> FlashArrayDriver:
        """Of a daemon."""
        return local.driver(host, self.array)

    def ended(self) -> None:
        """All was taken away."""
        try:
            judge(self.array.log, strangers=frozenset({local.HOST}))
        except Disobeyed as error:
            raise Breach(2, str(error)) from error
        left = self.invariants.left()
        if left:
            raise Breach(7, f"left on the array: {left}")
