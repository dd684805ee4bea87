"""A volume at a path, and not there any more: what staging and publishing have in common. Each is *ensure*.

Who does the same is joined; who does the opposite is cancelled, and the call asked again. Else records and a fresh
look answer, and only what they do not show is asked for.
"""

from holdfast.control.daemon import Daemon
from holdfast.faces.csi import finding
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.host import mountpoints, mounttable
from holdfast.model.conditions import ABANDONED, holds
from holdfast.model.errors import Again, Exists, Foreign, NotFound, WrongState
from holdfast.model.observations import Absent, ForeignObject, Present, Unknown
from holdfast.model.resources import Attachment, AttachmentSpec, Use
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
            self._cancelled(wanted.volume, wanted.path, _UNMOUNTS)
            if self._joined(wanted.path, _MOUNTS):
                continue
            row = self._read(wanted.path)
            if row is not None and row.spec != wanted:
                raise Exists(f"At {wanted.path} {_differs(row, wanted)}.")
            if self._made(wanted) if row is None else self._back(row):
                return
        raise Again(f"What is at {wanted.path} comes and goes.")

    def _made(self, wanted: AttachmentSpec) -> bool:
        """Whether it was asked for, and is there; else somebody was faster."""
        pool, volume = self._daemon.records.read(lambda tx: finding.the_volume(tx, wanted.volume))
        asked = VolumeMount(
            pool=pool.name, name=volume.name, path=wanted.path, read_only=wanted.read_only, use=wanted.use,
            flags=wanted.flags, alone=wanted.alone,
        )  # fmt: skip
        try:
            self._ensuring.asked(asked, durable=False)
        except NotFound:  # it was renamed, or is gone
            return False
        except Exists as error:
            if self._read(wanted.path) is None:  # no record's: a mount of somebody else
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
            self._cancelled(volume, path, _MOUNTS)
            if self._joined(path, _UNMOUNTS):
                continue
            row = self._read(path)
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

    def _read(self, path: str) -> Attachment | None:
        return self._daemon.records.read(lambda tx: finding.at(tx, path))

    def _joined(self, path: str, kinds: tuple[str, ...]) -> bool:
        try:
            return self._ensuring.joined(claims.on_name(self._daemon.member.uid, path), *kinds)
        except (NotFound, Exists):  # somebody was faster than whom we joined: what came of it is to be seen
            return True

    def _cancelled(self, volume: str, path: str, kinds: tuple[str, ...]) -> None:
        """Whoever does the opposite with this volume, at this path, is called back. Raises Again if there is one."""

        def both(tx: Tx) -> list[tuple[str, str]]:
            of_volume = claims.holders(tx, claims.on_uid(volume))
            at_path = claims.holders(tx, claims.on_name(self._daemon.member.uid, path))
            return [each for each in at_path if each in of_volume]

        for op, kind in self._daemon.records.read(both):
            if kind in kinds:
                self._ensuring.cancelled(op, kind)


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
