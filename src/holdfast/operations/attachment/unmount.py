"""Unmount a volume from a path; from then on it is not wanted there."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import Invalid, NotFound
from holdfast.model.resources import Attachment
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.connecting import leaving
from holdfast.operations.refs import around, bind_attachment, mark_abandoned, object_ref, pool_ref
from holdfast.records import resources
from holdfast.records.contract import Tx
from holdfast.steps.loop import LoopDetach
from holdfast.steps.mount import Unmount
from holdfast.steps.points import PointRemoved


class VolumeUnmount(Asked, frozen=True, kw_only=True, tag="attachment.unmount.1"):
    """By path, or by the attachment's uid."""

    path: str = ""
    attachment: str = ""

    def checked(self, desk: Desk) -> "VolumeUnmount":
        """The path in canonical form."""
        if not self.attachment and not self.path.startswith("/"):
            raise Invalid(f"The path {ascii(self.path)} is not absolute.")
        return msgspec.structs.replace(self, path=desk.host.kernel.realpath(self.path)) if self.path else self

    def _find(self, tx: Tx) -> Attachment:
        if self.attachment:
            found = resources.by_uid(tx, Attachment, self.attachment)
        else:
            found = next(iter(resources.attachments(tx, paths=[self.path])), None)
        if found is not None:
            return found
        what = self.path or self.attachment
        raise NotFound(f"No volume of ours is mounted at {what}.", "`holdfast volume list POOL` shows the mounts.")

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume and the path."""
        return bind_attachment(tx, self._find(tx), drawn.member)

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """What was attached or connected for it goes with the volume's last mount."""
        attachment = resources.by_uid(tx, Attachment, bound.uids["attachment"])
        if attachment is None:
            raise NotFound(f"No volume of ours is mounted at {self.path or self.attachment} any more.")
        pool, row, _ = around(tx, attachment.parent)
        spec, place, what = attachment.spec, pool_ref(pool, bound.drawn.owner), object_ref(row)
        last = len(resources.page(tx, Attachment, row.uid)) == 1
        unmount = Unmount(place, what, spec.path, spec.read_only, spec.flags, among=not last)
        point = (PointRemoved(spec.path, row.spec.content != "block"),) if spec.use == "publish" else ()
        if pool.status.connects and last:
            return unmount, *leaving(place, what, spec.member, back=True), *point
        if row.spec.content == "block" and last:
            return unmount, LoopDetach(place, what, spec.read_only), *point
        return unmount, *point

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The attachment goes last."""
        resources.delete(tx, bound.uids["attachment"])

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Still mounted, still wanted."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The attachment stays."""
        mark_abandoned(tx, Attachment, bound.uids["attachment"], reason, bound.drawn.now)
