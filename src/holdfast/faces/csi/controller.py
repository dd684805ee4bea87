"""The calls of a controller, and what they are offered as. See csi.proto."""

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.changing import Changing
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.looking import Looking
from holdfast.faces.csi.making import Making
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.snapshots import Snapshots

_Rpc = csi.ControllerServiceCapability.RPC
OFFERED = (
    _Rpc.CREATE_DELETE_VOLUME, _Rpc.CLONE_VOLUME, _Rpc.PUBLISH_UNPUBLISH_VOLUME, _Rpc.PUBLISH_READONLY,
    _Rpc.LIST_VOLUMES, _Rpc.LIST_VOLUMES_PUBLISHED_NODES, _Rpc.GET_VOLUME, _Rpc.VOLUME_CONDITION, _Rpc.GET_CAPACITY,
    _Rpc.EXPAND_VOLUME, _Rpc.MODIFY_VOLUME, _Rpc.SINGLE_NODE_MULTI_WRITER, _Rpc.CREATE_DELETE_SNAPSHOT,
    _Rpc.LIST_SNAPSHOTS, _Rpc.GET_SNAPSHOT,
)  # fmt: skip


class Controller(Making, Looking, Changing, Snapshots):
    """See csi.proto."""

    def __init__(self, daemon: Daemon, *, expands: bool = True) -> None:
        self.daemon = daemon
        # Who asks for these asks one controller for the volumes of all members.
        central = () if expands else (_Rpc.EXPAND_VOLUME, _Rpc.MODIFY_VOLUME)
        self._offered = tuple(each for each in OFFERED if each not in central)

    def ControllerGetCapabilities(  # noqa: N802 - CSI's name
        self, _asked: csi.ControllerGetCapabilitiesRequest, _ensuring: Ensuring
    ) -> csi.ControllerGetCapabilitiesResponse:
        """Those of these calls."""
        kinds = [csi.ControllerServiceCapability(rpc=_Rpc(type=each)) for each in self._offered]
        return csi.ControllerGetCapabilitiesResponse(capabilities=kinds)
