"""The children of a drill: real ones of a fork server of its own, each noted when it has ended."""

from typing import Any

from holdfast.host.children import ForkServerChildren, Keeper
from holdfast.host.linux import LINUX
from holdfast.runtime.api import Runtime


class SickChildren(ForkServerChildren):
    """`chart` is the path of what ails the devices; `log` gets a line per child: its work, and on what."""

    def __init__(self, runtime: Runtime, chart: str, log: str) -> None:
        super().__init__(runtime, ("holdfast.drills.forkserver", chart))
        self._log = log

    def run(
        self, keeper: Keeper, work: str, args: dict[str, Any], fds: tuple[int, ...] = (), deadline: float = 60.0
    ) -> Any:
        """See `Children.run`."""
        on = LINUX.location(fds[0]) if fds else ""
        try:
            return super().run(keeper, work, args, fds, deadline)
        finally:
            with open(self._log, "a", encoding="utf-8") as file:
                file.write(f"{work} {on}\n")
