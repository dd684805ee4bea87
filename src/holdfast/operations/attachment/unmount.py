"""Unmount a volume from a path; from then on it is not wanted there."""

import os

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import Invalid, NotFound
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Pool, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.refs import mark_abandoned, pool_ref, volume_ref
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.mount import LoopDetach, Unmount


class VolumeUnmount(Asked, frozen=True, kw_only=True, tag="attachment.unmount.1"):
    """By path, or by the attachment's uid."""

    path: str = ""
    attachment: str = ""

    def checked(self, desk: Desk) -> "VolumeUnmount":
        """The path in canonical form."""
        if not self.attachment and not self.path.startswith("/"):
            raise Invalid(f"The path {ascii(self.path)} is not absolute.")
        return msgspec.structs.replace(self, path=os.path.realpath(self.path)) if self.path else self

    def _find(self, tx: Tx) -> Attachment:
        for attachment in resources.page(tx, Attachment):
            if self.attachment == attachment.uid or (not self.attachment and attachment.spec.path == self.path):
                return attachment
        what = self.path or self.attachment
        raise NotFound(f"No volume of ours is mounted at {what}.", "`holdfast volume list POOL` shows the mounts.")

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume and the path."""
        attachment = self._find(tx)
        volume = resources.by_uid(tx, Volume, attachment.parent)
        pool = resources.by_uid(tx, Pool, volume.parent) if volume else None
        if volume is None or pool is None:
            raise NotFound("The volume of this mount is not recorded any more.")
        claims = (
            on_uid(pool.uid, "shared"), on_uid(volume.uid), on_uid(attachment.uid),
            on_name(drawn.member, attachment.spec.path),
        )  # fmt: skip
        ref = ResourceRef("attachment", attachment.uid, f"{pool.name}/{volume.name}:{attachment.spec.path}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid, "attachment": attachment.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """The loop device of a block volume goes with its last mount."""
        attachment = resources.by_uid(tx, Attachment, bound.uids["attachment"])
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        pool = resources.by_uid(tx, Pool, bound.uids["pool"])
        if attachment is None or volume is None or pool is None:
            raise NotFound(f"No volume of ours is mounted at {self.path} any more.")
        spec, place, what = attachment.spec, pool_ref(pool, bound.drawn.owner), volume_ref(volume)
        unmount = Unmount(place, what, spec.path, spec.read_only)
        last = len(resources.page(tx, Attachment, volume.uid)) == 1
        if volume.spec.content == "block" and last:
            return (unmount, LoopDetach(place, what, spec.read_only))
        return (unmount,)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The attachment goes last."""
        resources.delete(tx, bound.uids["attachment"])

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Still mounted, still wanted."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The attachment stays."""
        mark_abandoned(tx, Attachment, bound.uids["attachment"], reason, bound.drawn.now)
