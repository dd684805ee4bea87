"""The real runtime: threads, real clocks, the system's randomness."""

import os
import random
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import cast

from holdfast.runtime.api import Condition, Runtime, Task

# The very class, without a layer of ours: locks are taken thousands of times a second.
Condition.register(threading.Condition)


class _ThreadTask(Task):
    def __init__(self, name: str, fn: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=fn, name=name, daemon=True)
        self._thread.start()

    def join(self, timeout: float | None = None) -> bool:
        self._thread.join(timeout)
        return not self._thread.is_alive()


class ThreadRuntime(Runtime):
    """Threads. A busy Python thread would hold a committing one for 5 ms at a time; see DESIGN's measurement."""

    def __init__(self) -> None:
        super().__init__()
        sys.setswitchinterval(1e-3)
        self._random = random.Random(os.urandom(16))

    def now(self) -> float:
        """Wall clock."""
        return time.time()

    def monotonic(self) -> float:
        """CLOCK_MONOTONIC."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)

    def condition(self) -> Condition:
        """A threading.Condition on a plain lock."""
        return cast("Condition", threading.Condition(threading.Lock()))

    def spawn(self, name: str, fn: Callable[[], None]) -> Task:
        """Start a daemon thread: nothing of ours delays the process's exit."""
        return _ThreadTask(name, fn)

    def random(self) -> float:
        """From a generator seeded by the system."""
        return self._random.random()

    def new_id(self) -> str:
        """UUID4 from the system's randomness."""
        return uuid.uuid4().hex
