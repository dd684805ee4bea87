"""The seam between Holdfast and the machine's time and threads.

Everything that waits, locks, spawns, reads a clock or draws a number asks a `Runtime`. In production it is
threads and the real clocks; in simulation seeded greenlets and a virtual clock, behind the same class.
"""

import abc
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Killed(BaseException):
    """A simulated SIGKILL: raised wherever a dead incarnation tries to go on."""


class Condition(abc.ABC):
    """A lock with waiting, as threading.Condition; used as a context manager."""

    @abc.abstractmethod
    def __enter__(self) -> "Condition": ...

    @abc.abstractmethod
    def __exit__(self, *exc: object) -> None: ...

    @abc.abstractmethod
    def wait(self, timeout: float | None = None) -> bool:
        """Release, wait for a notify or `timeout` seconds, take again; False after a timeout."""

    @abc.abstractmethod
    def notify(self) -> None:
        """Wake one who waits."""

    @abc.abstractmethod
    def notify_all(self) -> None:
        """Wake all who wait."""


class Task(abc.ABC):
    """A thread or greenlet."""

    @abc.abstractmethod
    def join(self, timeout: float | None = None) -> bool:
        """Wait for its end; False after `timeout` seconds."""


class Runtime(abc.ABC):
    """See the module. Failpoints sit at every boundary; without a hook they cost one comparison."""

    def __init__(self) -> None:
        self.hook: Callable[[str], None] | None = None

    @abc.abstractmethod
    def now(self) -> float:
        """Wall-clock seconds since the epoch; may jump; for people, never for decisions."""

    @abc.abstractmethod
    def monotonic(self) -> float:
        """Seconds that never jump, within one run."""

    @abc.abstractmethod
    def sleep(self, seconds: float) -> None:
        """Wait."""

    @abc.abstractmethod
    def condition(self) -> Condition:
        """A new lock with waiting."""

    @abc.abstractmethod
    def spawn(self, name: str, fn: Callable[[], None]) -> Task:
        """Run `fn` beside the caller."""

    @abc.abstractmethod
    def random(self) -> float:
        """A number in [0, 1)."""

    @abc.abstractmethod
    def new_id(self) -> str:
        """A new id: 32 hex digits of a UUID, version 4, which also serves as a file system's uuid."""

    def failpoint(self, name: str) -> None:
        """A named place where tests break things."""
        if self.hook is not None:
            self.hook(name)

    def effect(self, name: str, call: Callable[[], T]) -> T:
        """Run one mutating call of the outside between two failpoints: `name.before` and `name.after`."""
        if self.hook is None:
            return call()
        self.hook(name + ".before")
        answer = call()
        self.hook(name + ".after")
        return answer
