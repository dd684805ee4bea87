"""What goes wrong between a client and the array, and in it, at the switches of a test."""

from collections.abc import Callable

import msgspec

Match = Callable[[str, str], bool]


def on(method: str, path: str = "") -> Match:
    """Requests with this method, to this path (any, if it is empty)."""
    return lambda got, where: got == method and path in ("", where)


class Trouble(msgspec.Struct):
    """Befalls the next `times` requests that match. `kind` says how, see `Weather`."""

    kind: str
    match: Match
    times: int = 1
    seconds: float = 0.0
    status: int = 0


class Weather:
    """Fair at first. `away`: nobody answers. `safe_mode`: nothing is eradicated by request.

    `device_after` is how many seconds a connected volume takes to be seen by its host, None for never; with
    `wrong_device` it is another volume's that is seen. `stale` shows lists as they were when it was set.
    """

    def __init__(self) -> None:
        self.away = False
        self.safe_mode = False
        self.device_after: float | None = 0.0
        self.wrong_device = False
        self.stale = False
        self.troubles: list[Trouble] = []
        # Kinds that a request met, counted: a switch that nothing meets proves nothing.
        self.met: dict[str, int] = {}

    def lose_reply(self, match: Match, times: int = 1) -> None:
        """The change is made, and the answer never comes."""
        self.troubles.append(Trouble("reply-lost", match, times))

    def late(self, match: Match, seconds: float, times: int = 1) -> None:
        """No answer comes, and the change is made so many seconds later."""
        self.troubles.append(Trouble("late", match, times, seconds))

    def answer(self, status: int, match: Match, times: int = 1, retry_after: float = 0.0) -> None:
        """Another answer than the wanted one: 401, 429, 500, 503."""
        self.troubles.append(Trouble("status", match, times, retry_after, status))

    def hang(self, match: Match, seconds: float, times: int = 1) -> None:
        """The answer takes so many seconds; the change was made at once."""
        self.troubles.append(Trouble("hang", match, times, seconds))

    def note(self, kind: str) -> None:
        """Somebody met it."""
        self.met[kind] = self.met.get(kind, 0) + 1

    def meet(self, method: str, path: str) -> Trouble | None:
        """What befalls this request."""
        for trouble in self.troubles:
            if trouble.times and trouble.match(method, path):
                trouble.times -= 1
                self.note(trouble.kind)
                return trouble
        return None
