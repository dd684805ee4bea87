"""Volumes made, of nothing or of others, and deleted. See csi.proto for what each call promises."""

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.capabilities import Wanted, wanted
from holdfast.faces.csi.changing import labels_of
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.finding import by_name, by_uid, snapshot_by_uid, the_volume
from holdfast.faces.csi.looking import the_pool
from holdfast.faces.csi.naming import MEMBER, name_of
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.using import TURNS
from holdfast.faces.csi.volumes import look, shown
from holdfast.model.conditions import ABANDONED, holds
from holdfast.model.errors import Again, Exists, Invalid, NoSpace, NotFound, WrongState
from holdfast.model.resources import Pool, Snapshot, SnapshotSpec, Volume, VolumeSpec
from holdfast.operations.base import Asked
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.records import claims
from holdfast.records.contract import Tx

_MAKES = ("volume.create", "volume.clone")


class Making:
    """See csi.proto."""

    daemon: Daemon

    def CreateVolume(self, asked: csi.CreateVolumeRequest, ensuring: Ensuring) -> csi.CreateVolumeResponse:  # noqa: N802 - CSI's name
        """A volume of that name is there, and as was asked."""
        labels = labels_of(asked.mutable_parameters)
        name = name_of("volume", asked.name)
        pool = the_pool(self.daemon, asked.parameters.get("pool", ""))
        offered = self.daemon.drivers.named(pool.spec.driver).info.contents
        want = wanted(asked.volume_capabilities, asked.parameters, asked.capacity_range, offered=offered)
        self._reachable(asked)
        of = _noted(asked)
        if of:
            want = self._as_source(name, of, want)
        for _ in range(TURNS):
            found, holders = self.daemon.records.read(
                lambda tx: (by_name(tx, name), claims.holders(tx, claims.on_name(pool.uid, name)))
            )
            if found is None:
                if not ensuring.followed(holders, *_MAKES):
                    self._make(pool, name, want, of, labels, ensuring)
                continue
            at, volume = found
            if at.uid != pool.uid or not _is_as(volume, want) or volume.spec.cloned_of != of:
                raise Exists(f"There is a volume {name} already, in the pool {at.name}, and it is otherwise.")
            if holds(volume.conditions, ABANDONED):
                raise WrongState(f"The making of {at.name}/{name} was abandoned.", "Delete it.")
            if volume.status.ready:
                look(self.daemon, at, volume)
                return csi.CreateVolumeResponse(volume=shown(self.daemon, at, volume))
            ensuring.joined(claims.on_uid(volume.uid), *_MAKES)
        raise Again(f"The volume {name} comes and goes.")

    def _make(
        self, pool: Pool, name: str, want: Wanted, of: str, labels: dict[str, str], ensuring: Ensuring
    ) -> None:  # fmt: skip
        asked: Asked = VolumeCreate(
            pool=pool.name, name=name, size=want.size, content=want.content, fs=want.fs, labels=labels
        )
        if of:
            at, volume, snapshot = self.daemon.records.read(lambda tx: _place(tx, of))
            asked = VolumeClone(
                pool=at.name, source=volume.name, snapshot=snapshot, name=name, labels=labels, to=pool.name,
                size=None if want.size == want.copied else want.size,
            )  # fmt: skip
        try:
            ensuring.asked(asked)
        except Exists:  # somebody was faster: the next look says what it is
            return

    def _reachable(self, asked: csi.CreateVolumeRequest) -> None:
        """On this member, if its place matters."""
        wished = asked.accessibility_requirements.requisite
        if wished and not any(each.segments.get(MEMBER) == self.daemon.member.uid for each in wished):
            raise NoSpace("The volume is asked for where this member is not.")

    def _as_source(self, name: str, of: str, want: Wanted) -> Wanted:
        """What is made of it, whose source may be gone; else as the source, and as large at least. Raises NotFound."""
        found = self.daemon.records.read(lambda tx: by_name(tx, name))
        if found is not None and found[1].spec.cloned_of == of:
            return _like(found[1].spec, want)
        return _like(self.daemon.records.read(lambda tx: _source(tx, of)).spec, want)

    def DeleteVolume(self, asked: csi.DeleteVolumeRequest, ensuring: Ensuring) -> csi.DeleteVolumeResponse:  # noqa: N802 - CSI's name
        """There is no such volume. Its making, if it is under way, is cancelled."""
        for _ in range(TURNS):
            found = self.daemon.records.read(lambda tx: by_uid(tx, asked.volume_id))
            if found is None:
                return csi.DeleteVolumeResponse()
            pool, volume = found
            mine = claims.on_uid(volume.uid)
            if ensuring.joined(mine, "volume.delete"):
                continue
            for op, kind in ensuring.holders(mine):
                if kind in _MAKES and not volume.status.ready:
                    ensuring.cancelled(op, kind)
            if volume.spec.granted is not None:
                raise WrongState(f"The volume is given to the member {volume.spec.granted.member}.", "Unpublish it.")
            try:
                ensuring.asked(VolumeDelete(pool=pool.name, name=volume.name))
            except NotFound:  # it was renamed, or is gone by now
                continue
        raise Again(f"The volume {asked.volume_id} comes and goes.")


def _place(tx: Tx, of: str) -> tuple[Pool, Volume, str]:
    """Where a source is: its pool, volume, and the name of the snapshot, if it is one."""
    kind, _, uid = of.partition("/")
    if kind == "volume":
        return *the_volume(tx, uid), ""
    pool, volume, snapshot = snapshot_by_uid(tx, uid)
    return pool, volume, snapshot.name


def _noted(asked: csi.CreateVolumeRequest) -> str:
    """What it is to be made of, as it is noted with it, or an empty text. Raises Invalid."""
    source = asked.volume_content_source
    if source.HasField("snapshot"):
        return f"snapshot/{source.snapshot.snapshot_id}"
    if source.HasField("volume"):
        return f"volume/{source.volume.volume_id}"
    if asked.HasField("volume_content_source"):
        raise Invalid("The volume_content_source is neither a snapshot nor a volume.")
    return ""


def _source(tx: Tx, of: str) -> Volume | Snapshot:
    kind, _, uid = of.partition("/")
    return the_volume(tx, uid)[1] if kind == "volume" else snapshot_by_uid(tx, uid)[2]


def _like(spec: VolumeSpec | SnapshotSpec, want: Wanted) -> Wanted:
    """A clone is as what it is of, and as large at least. Raises Invalid."""
    if want.said and (spec.content != want.content or (want.fs and spec.fs != want.fs)):
        raise Invalid(f"The source is a {spec.fs or spec.content}, and a {want.fs or want.content} is asked for.")
    if (spec.content == "block") != (want.content == "block"):
        raise Invalid(f"The source's content is {spec.content}.")
    return want.of(spec.content, spec.fs, spec.size)


def _is_as(volume: Volume, want: Wanted) -> bool:
    spec = volume.spec
    return (spec.content, spec.fs) == (want.content, want.fs) and want.suits(spec.size)
