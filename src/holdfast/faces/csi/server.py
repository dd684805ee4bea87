"""The services of CSI on grpcio's threaded server, on a unix socket that is root's alone."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import grpc
from google.protobuf import message_factory

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.controller import Controller
from holdfast.faces.csi.groups import GroupController
from holdfast.faces.csi.guard import Counting, guarded
from holdfast.faces.csi.identity import Identity
from holdfast.faces.csi.kubelet import Kubelet
from holdfast.faces.csi.node import Node
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.model.config import CsiConfig
from holdfast.model.errors import Unavailable

# Calls at once; more wait for their turn. Each may wait for an operation.
THREADS = 64
# Seconds that calls under way have at a stop.
GRACE = 5.0


class Serving(Protocol):
    """What `serve` gives."""

    def stop(self) -> None:
        """No new calls; those under way have their grace."""
        ...


class _Server:
    def __init__(self, server: Any) -> None:
        self._server = server

    def stop(self) -> None:
        """See `Serving`."""
        self._server.stop(GRACE).wait()


def bound(path: str) -> Any:
    """A server on a new socket at `path`, which `holdfast.faces.rest.server.check_free` allowed. Raises Unavailable.

    It narrows the umask for a moment, so that nobody else ever reaches the socket: no other thread may make files then.
    """
    server = grpc.server(ThreadPoolExecutor(THREADS, "csi"), options=[("grpc.so_reuseport", 0)])
    before = os.umask(0o177)
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError as error:
        raise Unavailable(f"{path} cannot be listened on: {error}", "Choose another with --csi.") from error
    finally:
        os.umask(before)
    return server


def serve(server: Any, daemon: Daemon, config: CsiConfig, counts: Counting) -> Serving:
    """Answer for a daemon that runs. Raises Unavailable."""
    kubelet = Kubelet(config.kubelet, daemon.desk.host.kernel)
    kubelet.check()
    services = {
        "Identity": Identity(daemon),
        "Controller": Controller(daemon, expands=config.expand == "controller"),
        "GroupController": GroupController(daemon),
        "Node": Node(daemon, kubelet, config.volumes),
    }
    for name, service in services.items():
        server.add_generic_rpc_handlers((_handlers(daemon, counts, name, service),))
    server.start()
    return _Server(server)


def _handlers(daemon: Daemon, counts: Counting, name: str, service: object) -> Any:
    """Of the calls that the service has; the others are UNIMPLEMENTED."""
    described = csi.DESCRIPTOR.services_by_name[name]
    found = {}
    for method in described.methods:
        act = getattr(service, method.name, None)
        if act is not None:
            asked = message_factory.GetMessageClass(method.input_type)
            answer = message_factory.GetMessageClass(method.output_type)
            found[method.name] = grpc.unary_unary_rpc_method_handler(
                guarded(daemon, counts, act), request_deserializer=asked.FromString,
                response_serializer=answer.SerializeToString,
            )  # fmt: skip
    return grpc.method_handlers_generic_handler(described.full_name, found)
