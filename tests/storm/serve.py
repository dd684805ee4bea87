"""`holdfast serve` as it is, in a session of its own, with shorter deadlines of children: run as a script.

By its session a process proves to belong to this daemon; the deadlines are short so that a storm can outlast them.
"""

import os
from typing import Any
from unittest import mock

from holdfast.cli.main import main
from holdfast.host.children import ForkServerChildren, Keeper


def hurried(most: float) -> Any:
    """`ForkServerChildren.run` with a deadline of so many seconds at the most."""
    run = ForkServerChildren.run

    def hurry(
        self: ForkServerChildren,
        keeper: Keeper,
        work: str,
        args: dict[str, Any],
        fds: tuple[int, ...] = (),
        deadline: float = most,
    ) -> Any:
        return run(self, keeper, work, args, fds, min(deadline, most))

    return mock.patch.object(ForkServerChildren, "run", hurry)


if __name__ == "__main__":
    os.setsid()
    with hurried(float(os.environ["STORM_CHILD_DEADLINE"])):
        main()
