"""What this member is to a cluster. Volumes are not staged here yet."""

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.naming import MEMBER
from holdfast.faces.csi.protocol import csi_pb2 as csi


class Node:
    """See csi.proto."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def NodeGetCapabilities(  # noqa: N802 - CSI's name
        self, _asked: csi.NodeGetCapabilitiesRequest, _ensuring: Ensuring
    ) -> csi.NodeGetCapabilitiesResponse:
        """None."""
        return csi.NodeGetCapabilitiesResponse()

    def NodeGetInfo(self, _asked: csi.NodeGetInfoRequest, _ensuring: Ensuring) -> csi.NodeGetInfoResponse:  # noqa: N802 - CSI's name
        """By the member's uid; its volumes are on it alone."""
        uid = self.daemon.member.uid
        return csi.NodeGetInfoResponse(node_id=uid, accessible_topology=csi.Topology(segments={MEMBER: uid}))
