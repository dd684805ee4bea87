"""A volume at a path, and not there any more: what staging and publishing have in common. Each is *ensure*.

Who does the same is joined; who does the opposite is cancelled, and the call asked again. Else records and a fresh
look answer, and only what they do not show is asked for.
"""

from typing import NamedTuple

from holdfast.control.daemon import Daemon
from holdfast.faces.csi import finding
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.host import mountpoints, mounttable
from holdfast.model.conditions import ABANDONED, holds
from holdfast.model.errors import Again, Exists, Foreign, NotFound, WrongState
from holdfast.model.observations import Absent, ForeignObject, Present, Unknown
from holdfast.model.resources import Attachment, AttachmentSpec, Pool, Use, Volume
from holdfast.operations.attachment.mount import MountRestore, VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.records import claims, resources
from holdfast.records.contract import Tx

# Turns of a call whose look is overtaken by others again and again.
TURNS = 16
_MOUNTS, _UNMOUNTS = ("attachment.mount", "attachment.restore"), ("attachment.unmount",)


class Using:
    """Of one call."""

    def __init__(self, daemon: Daemon, ensuring: Ensuring) -> None:
        self._daemon = daemon
        self._ensuring = ensuring

    def there(self, wanted: AttachmentSpec) -> None:
        """It is at the path as wanted. Raises Exists if it is otherwise, and what `Ensuring.asked` does."""
        for _ in range(TURNS):
            now = self._read(wanted.volume, wanted.path)
            self._cancelled(now, _UNMOUNTS)
            if self._joined(now, _MOUNTS):
                continue
            if now.row is not None and now.row.spec != wanted:
                raise Exists(f"At {wanted.path} {_differs(now.row, wanted)}.")
            if self._made(wanted, now) if now.row is None else self._back(now.row):
                return
        raise Again(f"What is at {wanted.path} comes and goes.")

    def _made(self, wanted: AttachmentSpec, now: "_Now") -> bool:
        """Whether it was asked for, and is there; else somebody was faster."""
        if now.found is None:
            raise NotFound(f"There is no volume {wanted.volume}.")
        pool, volume = now.found
        asked = VolumeMount(
            pool=pool.name, name=volume.name, path=wanted.path, read_only=wanted.read_only, use=wanted.use,
            flags=wanted.flags, alone=wanted.alone,
        )  # fmt: skip
        try:
            self._ensuring.asked(asked, durable=False)
        except NotFound:  # it was renamed, or is gone
            return False
        except Exists as error:
            if self._read(wanted.volume, wanted.path).row is None:  # no record's: a mount of somebody else
                raise WrongState(error.detail, error.hint) from error
            return False
        return True

    def _back(self, row: Attachment) -> bool:
        """Whether it is there, maybe again; else somebody took it away for good."""
        if self.is_there(row) and row.status.ready and not holds(row.conditions, ABANDONED):
            return True
        try:
            self._ensuring.asked(MountRestore(attachment=row.uid), durable=False)
        except NotFound:
            return False
        return True

    def is_there(self, row: Attachment) -> bool:
        """As the kernel shows it now, or not. Raises Exists if it is otherwise, Foreign, or Again if it is unknown."""
        match self._daemon.looks.attachment(row):
            case Present(facts):
                if facts.read_only != row.spec.read_only or not set(row.spec.flags) <= set(facts.flags):
                    raise Exists(f"{row.spec.path} was mounted anew by others, as {','.join(facts.flags)}.")
                return True
            case Absent():
                return False
            case ForeignObject(evidence):
                raise Foreign(evidence, "Unmount it, then try again.")
            case Unknown(reason):
                raise Again(reason)

    def gone(self, volume: str, path: str, use: Use) -> None:
        """It is not at the path. What is there of others stays, and is told."""
        for _ in range(TURNS):
            now = self._read(volume, path)
            self._cancelled(now, _MOUNTS)
            if self._joined(now, _UNMOUNTS):
                continue
            row = now.row
            if row is None or row.parent != volume:
                return self._nothing_hidden(path, row)
            if row.spec.use != use:
                raise WrongState(f"The volume is at {path}, but as a {row.spec.use}.")
            try:
                self._ensuring.asked(VolumeUnmount(attachment=row.uid), durable=False)
            except NotFound:  # somebody was faster
                continue
            return self._nothing_hidden(path, None)
        raise Again(f"What is at {path} comes and goes.")

    def _nothing_hidden(self, path: str, row: Attachment | None) -> None:
        """Raise WrongState if there is anything at the path that no record knows of: it stays."""
        kernel = self._daemon.desk.host.kernel
        top = mounttable.top_at(path, kernel=kernel)
        if row is None and top is not None:
            raise WrongState(
                f"{top.fs} from {top.source} is mounted at {path}, and no record knows of it.",
                "`holdfast audit` tells what it is.",
            )
        if row is None and not mountpoints.is_empty(path, kernel):
            raise WrongState(f"{path} is not empty, and nothing is mounted there.", "Move away what is in it.")

    def _read(self, volume: str, path: str) -> "_Now":
        claim = claims.on_name(self._daemon.member.uid, path)

        def read(tx: Tx) -> _Now:
            of_volume = claims.holders(tx, claims.on_uid(volume))
            return _Now(finding.at(tx, path), finding.by_uid(tx, volume), claims.holders(tx, claim), of_volume)

        return self._daemon.records.read(read)

    def _joined(self, now: "_Now", kinds: tuple[str, ...]) -> bool:
        try:
            return self._ensuring.followed(now.at_path, *kinds)
        except (NotFound, Exists):  # somebody was faster than whom we joined: what came of it is to be seen
            return True

    def _cancelled(self, now: "_Now", kinds: tuple[str, ...]) -> None:
        """Whoever does the opposite with this volume, at this path, is called back. Raises Again if there is one."""
        for op, kind in now.at_path:
            if kind in kinds and (op, kind) in now.of_volume:
                self._ensuring.cancelled(op, kind)


class _Now(NamedTuple):
    """What is recorded at a path, of a volume, and which operations have the one and the other."""

    row: Attachment | None
    found: tuple[Pool, Volume] | None
    at_path: list[tuple[str, str]]
    of_volume: list[tuple[str, str]]


def published(tx: Tx, volume: str) -> list[Attachment]:
    """Where it is published."""
    return [row for row in resources.attachments(tx, volumes=[volume]) if row.spec.use == "publish"]


def _differs(row: Attachment, wanted: AttachmentSpec) -> str:
    spec = row.spec
    if spec.volume != wanted.volume:
        return "another volume is wanted"
    if spec.use != wanted.use:
        return f"the volume is as a {spec.use}, not as a {wanted.use}"
    mode = "read-only" if spec.read_only else "writable"
    return f"the volume is {mode} with the flags {','.join(spec.flags) or '(none)'}, not as it is asked for now"
