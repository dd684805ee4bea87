"""A real daemon's CSI socket, asked as a container orchestrator does."""

from pathlib import Path
from typing import Any

import grpc
from google.protobuf import message_factory

from holdfast.faces.csi.protocol import csi_pb2 as csi
from tests.daemon import RealDaemon, run

PATIENCE = 30.0


class Plugin:
    """Calls by name: `plugin("CreateVolume", name=…)`; raises grpc.RpcError."""

    def __init__(self, path: str) -> None:
        self._channel = grpc.insecure_channel(f"unix:{path}")
        self._methods = {
            method.name: (service.full_name, method)
            for service in csi.DESCRIPTOR.services_by_name.values()
            for method in service.methods
        }

    def __call__(self, call: str, *, seconds: float = PATIENCE, request: Any = None, **fields: Any) -> Any:
        service, method = self._methods[call]
        asked = message_factory.GetMessageClass(method.input_type)
        answer = message_factory.GetMessageClass(method.output_type)
        ask = self._channel.unary_unary(
            f"/{service}/{call}", request_serializer=asked.SerializeToString, response_deserializer=answer.FromString
        )
        return ask(asked(**fields) if request is None else request, timeout=seconds)

    def status(self, call: str, *, seconds: float = PATIENCE, request: Any = None, **fields: Any) -> tuple[str, Any]:
        """The status of a call, and its answer or what was said."""
        try:
            return "OK", self(call, seconds=seconds, request=request, **fields)
        except grpc.RpcError as error:
            return error.code().name, error.details() or ""

    def refusal(self, call: str, **fields: Any) -> tuple[str, str]:
        """The status and the details of a call that is refused."""
        status, said = self.status(call, **fields)
        assert status != "OK", f"{call} was not refused"
        return status, said

    def refused(self, call: str, **fields: Any) -> bool:
        """Whether it is refused."""
        return self.status(call, **fields)[0] != "OK"

    def close(self) -> None:
        """Hang up."""
        self._channel.close()


def with_csi(daemon: RealDaemon, *more: str) -> RealDaemon:
    """A daemon, not started yet, that serves CSI with a kubelet's directory of its own."""
    at = kubelet(daemon)
    at.mkdir()
    run("mount", "--bind", at, at)
    run("mount", "--make-private", at)
    run("mount", "--make-shared", at)
    daemon.config = "\n".join([f'listen.csi = "{daemon.run}/csi.sock"', f'csi.kubelet = "{at}"', *more, ""])
    return daemon


def kubelet(daemon: RealDaemon) -> Path:
    """Where it has its volumes."""
    return daemon.root / "kubelet"


def mode(name: str) -> Any:
    """An access mode."""
    return csi.VolumeCapability.AccessMode(mode=name)


def mounted(fs: str = "", *flags: str, access: str = "SINGLE_NODE_WRITER") -> Any:
    """A capability: mounted on one node."""
    how = csi.VolumeCapability.MountVolume(fs_type=fs, mount_flags=flags)
    return csi.VolumeCapability(mount=how, access_mode=mode(access))


def block(access: str = "SINGLE_NODE_WRITER") -> Any:
    """A capability: a device on one node."""
    return csi.VolumeCapability(block=csi.VolumeCapability.BlockVolume(), access_mode=mode(access))


def room(least: int = 0, most: int = 0) -> Any:
    """A range of bytes."""
    return csi.CapacityRange(required_bytes=least, limit_bytes=most)


def make(plugin: Plugin, name: str = "pvc-1", size: int = 1 << 20, capability: Any = None, **more: Any) -> Any:
    """The volume of that name."""
    capabilities = [capability or mounted()]
    asked = {"name": name, "capacity_range": room(size), "volume_capabilities": capabilities, **more}
    return plugin("CreateVolume", **asked).volume
