"""The daemon's own audits: now and then on a thread of its own, the last one's findings kept with their time."""

from collections import Counter

import msgspec
import structlog

from holdfast.control.repair import Repair
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import Finding
from holdfast.model.views import FindingsView
from holdfast.runtime.api import Runtime, Task

log = structlog.get_logger()
# After the start, seconds until the first: what resumes ends first.
FIRST = 60.0


class Auditor:
    """Runs audits one at a time. A kept finding is of its moment: whoever acts on one looks again."""

    def __init__(self, runtime: Runtime, repair: Repair, every: float) -> None:
        self._runtime = runtime
        self._repair = repair
        self._every = every
        self._turn = runtime.condition()
        self._one = runtime.condition()
        self._stopped = False
        self._task: Task | None = None
        self.last = FindingsView()

    def run(self, *, repair: bool = False) -> list[Finding]:
        """Audit now; with `repair`, do what is provably safe."""
        with self._one:
            return self._audit(repair=repair)

    def _audit(self, *, repair: bool) -> list[Finding]:
        begun = self._runtime.monotonic()
        found = self._repair.run(repair=repair)
        kinds = Counter(str(finding.kind) for finding in found if not finding.repaired)
        seconds = round(self._runtime.monotonic() - begun, 3)
        self.last = FindingsView(at=self._runtime.now(), seconds=seconds, kinds=dict(kinds))
        return found

    def start(self) -> None:
        """Begin, unless it is never to run by itself."""
        if self._every:
            self._task = self._runtime.spawn("auditor", self._run)

    def _run(self) -> None:
        wait = min(FIRST, self._every)
        while True:
            with self._turn:
                if not self._stopped:
                    self._turn.wait(wait)
                if self._stopped:
                    return
            wait = self._every
            try:
                found = self.run()
            except (HoldfastError, OSError) as error:
                log.warning("an audit failed; it is tried again", error=str(error))
                continue
            except Exception:
                log.exception("an audit met a fault of Holdfast itself; it is tried again")
                continue
            for finding in found:
                log.warning("finding", **msgspec.to_builtins(finding))

    def stop(self) -> None:
        """End after the audit under way, which changes nothing and is waited for half a minute."""
        with self._turn:
            self._stopped = True
            self._turn.notify_all()
        if self._task is not None:
            self._task.join(30)
