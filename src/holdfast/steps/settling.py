"""The copy of a file system that must be connected before it can be settled: see `holdfast.host.copies`."""

from holdfast.host import copies
from holdfast.host.host import Host
from holdfast.model.resources import FileSystem
from holdfast.model.step import Context
from holdfast.steps.device import Noted


class CopySettled(Noted, frozen=True, tag="copy-settled.1"):
    """The connected copy is whole, in order, and shows its own uuid; and a note says so."""

    def _do(self, ctx: Context, fd: int, fs: FileSystem, uuid: str) -> None:
        """Settle it, durably; a snapshot keeps its volume's uuid."""
        host = ctx.tool(Host)
        copies.finish(host.children, ctx, fd, fs, uuid, anew=not self.volume.of, kernel=host.kernel)
        host.kernel.fsync(fd)

    def describe(self) -> str:
        """One line."""
        return f"settle the {self.volume.fs} of {self.volume.name}"
