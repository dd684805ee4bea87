"""Everything that goes wrong: at failpoints, and with the machine for a while. Each kind counts its hits.

A hit is a fault that somebody met: an error that was raised, a full disk that was written to, a mark that was
replaced. A kind that is never hit over all seeds fails the run, so that none goes blind.
"""

import errno
import random
from collections import Counter

from holdfast.testing.simulation.universe import SimulatedUniverse
from holdfast.testing.universe import ChildDies, ChildHangs, ChildIsLate

# Per failpoint. With some 25 failpoints in an operation: a fault in five operations, a crash in fifty.
FAULT, CRASH = 0.016, 0.0010
# Longer than the allowance that some operations have, and than most deadlines of children; virtual seconds.
HANG = 400.0
ERRNOS = (
    errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EPERM, errno.EACCES, errno.EBUSY, errno.ETIMEDOUT,
    errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOMEM, errno.EINVAL, errno.ENODATA, errno.EMFILE, errno.EOPNOTSUPP,
)  # fmt: skip
KINDS = (
    "delay", "hang", "error", "reply-lost", "late", "killed-child", "killed-mkfs", "crash", "power-cut", "clock-jump",
    "pool-full", "state-full", "zeros", "sick", "away", "stale-list", "foreign", "replaced-mark", "mount-gone",
    "inner-mount", "late-look", *(f"errno {errno.errorcode[code]}" for code in ERRNOS),
)  # fmt: skip


class Failpoints:
    """What a failpoint may meet."""

    def __init__(self, universe: SimulatedUniverse, seed: int, hits: "Counter[str]", crash: float = CRASH) -> None:
        self._universe = universe
        self._crashes = crash
        self._random = random.Random(f"{seed} failpoints")
        self._hits = hits
        self.calm = False

    def at(self, name: str) -> None:
        """Perhaps break something."""
        if self.calm:
            return
        drawn = self._random.random()
        if drawn < self._crashes:
            self._crash()
        elif drawn < self._crashes + FAULT:
            self._fault(name)

    def _crash(self) -> None:
        kind = "power-cut" if self._random.random() < 0.3 else "crash"
        self._hits[kind] += 1
        self._universe.power_is_cut = kind == "power-cut"
        self._universe.kill()

    def _fault(self, name: str) -> None:
        before, child = name.endswith(".before"), name.startswith("child.")
        if name.startswith(("journal.", "records.")):
            if name.startswith("journal."):  # a commit holds everybody up, by its nature
                self._delay()
            return
        kinds: tuple[str, ...] = ("delay", "error", "hang") if before else ("delay", "reply-lost")
        if child:
            kinds = (*kinds, "killed-child", *(("late", "killed-child") if before else ()))
        kind = self._random.choice(kinds)
        if kind == "delay":
            self._delay()
        elif kind in ("error", "reply-lost"):
            code = self._random.choice(ERRNOS)
            self._hits[kind] += 1
            self._hits[f"errno {errno.errorcode[code]}"] += 1
            raise OSError(code, f"injected {errno.errorcode[code]}", name)
        elif kind == "hang" and not child:
            self._hits[kind] += 1
            self._universe.runtime.sleep(HANG)
        else:
            self._child(kind, name, before=before)

    def _delay(self) -> None:
        self._hits["delay"] += 1
        self._universe.runtime.sleep(self._random.choice((0.0, 0.01, 1.0, 30.0)))

    def _child(self, kind: str, name: str, *, before: bool) -> None:
        self._hits[kind] += 1
        if kind == "late":
            raise ChildIsLate
        if kind == "hang":
            raise ChildHangs
        if name.startswith("child.mkfs"):
            self._hits["killed-mkfs"] += 1
        raise ChildDies(self._random.choice(("idle", "half")) if before else "mute")
