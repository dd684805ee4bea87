"""A volume at a path: mounting and unmounting are the same two acts, one the way back of the other."""

import os
from typing import Any, ClassVar

from holdfast.drivers.connecting import Connecting
from holdfast.drivers.contract import Access, PoolRef, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.host import loops, mountpoints, mounttable
from holdfast.host.host import Host
from holdfast.host.kernel import Kernel
from holdfast.host.mountpoints import MountFacts, MountLook
from holdfast.model.errors import Again, Foreign, HoldfastError
from holdfast.model.observations import Absent, ForeignObject, Present
from holdfast.model.resources import MountFlag
from holdfast.model.step import Conflict, Context, Done, Round, Step, Todo, Unclear, Verdict
from holdfast.steps.arrival import bring
from holdfast.steps.looks import verdict

# A journal of a large file system may be replayed at mount, and umount carries the writeback; seconds.
DEADLINE = 300.0


def look_at(path: str, access: Access, volume: VolumeRef, kernel: Kernel) -> MountLook:
    """Whether what is mounted at the path is this volume."""
    if access.kind == "tree":
        return mountpoints.look_tree(path, access.fd, kernel)
    look = mountpoints.look_device if access.kind == "device" else mountpoints.look_image
    return look(path, access.fd, volume.fs, kernel)


class _AtPath(Step, frozen=True, omit_defaults=True):
    """The looks and acts that Mount and Unmount share."""

    pool: PoolRef
    volume: VolumeRef
    path: str
    read_only: bool
    flags: tuple[MountFlag, ...] = ()
    volatile: ClassVar[bool] = True

    def _look(self, ctx: Context) -> MountLook:
        kernel = ctx.tool(Host).kernel
        top = mounttable.top_at(self.path, kernel=kernel)
        if top is None:
            return Absent()  # that nothing is there needs no word from the pool
        driver = ctx.tool(Drivers).of(self.pool)
        if isinstance(driver, Connecting) and isinstance(driver.look_device(self.pool, self.volume), Absent):
            raise Again(f"At {self.path} is {top.source}, and the device of {self.volume.name} is not here.")
        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            return look_at(self.path, access, self.volume, kernel)

    def _mount(self, ctx: Context) -> None:
        host = ctx.tool(Host)
        directory = self.volume.content != "block"
        mountpoints.check(self.path, directory=directory, private=host.private, kernel=host.kernel)
        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            kind = os.O_DIRECTORY if directory else 0
            target = host.kernel.open(self.path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC | kind)
            try:
                if host.kernel.location(target) != self.path:
                    raise Again(f"{self.path} leads elsewhere now.")
                work, args = self._work(access)
                host.children.run(ctx, work, args, (access.fd, target), DEADLINE)
            finally:
                host.kernel.close(target)

    def _work(self, access: Access) -> tuple[str, dict[str, Any]]:
        args: dict[str, Any] = {"read_only": self.read_only}
        if self.flags:
            args["flags"] = self.flags
        if access.kind == "tree":
            return "mount-tree", args
        if self.volume.fs is None:
            return "bind-device" if access.kind == "device" else "mount-node", args
        work = "mount-device" if access.kind == "device" else "mount-image"
        if self.volume.of:
            args["sealed"] = True
        return work, {**args, "fs": self.volume.fs, "uuid": self.volume.fs_uuid}

    def _unmount(self, ctx: Context) -> None:
        found = self._look(ctx)
        if isinstance(found, ForeignObject):
            raise Foreign(found.evidence)
        if isinstance(found, Present):
            args = {"path": self.path, "mount": found.facts.id}
            ctx.tool(Host).children.run(ctx, "umount", args, (), DEADLINE)

    def _is_mounted(self, ctx: Context) -> Verdict:
        def ours(facts: MountFacts) -> Verdict:
            if facts.read_only == self.read_only and set(self.flags) <= set(facts.flags):
                return Done()
            how = "access mode" if facts.read_only != self.read_only else "flags"
            return Conflict(f"{self.path} is mounted with another {how}.", "exists", "Unmount it first.")

        return verdict(self._look(ctx), ours, Todo())

    def _is_unmounted(self, ctx: Context) -> Verdict:
        hint = "Unmount what covers it, then try again."
        return verdict(self._look(ctx), lambda _facts: Todo(), Done(), hint)


class Mount(_AtPath, frozen=True, tag="mount.1"):
    """The kernel's table shows the volume at the path."""

    def judge(self, ctx: Context) -> Verdict:
        """A path at which it cannot be mounted is a Conflict."""
        verdict = self._is_mounted(ctx)
        if isinstance(verdict, Todo):
            try:
                host, directory = ctx.tool(Host), self.volume.content != "block"
                mountpoints.check(self.path, directory=directory, private=host.private, kernel=host.kernel)
            except HoldfastError as error:
                return Conflict(error.detail, error.code, error.hint)
        return verdict

    def apply(self, ctx: Context) -> Round | None:
        """Mount."""
        bring(ctx, self.pool, self.volume)
        self._mount(ctx)
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Not mounted by us."""
        verdict = self._is_unmounted(ctx)
        if not isinstance(verdict, Conflict):
            return verdict
        table = ctx.tool(Host).kernel.mounts()
        # Nothing was mounted there before, so what is covered may be ours.
        covered = sum(mount.path == self.path for mount in table) > 1
        return Unclear(f"{verdict.evidence}, and covers what may be ours; unmount it first") if covered else Done()

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Unmount."""
        self._unmount(ctx)
        return None

    def describe(self) -> str:
        """One line."""
        mode = " read-only" if self.read_only else ""
        mode += f" {','.join(self.flags)}" if self.flags else ""
        return f"mount {self.volume.name} at {self.path}{mode}"


class Unmount(_AtPath, frozen=True, tag="unmount.1"):
    """The kernel's table does not show the volume at the path any more.

    `among` others, whose device stays in use: then only the path is asked whether it is busy.
    """

    among: bool = False

    def judge(self, ctx: Context) -> Verdict:
        """By the table. A block device that is mounted or used by another is a Conflict before anything is done."""
        seen = self._is_unmounted(ctx)
        if isinstance(seen, Todo) and self.volume.content == "block" and not self.among:
            with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
                kernel = ctx.tool(Host).kernel
                if access.kind == "device":
                    return self._held(ctx) or seen
                for loop in loops.of_backing(loops.backing_of(access.fd, kernel), kernel):
                    if loops.is_claimed(loop, kernel):
                        hint = f"Stop what uses it (findmnt {loop.path}, lsblk {loop.path}), then try again."
                        return Conflict(
                            f"{self.path} is in use: its device {loop.path} is mounted or held.", "in-use", hint
                        )
        return seen

    def _held(self, ctx: Context) -> Conflict | None:
        found = ctx.tool(Drivers).connecting(self.pool).look_device(self.pool, self.volume)
        if not isinstance(found, Present) or not found.facts.holders:
            return None
        hint = f"Stop what uses it (lsblk {found.facts.path}), then try again."
        return Conflict(f"{self.path} is in use: its device is held by {found.facts.holders}.", "in-use", hint)

    def apply(self, ctx: Context) -> Round | None:
        """Unmount, never lazily."""
        self._unmount(ctx)
        return None

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Mounted again."""
        return self._is_mounted(ctx)

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Mount again. A machine that was started anew meanwhile has lost the device too, which is wanted still."""
        bring(ctx, self.pool, self.volume)
        self._attach(ctx)
        self._mount(ctx)
        return None

    def _attach(self, ctx: Context) -> None:
        """The loop device of a block volume's image."""
        if self.volume.content != "block":
            return
        host = ctx.tool(Host)
        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            if access.kind == "device":
                return
            backing = loops.backing_of(access.fd, host.kernel)
            if all(loop.autoclear for loop in loops.of_backing(backing, host.kernel)):
                args = {"read_only": self.read_only}
                host.children.run(ctx, "loop-attach", args, (access.fd,), DEADLINE)

    def describe(self) -> str:
        """One line."""
        return f"unmount {self.volume.name} from {self.path}"
