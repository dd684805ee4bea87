"""One who has volumes of its own by the calls of CSI: it asks again until it is answered, as a kubelet does.

Now and then it asks for something else: the same again, the opposite, what cannot be. What it is told is held against
the machine itself.
"""

import functools
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.controller import Controller
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.groups import GroupController
from holdfast.faces.csi.kubelet import Kubelet
from holdfast.faces.csi.node import Node
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.using import Using
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import Attachment, Volume
from holdfast.records import resources
from holdfast.runtime.api import Runtime
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.invariants import Invariants
from holdfast.testing.simulation.world import World, directory

PODS = 4
_UP = ("CreateVolume", "ControllerPublishVolume", "NodeStageVolume", "NodePublishVolume")
_DOWN = ("NodeUnpublishVolume", "NodeUnstageVolume", "ControllerUnpublishVolume", "DeleteVolume")
_BESIDE = (
    "NodeGetVolumeStats", "NodeExpandVolume", "ControllerExpandVolume", "ControllerGetVolume", "ListVolumes",
    "ControllerModifyVolume", "GetCapacity", "ValidateVolumeCapabilities", "CreateSnapshot", "DeleteSnapshot",
    "ListSnapshots", "GetSnapshot", "CreateVolumeGroupSnapshot", "GetVolumeGroupSnapshot", "DeleteVolumeGroupSnapshot",
)  # fmt: skip
ALL = (*_UP, *_DOWN, *_BESIDE)
_NOBODY = "0" * 32


def _same(seconds: float | None) -> float | None:
    """What its caller still waits: nobody is in a hurry within a call."""
    return seconds


class Pod:
    """A volume, and where it is wanted. `at` counts the calls of the way up that were answered."""

    def __init__(self, number: int, access: str) -> None:
        self.name = f"k{number}"
        self.access = access
        self.staging, self.target = f"/mnt/e{number}", f"/mnt/k{number}"
        self.uid = self.snapshot = _NOBODY
        self.at, self.up = 0, True

    @property
    def capability(self) -> csi.VolumeCapability:
        """As its class says."""
        mode = csi.VolumeCapability.AccessMode(mode="SINGLE_NODE_WRITER")
        if self.access == "block":
            return csi.VolumeCapability(block=csi.VolumeCapability.BlockVolume(), access_mode=mode)
        fs = "ext4" if self.access == "ext4" else ""
        mount = csi.VolumeCapability.MountVolume(fs_type=fs, mount_flags=("noatime",))
        return csi.VolumeCapability(mount=mount, access_mode=mode)


class Orchestrator:
    """Of one run. Its counters are as a `Client`'s."""

    def __init__(self, seed: int, world: World, invariants: Invariants, pool: str) -> None:
        self.random = random.Random(f"{seed} orchestrator")
        self.asked = 0
        self.refused: dict[str, int] = {}
        self.answered: Counter[str] = Counter()
        self._world = world
        self._invariants = invariants
        self._pool = pool
        # The group that was taken last, its snapshots, and whether it is still to be asked for.
        self._group, self._members, self._unseen = _NOBODY, tuple[str, ...](), False
        self._pods = [Pod(n, self.random.choice(("ext4", "ext4", "directory", "block"))) for n in range(PODS)]
        for pod in self._pods:
            directory(world.machine.root.root.children["mnt"], pod.staging.removeprefix("/mnt/"))

    def live(self, daemon: Daemon, runtime: Runtime, more: Callable[[], bool]) -> None:
        """Ask, and ask again; until enough was asked, or the daemon dies."""
        node = Node(daemon, Kubelet("/mnt", daemon.desk.host.kernel), 0)
        faces = Controller(daemon), node, GroupController(daemon)
        while more():
            pod = self.random.choice(self._pods)
            call = self._next(pod) if self.random.random() < 0.75 else self.random.choice(ALL)
            if self._unseen:
                call, self._unseen = "GetVolumeGroupSnapshot", False
            self.asked += 1
            left = self.random.choice((None, None, 5.0, 0.0))
            try:
                face = next(face for face in faces if hasattr(face, call))
                ensuring = Ensuring(daemon, functools.partial(_same, left))
                answer = getattr(face, call)(self._request(daemon, pod, call), ensuring)
            except HoldfastError as error:
                self.refused[error.code] = self.refused.get(error.code, 0) + 1
            else:
                self.answered[call] += 1
                self._learn(daemon, pod, call, answer)
            runtime.sleep(self.random.expovariate(1.0))

    def again(self, daemon: Daemon) -> None:
        """The world is well: what is staged and published, and was lost in a reboot, comes back at once."""
        for row in daemon.records.read(lambda tx: resources.page(tx, Attachment)):
            if row.spec.use != "mount" and row.status.ready:
                try:
                    Using(daemon, Ensuring(daemon, lambda: None)).there(row.spec)
                except HoldfastError as error:
                    raise Breach(5, f"{row.spec.path} does not come back though the world is well: {error}") from error

    def _next(self, pod: Pod) -> str:
        """On the way up, or back."""
        if pod.up and pod.at == len(_UP):
            pod.up = self.random.random() < 0.7
            return self.random.choice(_BESIDE)
        if not pod.up and pod.at == 0:
            pod.up = True
        return _UP[pod.at] if pod.up else _DOWN[len(_UP) - pod.at]

    def _request(self, daemon: Daemon, pod: Pod, call: str) -> Any:
        member = daemon.member.uid
        one = {"volume_id": pod.uid}
        capable = {**one, "volume_capability": pod.capability}
        size = csi.CapacityRange(required_bytes=self.random.choice((1, 2, 3)) << 20)
        several = [pod.capability]
        wanted = [each.uid for each in self._pods if each.access != "directory" and each.uid != _NOBODY]
        group = {"group_snapshot_id": self._group, "snapshot_ids": self._members}
        fields: dict[str, dict[str, Any]] = {
            "CreateVolume": {"name": pod.name, "volume_capabilities": several, "parameters": {"pool": self._pool}},
            "ControllerPublishVolume": {**capable, "node_id": member},
            "NodeStageVolume": {**capable, "staging_target_path": pod.staging},
            "NodePublishVolume": {**capable, "staging_target_path": pod.staging, "target_path": pod.target},
            "NodeUnpublishVolume": {**one, "target_path": pod.target},
            "NodeUnstageVolume": {**one, "staging_target_path": pod.staging},
            "NodeGetVolumeStats": {**one, "volume_path": pod.target},
            "NodeExpandVolume": {**one, "volume_path": pod.target, "capacity_range": size},
            "ControllerExpandVolume": {**one, "capacity_range": size},
            "ControllerModifyVolume": {**one, "mutable_parameters": {"label.of": self.random.choice("ab")}},
            "ValidateVolumeCapabilities": {**one, "volume_capabilities": several},
            "CreateSnapshot": {"source_volume_id": pod.uid, "name": f"{pod.name}s"},
            "DeleteSnapshot": {"snapshot_id": pod.snapshot},
            "GetSnapshot": {"snapshot_id": pod.snapshot},
            "CreateVolumeGroupSnapshot": {"name": f"{pod.name}g", "source_volume_ids": wanted[:2] or [pod.uid]},
            "GetVolumeGroupSnapshot": group, "DeleteVolumeGroupSnapshot": group,
            "ListVolumes": {}, "ListSnapshots": {}, "GetCapacity": {"parameters": {"pool": self._pool}},
        }  # fmt: skip
        if call == "CreateVolume":
            fields[call]["capacity_range"] = csi.CapacityRange(required_bytes=1 << 20)
        return getattr(csi, f"{call}Request")(**fields.get(call, one))

    # -- what it is told ---------------------------------------------------------------------------

    def _learn(self, daemon: Daemon, pod: Pod, call: str, answer: Any) -> None:
        if call in _UP:
            pod.at = max(pod.at, _UP.index(call) + 1)
        elif call in _DOWN:
            pod.at = min(pod.at, len(_UP) - 1 - _DOWN.index(call))
        if call == "CreateVolume":
            pod.uid = answer.volume.volume_id
        elif call == "CreateSnapshot":
            pod.snapshot = answer.snapshot.snapshot_id
        elif call == "CreateVolumeGroupSnapshot":
            self._group = answer.group_snapshot.group_snapshot_id
            self._members = tuple(each.snapshot_id for each in answer.group_snapshot.snapshots)
            self._unseen = True
        elif call == "DeleteVolumeGroupSnapshot" and daemon.records.read(
            lambda tx: resources.snapshots_of_group(tx, self._group)
        ):
            raise Breach(6, "a group of snapshots was said to be deleted, and is recorded")
        elif call == "DeleteVolume" and daemon.records.read(lambda tx: resources.by_uid(tx, Volume, pod.uid)):
            raise Breach(6, f"the volume {pod.name} was said to be deleted, and is recorded")
        self._seen(pod, call)

    def _seen(self, pod: Pod, call: str) -> None:
        """A path that was said to be mounted is, and one that was said not to be is not."""
        path = pod.staging if "tage" in call else pod.target
        wanted = {"NodeStageVolume": pod.access != "block", "NodePublishVolume": True}.get(call, False)
        if not (wanted or call in ("NodeUnstageVolume", "NodeUnpublishVolume")) or not self._invariants.is_seen(path):
            return
        there = any(mount.path == path for mount in self._world.machine.namespace.facts())
        if there != wanted:
            raise Breach(6, f"{call} was answered, and {path} is {'mounted' if there else 'not mounted'}")
        left = pod.target.removeprefix("/mnt/") in self._world.machine.root.root.children["mnt"].children
        if call == "NodeUnpublishVolume" and left and path not in self._invariants.orphaned:
            raise Breach(6, f"{call} was answered, and its mount point is left")
