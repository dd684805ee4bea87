"""Who runs next, and when: a ready list, timers, and never two threads in one operation."""

import heapq
from collections import deque

from holdfast.runtime.api import Runtime


class Queue:
    """Operations by id. A later `put` replaces an earlier one; one that runs is run again afterwards.

    At most `most` run at once, whoever's threads they run on.
    """

    def __init__(self, runtime: Runtime, most: int = 1 << 30) -> None:
        self._runtime = runtime
        self._most = most
        self._turn = runtime.condition()
        self._ready: deque[str] = deque()
        self._timers: list[tuple[float, int, str]] = []
        self._due: dict[str, int] = {}
        self._serial = 0
        # In somebody's hands; of these those that run, and of these those that run on their caller's own thread.
        self._busy: set[str] = set()
        self._running: set[str] = set()
        self._led: set[str] = set()
        self._closed = False

    def put(self, op: str, after: float = 0.0) -> None:
        """Run `op` in `after` seconds; at once replaces any later time."""
        with self._turn:
            self._put(op, after)

    def _put(self, op: str, after: float) -> None:
        self._serial += 1
        self._due[op] = self._serial
        if after > 0:
            heapq.heappush(self._timers, (self._runtime.monotonic() + after, self._serial, op))
        elif op not in self._busy and op not in self._ready:
            self._ready.append(op)
        # One is enough to run it, or to mind its timer: who waits longest is woken, so that whoever waits without
        # knowing a timer is woken before one who minds it.
        self._turn.notify()

    def take(self) -> str | None:
        """Wait for the next operation; None once closed."""
        with self._turn:
            while not self._closed:
                wait = self._promote()
                if self._ready and len(self._running) < self._most:
                    op = self._ready.popleft()
                    self._due.pop(op, None)
                    self._busy.add(op)
                    self._running.add(op)
                    return op
                self._turn.wait(wait)
            return None

    def _promote(self) -> float | None:
        """Move due timers to the ready list; seconds until the next one, if any."""
        now = self._runtime.monotonic()
        while self._timers:
            when, serial, op = self._timers[0]
            if self._due.get(op) == serial and when > now:
                return when - now
            heapq.heappop(self._timers)
            if self._due.get(op) == serial and op not in self._busy and op not in self._ready:
                self._ready.append(op)
        return None

    def put_back(self, op: str, after: float | None) -> None:
        """Whoever has `op` is through with it; run it again in `after` seconds, at once if it was put meanwhile."""
        with self._turn:
            for where in (self._busy, self._running, self._led):
                where.discard(op)
            if self._closed:
                self._turn.notify_all()
            elif self._ready:
                self._turn.notify()  # there is room for one more
            if op in self._due:
                self._put(op, 0.0)
            elif after is not None:
                self._put(op, after)

    def reserve(self, op: str) -> None:
        """Take a new `op` before anybody can know of it: a `put` then waits for the `put_back`, as while it runs."""
        with self._turn:
            self._busy.add(op)

    def lead(self, op: str, most: int) -> bool:
        """Run the reserved `op` on the calling thread; False if `most` are run so, or there is no room, or no more."""
        with self._turn:
            if self._closed or self._ready or len(self._led) >= most or len(self._running) >= self._most:
                return False
            self._running.add(op)
            self._led.add(op)
            return True

    def hold(self, op: str) -> bool:
        """Take `op` out so that no thread runs it; False if one does right now."""
        with self._turn:
            if op in self._busy:
                return False
            self._due.pop(op, None)
            if op in self._ready:
                self._ready.remove(op)
            self._busy.add(op)
            return True

    def close(self) -> None:
        """Let every thread that waits go."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()

    def quiet(self, timeout: float) -> bool:
        """Wait, once closed, until nothing runs any more; False if something still does after `timeout` seconds."""
        end = self._runtime.monotonic() + timeout
        with self._turn:
            while self._busy and (left := end - self._runtime.monotonic()) > 0:
                self._turn.wait(left)
            return not self._busy

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing is ready (timers may be set)."""
        with self._turn:
            return not self._busy and not self._ready
