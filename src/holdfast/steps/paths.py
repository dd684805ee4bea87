"""That nothing of ours is mounted any more, as the kernel says: all that forgetting needs to know of the world."""

from typing import Any

from holdfast.host import mounttable
from holdfast.host.host import Host
from holdfast.model.step import Conflict, Context, Done, Round, Step, Verdict


class PathsFree(Step, frozen=True, tag="paths-free.1"):
    """Nothing is mounted at these paths. Looks only."""

    paths: tuple[str, ...]

    looks = True

    def judge(self, ctx: Context) -> Verdict:
        """By the table."""
        table = ctx.tool(Host).kernel.mounts()
        for path in self.paths:
            if mounttable.top_at(path, table) is not None:
                return Conflict(f"{path} is mounted.", "in-use", f"Unmount it first: umount {path}")
        return Done()

    def apply(self, ctx: Context) -> Round | None:
        """Nothing."""
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Nothing was done."""
        return Done()

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Nothing."""
        return None

    def describe(self) -> str:
        """One line."""
        return f"see that nothing is mounted at {', '.join(self.paths)}"
