"""Who serves, and whether it is ready."""

from google.protobuf.wrappers_pb2 import BoolValue

from holdfast import __version__
from holdfast.control.daemon import Daemon
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.naming import PLUGIN
from holdfast.faces.csi.protocol import csi_pb2 as csi

_Service = csi.PluginCapability.Service
OFFERED = (
    _Service.CONTROLLER_SERVICE, _Service.VOLUME_ACCESSIBILITY_CONSTRAINTS, _Service.GROUP_CONTROLLER_SERVICE,
)  # fmt: skip


class Identity:
    """See csi.proto."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def GetPluginInfo(self, _asked: csi.GetPluginInfoRequest, _ensuring: Ensuring) -> csi.GetPluginInfoResponse:  # noqa: N802 - CSI's name
        """Name and version."""
        return csi.GetPluginInfoResponse(name=PLUGIN, vendor_version=__version__)

    def GetPluginCapabilities(  # noqa: N802 - CSI's name
        self, _asked: csi.GetPluginCapabilitiesRequest, _ensuring: Ensuring
    ) -> csi.GetPluginCapabilitiesResponse:
        """Controllers; volumes are on a member, and grow while they are used."""
        kinds = [csi.PluginCapability(service=_Service(type=each)) for each in OFFERED]
        online = csi.PluginCapability.VolumeExpansion(type=csi.PluginCapability.VolumeExpansion.ONLINE)
        kinds += [csi.PluginCapability(volume_expansion=online)]
        return csi.GetPluginCapabilitiesResponse(capabilities=kinds)

    def Probe(self, _asked: csi.ProbeRequest, _ensuring: Ensuring) -> csi.ProbeResponse:  # noqa: N802 - CSI's name
        """Whether changes are taken now."""
        return csi.ProbeResponse(ready=BoolValue(value=not self.daemon.engine.not_ready()))
