"""A real daemon's CSI socket, asked as a container orchestrator does."""

from typing import Any

import grpc
from google.protobuf import message_factory

from holdfast.faces.csi.protocol import csi_pb2 as csi

PATIENCE = 30.0
WRITER = csi.VolumeCapability.AccessMode(mode=csi.VolumeCapability.AccessMode.SINGLE_NODE_WRITER)


class Plugin:
    """Calls by name: `plugin("CreateVolume", name=…)`; raises grpc.RpcError."""

    def __init__(self, path: str) -> None:
        self._channel = grpc.insecure_channel(f"unix:{path}")
        self._methods = {
            method.name: (service.full_name, method)
            for service in csi.DESCRIPTOR.services_by_name.values()
            for method in service.methods
        }

    def __call__(self, call: str, *, seconds: float = PATIENCE, **fields: Any) -> Any:
        service, method = self._methods[call]
        asked = message_factory.GetMessageClass(method.input_type)
        answer = message_factory.GetMessageClass(method.output_type)
        ask = self._channel.unary_unary(
            f"/{service}/{call}", request_serializer=asked.SerializeToString, response_deserializer=answer.FromString
        )
        return ask(asked(**fields), timeout=seconds)

    def refusal(self, call: str, **fields: Any) -> tuple[str, str]:
        """The status and the details of a call that is refused."""
        try:
            self(call, **fields)
        except grpc.RpcError as error:
            return error.code().name, error.details() or ""
        raise AssertionError(f"{call} was not refused")

    def close(self) -> None:
        """Hang up."""
        self._channel.close()


def mounted(fs: str = "") -> Any:
    """A capability: mounted on one node."""
    return csi.VolumeCapability(mount=csi.VolumeCapability.MountVolume(fs_type=fs), access_mode=WRITER)


def block() -> Any:
    """A capability: a device on one node."""
    return csi.VolumeCapability(block=csi.VolumeCapability.BlockVolume(), access_mode=WRITER)


def room(least: int = 0, most: int = 0) -> Any:
    """A range of bytes."""
    return csi.CapacityRange(required_bytes=least, limit_bytes=most)
