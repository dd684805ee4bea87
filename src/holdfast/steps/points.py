"""The mount point of what is published: made with it, and gone with it. Never anything that somebody put there.

An orchestrator names the path, and looks to it that the directory above is there. Nothing here is durable: after a
power loss no mount is there either, and what is wanted is asked for again.
"""

import os
import stat
from typing import Any, ClassVar

from holdfast.host import mounttable
from holdfast.host.host import Host
from holdfast.model.errors import Again, Refused
from holdfast.model.observations import Absent, ForeignObject, Present
from holdfast.model.step import Conflict, Context, Done, Round, Step, Todo, Verdict

_MODE = 0o750


class _Point(Step, frozen=True):
    """An empty directory, or an empty file for a block device."""

    path: str
    directory: bool

    def _look(self, ctx: Context) -> Absent | Present[bool] | ForeignObject:
        """Whether it is there, and then whether it is empty; Foreign if it is of another kind."""
        kernel = ctx.tool(Host).kernel
        try:
            info = kernel.stat(self.path, follow_symlinks=False)
            if self.directory and stat.S_ISDIR(info.st_mode):
                return Present(not kernel.listdir(self.path))
        except FileNotFoundError:
            return Absent()
        except OSError as error:
            raise Again(f"{self.path} cannot be looked at: {error.strerror}") from error
        if not self.directory and stat.S_ISREG(info.st_mode):
            return Present(info.st_size == 0)
        if not self.directory and stat.S_ISBLK(info.st_mode):
            return Present(facts=False)  # a device is mounted there
        return ForeignObject(f"{self.path} is not a {'directory' if self.directory else 'file'}")

    def _make(self, ctx: Context) -> None:
        above, name, host = *os.path.split(self.path), ctx.tool(Host)
        try:
            fd = self._above(host, above)
        except FileNotFoundError as error:
            raise Refused(f"The directory {above} does not exist.") from error
        try:
            if self.directory:
                host.files.mkdir("point.mkdir", fd, name, _MODE)
            else:
                host.files.write("point.write", fd, name, b"")
        except FileExistsError:
            return  # the next look tells what it is
        finally:
            host.kernel.close(fd)

    @staticmethod
    def _above(host: Host, path: str) -> int:
        """The directory that it is in, open, and no other that a symlink leads to."""
        fd = host.files.open_directory(path)
        if host.kernel.location(fd) != path:
            host.kernel.close(fd)
            raise Again(f"{path} leads elsewhere now.")
        return fd

    def _remove(self, ctx: Context) -> None:
        """What is not empty any more, or is a mount, is refused by the kernel; a file is looked at last here."""
        above, name, host = *os.path.split(self.path), ctx.tool(Host)
        try:
            fd = self._above(host, above)
        except FileNotFoundError:
            return
        try:
            if self.directory:
                host.files.rmdir("point.rmdir", fd, name)
            elif self._look(ctx) == Present(facts=True):
                host.files.unlink("point.unlink", fd, name)
        finally:
            host.kernel.close(fd)

    def _is_made(self, ctx: Context) -> Verdict:
        match self._look(ctx):
            case Absent():
                return Todo()
            case Present():
                return Done()
            case ForeignObject(evidence):
                return Conflict(f"{evidence}.", "invalid", "Remove it, if nobody needs it.")

    def _is_gone(self, ctx: Context) -> Verdict:
        """What somebody put there, into it or onto it, is left alone: it is no mount point of ours any more."""
        covered = mounttable.top_at(self.path, kernel=ctx.tool(Host).kernel) is not None
        if not covered and self._look(ctx) == Present(facts=True):
            return Todo(reason=f"{self.path} is still there")
        return Done()


class PointMade(_Point, frozen=True, tag="point-made.1"):
    """Something can be mounted at the path."""

    def judge(self, ctx: Context) -> Verdict:
        """What is of another kind is a Conflict; whether it is empty, the mount asks."""
        return self._is_made(ctx)

    def apply(self, ctx: Context) -> Round | None:
        """Make it."""
        self._make(ctx)
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Not there, as before."""
        return self._is_gone(ctx)

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Remove it, if it is empty."""
        self._remove(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        return f"make the mount point {self.path}"


class PointRemoved(_Point, frozen=True, tag="point-removed.1"):
    """The mount point is gone. One that a loss of power leaves is as empty as one that was made anew."""

    volatile: ClassVar[bool] = True

    def judge(self, ctx: Context) -> Verdict:
        """What holds anything, which was hidden while something was mounted there, stays."""
        return self._is_gone(ctx)

    def apply(self, ctx: Context) -> Round | None:
        """Remove it, if it is empty."""
        self._remove(ctx)
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """There again."""
        return self._is_made(ctx)

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Make it."""
        self._make(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        return f"remove the mount point {self.path}"
