"""Looking after a volume: a check of its file system, and giving its free space back. Neither changes what is seen."""

import os

import msgspec

from holdfast.drivers.contract import PoolRef, VolumeFacts, VolumeRef
from holdfast.drivers.registry import Drivers
from holdfast.host import checks, mounttable
from holdfast.host.checks import CheckResult
from holdfast.host.host import Host
from holdfast.host.mountpoints import MountFacts
from holdfast.model.errors import Refused
from holdfast.model.step import Conflict, Context, Done, Round, Todo, Verdict
from holdfast.steps.arrival import bring
from holdfast.steps.looks import Stays, verdict
from holdfast.steps.mount import look_at

# A file system on a slow device, or an array that takes discards one by one, may need long; seconds.
TRIM_DEADLINE = 3600.0


class _Harmless(Stays, frozen=True):
    """Nothing to undo: nobody sees a difference."""

    pool: PoolRef
    volume: VolumeRef


class VolumeChecked(_Harmless, frozen=True, tag="volume-checked.1"):
    """It is known whether the volume's file system is sound. Looks only, and whatever was found is Done."""

    Result = CheckResult
    looks = True

    def judge(self, ctx: Context) -> Verdict:
        """By the file system's own tool. What is read while somebody may write says nothing, so use is a Conflict."""
        driver = ctx.tool(Drivers).of(self.pool)
        gone = Conflict("The volume is not in its pool.", "not-found", "`holdfast audit` tells more.")

        def there(_facts: VolumeFacts) -> Verdict:
            return self._in_use(ctx) or self._check(ctx)

        return verdict(driver.look_volume(self.pool, self.volume), there, gone)

    def _in_use(self, ctx: Context) -> Conflict | None:
        users = ctx.tool(Drivers).of(self.pool).in_use(self.pool, self.volume)
        hint = "Unmount it, then check again."
        return Conflict(f"The volume is in use: {users}.", "in-use", hint) if users else None

    def _check(self, ctx: Context) -> Verdict:
        fs, uuid = self.volume.fs, self.volume.fs_uuid
        if fs is None or uuid is None:
            return Conflict("The volume has no file system of its own.", "invalid", "Check its pool's disk.")
        kernel = ctx.tool(Host).kernel
        bring(ctx, self.pool, self.volume)
        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            image = kernel.reopen(access.fd, os.O_RDONLY)
        try:
            found = checks.check(ctx.tool(Host).children, ctx, image, fs, uuid)
        except Refused as error:
            return Conflict(error.detail, error.code, error.hint)
        finally:
            kernel.close(image)
        return self._in_use(ctx) or Done(msgspec.structs.replace(found, at=ctx.tool(Host).runtime.now()))

    def apply(self, ctx: Context) -> Round | None:
        """Nothing."""
        return None

    def describe(self) -> str:
        """One line."""
        return f"check the {self.volume.fs} of {self.volume.name}"


class TrimResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes that the file system says it gave back."""

    trimmed: int


class VolumeTrimmed(_Harmless, frozen=True, tag="volume-trimmed.1"):
    """The free space of the volume's mounted file system was given back to the pool, once."""

    path: str

    Result = TrimResult

    def judge(self, ctx: Context) -> Verdict:
        """By what the one round said; before it, by what is mounted at the path."""
        if ctx.progress:
            return Done(TrimResult(int(ctx.progress)))
        away = Conflict(f"The volume is not mounted at {self.path}.", "wrong-state", "Mount it, then trim again.")
        kernel = ctx.tool(Host).kernel
        if mounttable.top_at(self.path, kernel=kernel) is None:
            return away

        def ours(facts: MountFacts) -> Verdict:
            hint = "Unmount it, mount it writable, then trim again."
            return Conflict(f"{self.path} is mounted read-only.", "wrong-state", hint) if facts.read_only else Todo()

        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            found = look_at(self.path, access, self.volume, kernel)
        return verdict(found, ours, away, "Unmount what covers it, then try again.")

    def apply(self, ctx: Context) -> Round | None:
        """Trim it whole; the answer is the round's progress, since no look can tell it later."""
        args = {"path": self.path, "fs": self.volume.fs, "uuid": self.volume.fs_uuid}
        with ctx.tool(Drivers).of(self.pool).access(self.pool, self.volume) as access:
            trimmed = ctx.tool(Host).children.run(ctx, "trim", args, (access.fd,), TRIM_DEADLINE)
        return Round(str(trimmed))

    def describe(self) -> str:
        """One line."""
        return f"trim {self.volume.name} at {self.path}"
