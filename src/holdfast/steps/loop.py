"""The loop device of a block volume: attached for good, until it is detached."""

import os
from typing import Any, ClassVar

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.host import loops
from holdfast.host.facts import Loop
from holdfast.host.host import Host
from holdfast.host.signatures import size_of
from holdfast.model.step import Conflict, Context, Done, Round, Step, Todo, Verdict
from holdfast.steps.looks import Stays
from holdfast.steps.mount import DEADLINE


class _Attached(Step, frozen=True):
    """The loop device of a block volume."""

    pool: PoolRef
    volume: VolumeRef
    read_only: bool = False
    volatile: ClassVar[bool] = True

    def _attached(self, ctx: Context) -> list[Loop]:
        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            kernel = ctx.tool(Host).kernel
            return loops.of_backing(loops.backing_of(access.fd, kernel), kernel)

    def _attach(self, ctx: Context) -> None:
        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            args = {"read_only": self.read_only}
            ctx.tool(Host).children.run(ctx, "loop-attach", args, (access.fd,), DEADLINE)

    def _detach(self, ctx: Context) -> None:
        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            ctx.tool(Host).children.run(ctx, "loop-detach", {}, (access.fd,), DEADLINE)


class LoopAttach(_Attached, frozen=True, tag="loop-attach.1"):
    """One loop device is attached to the volume's image, for good, and in the wanted mode."""

    def judge(self, ctx: Context) -> Verdict:
        """By the devices' backing files. A read-only bind of a node does not keep writers off: the device must."""
        found = self._attached(ctx)
        if any(loop.read_only != self.read_only for loop in found):
            return Conflict("The volume's loop device has another access mode.", "in-use", "Unmount it there first.")
        return Done() if any(not loop.autoclear for loop in found) else Todo()

    def apply(self, ctx: Context) -> Round | None:
        """Attach."""
        self._attach(ctx)
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """None is attached, as before."""
        return Todo() if self._attached(ctx) else Done()

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Detach."""
        self._detach(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        return f"attach a loop device to {self.volume.name}"


class LoopGrown(_Attached, Stays, frozen=True, tag="loop-grown.1"):
    """The loop devices of the volume's image, if it has any, are as long as the image."""

    size: int = 0

    def judge(self, ctx: Context) -> Verdict:
        """As the open devices say."""
        return Done() if all(self._length(ctx, loop) >= self.size for loop in self._attached(ctx)) else Todo()

    @staticmethod
    def _length(ctx: Context, loop: Loop) -> int:
        kernel = ctx.tool(Host).kernel
        fd = kernel.open(loop.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return size_of(fd, kernel)
        finally:
            kernel.close(fd)

    def apply(self, ctx: Context) -> Round | None:
        """Let them look anew."""
        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            ctx.tool(Host).children.run(ctx, "loop-resize", {}, (access.fd,), DEADLINE)
        return None

    def describe(self) -> str:
        """One line."""
        return f"see the new size of {self.volume.name} here"


class LoopDetach(_Attached, frozen=True, tag="loop-detach.1"):
    """No loop device is attached to the volume's image."""

    def judge(self, ctx: Context) -> Verdict:
        """By the devices' backing files."""
        return Todo() if self._attached(ctx) else Done()

    def apply(self, ctx: Context) -> Round | None:
        """Detach."""
        self._detach(ctx)
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """One is attached again."""
        return Done() if any(not loop.autoclear for loop in self._attached(ctx)) else Todo()

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Attach again."""
        self._attach(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        return f"detach the loop device from {self.volume.name}"
