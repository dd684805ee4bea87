"""What happens to the simulated array for a while: it is away, slow, stale or strict, and strangers use it too."""

import random
from collections import Counter
from collections.abc import Callable

from holdfast.drivers.flasharray import names
from holdfast.drivers.flasharray.tags import NAMESPACE
from holdfast.drivers.flasharray.wire import DEADLINE
from holdfast.testing.flasharray.local import HOST
from holdfast.testing.flasharray.model import Volume
from holdfast.testing.flasharray.weather import Trouble
from holdfast.testing.simulation.arrays import POD, Ground
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.conditions import LONGEST, SICK
from holdfast.testing.simulation.invariants import Invariants
from holdfast.testing.simulation.universe import SimulatedUniverse

# Virtual seconds: between two that begin; how old a list is, and how late an act, at most: the pool's `settle` is more.
BETWEEN, STALE, LATE, SETTLE = 15.0, 2.0, 2.5, 5.0
MET = (
    "away", "device-late", "device-never", "wrong-device", "reply-lost", "late", "status", "hang", "stale", "SafeMode",
)  # fmt: skip
OWN = ("foreign", "tags", "mark", "sick")
KINDS = tuple(f"array {kind}" for kind in (*MET, *OWN))
THEIRS = f"{POD}::theirs"
# The uid of another system's pool.
OTHER = "f" * 32
_CHANGES = ("POST", "PATCH", "PUT", "DELETE")
End = Callable[[], None]


class ArrayConditions:
    """One at a time of each kind; each on the machine's own time."""

    def __init__(
        self, universe: SimulatedUniverse, ground: Ground, invariants: Invariants, seed: int, hits: "Counter[str]"
    ) -> None:
        self._universe = universe
        self._ground = ground
        self._array = ground.array
        self._invariants = invariants
        self._random = random.Random(f"{seed} array weather")
        self._hits = hits
        self._now: dict[str, End] = {}
        self.calm = False
        # Names of volumes that bear another's tags, whom nobody had in his hands: whoever looks from now on sees it.
        self.others: dict[str, None] = {}
        self._their: Volume | None = None
        self._wipes = 0
        ground.shelf.system.met = self._met

    def _met(self, kind: str) -> None:
        self._hits[f"array {'sick' if kind == 'zeros' else kind}"] += 1

    def check(self) -> None:
        """What a stranger has in our pod is as he left it, unless the pod was wiped."""
        if self._their is None or self._wipes != self._ground.pod.wipes:
            return
        found = self._array.state.volumes.get(THEIRS)
        if found is None or found is not self._their or found.destroyed_at is not None:
            raise Breach(4, f"a stranger's {THEIRS} is gone")

    def run(self) -> None:
        """The weather's task: it never ends by itself."""
        while True:
            self._universe.world.sleep(self._random.expovariate(1 / BETWEEN))
            if not self.calm:
                self._begin()

    def _begin(self) -> None:
        kinds = (
            self._trouble, self._trouble, self._trouble, self._away, self._stale, self._device, self._device,
            self._safe_mode, self._stranger, self._theirs, self._tags, self._mark, self._sick,
        )  # fmt: skip
        begin = self._random.choice(kinds)
        name, lasts = begin.__name__, self._random.uniform(1.0, STALE if begin == self._stale else LONGEST)
        if name in self._now or (end := begin()) is None:
            return
        self._now[name] = end

        def later() -> None:
            self._universe.world.sleep(lasts)
            if self._now.get(name) is end:
                self._now.pop(name)()

        self._universe.world.spawn("condition", later)

    def heal(self) -> None:
        """All is well, and strangers are gone."""
        self.calm = True
        for end in self._now.values():
            end()
        self._now.clear()
        self._array.weather.troubles.clear()
        for kind, count in self._array.weather.met.items():
            self._hits[f"array {kind}"] += count

    # -- each kind -------------------------------------------------------------------------------

    def _trouble(self) -> None:
        """Befalls the next requests, whatever they are; or the next change."""
        draw = self._random
        kind, times = draw.choice(("reply-lost", "late", "status", "hang")), draw.choice((1, 1, 2, 5))
        changes = draw.random() < 0.7
        seconds = {
            "late": DEADLINE + draw.uniform(0.5, LATE),
            "status": draw.choice((0.0, 3.0)),
            "hang": draw.uniform(1.0, 60.0),
        }
        self._array.weather.troubles = [
            Trouble(
                kind, lambda method, path: path != "login" and (not changes or method in _CHANGES), times,
                seconds.get(kind, 0.0),
                draw.choice((401, 429, 500, 503)),
            )
        ]  # fmt: skip

    def _away(self) -> End:
        self._array.weather.away = True
        return lambda: setattr(self._array.weather, "away", False)

    def _stale(self) -> End:
        self._array.go_stale(stale=True)
        self.others.clear()  # by an old list they are ours
        return lambda: self._array.go_stale(stale=False)

    def _device(self) -> End:
        """Connected volumes are seen late, never, or another is in their place."""
        weather, kind = self._array.weather, self._random.choice(("late", "never", "wrong"))
        if kind == "wrong":
            weather.wrong_device = True
        else:
            weather.device_after = None if kind == "never" else self._random.uniform(0.5, 20.0)

        def end() -> None:
            weather.wrong_device, weather.device_after = False, 0.0
            self._shown()

        return end

    def _shown(self) -> None:
        """What was shown wrongly or not at all is shown now."""
        state = self._array.state
        for host, name in state.connections:
            state.show(state.hosts[host], state.volumes[name])

    def _safe_mode(self) -> End:
        self._array.weather.safe_mode = True
        return lambda: setattr(self._array.weather, "safe_mode", False)

    def _one(self) -> tuple[str, Volume] | None:
        """A volume that was acknowledged."""
        living = self._ground.pod.living()
        found = [(uid, volume) for uid, volume in living.items() if uid in self._invariants.model.volumes]
        return self._random.choice(found) if found else None

    def _stranger(self) -> End | None:
        """Another system's host is connected to a volume of ours: nobody but who asks for it cuts that."""
        one, state = self._one(), self._array.state
        if one is None:
            return None
        key = (HOST, one[1].name)
        if key in state.connections:
            return None
        taken = {lun for (host, _), lun in state.connections.items() if host == HOST}
        state.connections[key] = next(lun for lun in range(1, 1 << 14) if lun not in taken)
        self._hits["array foreign"] += 1

        def end() -> None:
            state.connections.pop(key, None)

        return end

    def _theirs(self) -> End | None:
        """A volume of somebody else's in the pool's pod."""
        state = self._array.state
        marked = any(names.parse_mark(each.name) and each.destroyed_at is None for each in state.volumes.values())
        if not marked or THEIRS in state.volumes:  # a half-made pod that a stranger fills is his
            return None
        volume = state.volumes[THEIRS] = Volume(state.ids(), THEIRS, state.serial(), 1 << 20, state.now(), POD)
        state.shelf.make(volume.serial, volume.size)
        self._hits["array foreign"] += 1
        self._their, self._wipes = volume, self._ground.pod.wipes

        def end() -> None:
            self._their = None
            if state.volumes.get(THEIRS) is volume:  # else its pod was made anew
                state.erase(volume)

        return end

    def _tags(self) -> End | None:
        """Another owner in the tags of a volume of ours, or none of them any more."""
        one = self._one()
        if one is None or one[0] in self._invariants.excused:
            return None
        uid, volume = one
        own = volume.tags
        volume.tags = {} if self._random.random() < 0.3 else {**own, (NAMESPACE, "owner"): (OTHER, False)}
        self._hits["array tags"] += 1
        self._invariants.excused[uid] = None
        if uid not in self._invariants.claimed and not self._array.weather.stale:
            self.others[volume.name] = None

        def end() -> None:
            self._invariants.excused.pop(uid, None)
            self.others.pop(volume.name, None)
            volume.tags = {**own, **volume.tags, (NAMESPACE, "owner"): own[NAMESPACE, "owner"]}

        return end

    def _mark(self) -> End | None:
        """The pool's mark is called another pool's; but of one that is being made it would be given up for that."""
        state = self._array.state
        if POD not in (pool.source for pool in self._invariants.model.pools.values()):
            return None
        for name, mark in state.volumes.items():
            if (named := names.parse_mark(name)) is not None and mark.destroyed_at is None:
                break
        else:
            return None
        other = names.mark(POD, "e" * 32, OTHER, named.counter)
        state.volumes[other] = state.volumes.pop(name)
        mark.name = other
        self._hits["array mark"] += 1

        def end() -> None:
            if state.volumes.get(other) is mark:  # else its pod was wiped
                state.volumes[name] = state.volumes.pop(other)
                mark.name = name

        return end

    def _sick(self) -> End | None:
        images = [image for image in self._ground.shelf.images() if image.sickness is None]
        if not images:
            return None
        image = self._random.choice(images)
        image.sickness = self._random.choice(SICK)
        self._hits["array sick"] += 1
        return lambda: setattr(image, "sickness", None)
