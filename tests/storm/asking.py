"""How a client of a storm asks: with a key, until it hears the end."""

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from holdfast.client import Client
from holdfast.model.errors import NoSpace, Unavailable
from holdfast.model.operations import OperationView
from tests.storm.notes import Facts, Notes
from tests.storm.place import StormDaemon
from tests.storm.settings import ANSWER, PATIENCE, SEED

T = TypeVar("T")
Ask = Callable[[str], OperationView]


class Asker:
    """One client. `full(since)` tells whether the pool was full since that moment.

    Once it is `over` it begins nothing more; once it is `wrecked`, nobody waits for what it is told.
    """

    def __init__(
        self,
        daemon: StormDaemon,
        number: int,
        over: threading.Event,
        wrecked: threading.Event,
        full: Callable[[float], bool],
    ) -> None:
        self._daemon, self._number, self._full = daemon, number, full
        self._over, self._wrecked = over, wrecked
        self._random = random.Random(SEED * 1000 + number)
        self._serial = 0
        self._client = Client(daemon.address, ANSWER)
        self.notes = Notes()
        # Mounted file systems that shut themselves down: one that shares blocks needs room for its first write.
        self._broken: set[str] = set()
        self._since: dict[str, float] = {}
        self.error: BaseException | None = None

    # -- asking ------------------------------------------------------------------------------------

    def _until_answered(self, what: str, ask: Callable[[], T | None]) -> T:
        """Ask until there is an answer; what was cut off is asked again, and so is what the full disk refused."""
        end, cut = time.monotonic() + PATIENCE, False
        while True:
            assert time.monotonic() < end, f"client {self._number} gets no answer to: {what}"
            assert not self._wrecked.is_set(), "the storm failed before this client did"
            try:
                answer = ask()
            except Unavailable:
                self.notes.unclear += not cut
                cut = True
            except NoSpace as error:
                self.notes.refused[error.code] += 1
            else:
                if answer is not None:
                    return answer
                continue
            time.sleep(0.05)

    def _asked(self, deed: str, facts: Facts, ask: Ask, since: float | None = None) -> OperationView | None:
        """Ask with one key until it ended; None if it was undone. Any other refusal is an error of the daemon.

        What a disk that was full `since` then has done to it, if that is not now, may be why it is refused.
        """
        self._serial += 1
        key, begun = f"{self._number}-{self._serial}", time.monotonic()

        def ended() -> OperationView | None:
            view = ask(key)
            return view if view.ended else None

        view = self._until_answered(f"{deed} {facts.name}", ended)
        if view.state == "done":
            self.notes.acknowledged[deed if facts.pool == "p" else f"{deed}, on the array"] += 1
            return view
        assert view.error is not None, view
        if facts.pool == "a" and facts.fs and deed == "create" and view.error.detail.startswith("Formatting"):
            self.notes.interrupted += 1  # a half-made format is never gone on with
            return None
        self.notes.refused[f"{deed}: {view.error.code}"] += 1
        broke = since is not None and view.error.detail.startswith("Its file system has met an error")
        needed = facts.pool == "p" and self._full(since if broke and since is not None else begun)
        assert needed, f"without need: {deed} {facts.name} is {view.state}: {view.error}"
        return None
