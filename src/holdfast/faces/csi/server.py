"""The services of CSI on grpcio's threaded server, on a unix socket that is root's alone.

One place stands around every call: what is required is there, an error of ours is the status that its table says, a
fault of ours is INTERNAL and logged. A call that is cancelled, or past its deadline, stops nothing.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import grpc
import structlog
from google.protobuf import message_factory

from holdfast.control.daemon import Daemon
from holdfast.faces.csi.controller import Controller
from holdfast.faces.csi.ensuring import Ensuring
from holdfast.faces.csi.errors import status_of
from holdfast.faces.csi.identity import Identity
from holdfast.faces.csi.node import Node
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.required import missing
from holdfast.model.errors import HoldfastError, Invalid, Unavailable

log = structlog.get_logger()
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


def serve(daemon: Daemon, path: str) -> Serving:
    """Serve on a new socket at `path`, which `holdfast.faces.rest.server.check_free` allowed. Raises Unavailable."""
    server = grpc.server(ThreadPoolExecutor(THREADS, "csi"), options=[("grpc.so_reuseport", 0)])
    for name, service in (("Identity", Identity(daemon)), ("Controller", Controller(daemon)), ("Node", Node(daemon))):
        server.add_generic_rpc_handlers((_handlers(name, service),))
    before = os.umask(0o177)
    try:
        server.add_insecure_port(f"unix:{path}")
    except RuntimeError as error:
        raise Unavailable(f"{path} cannot be listened on: {error}", "Choose another with --csi.") from error
    finally:
        os.umask(before)
    server.start()
    return _Server(server)


def _handlers(name: str, service: object) -> Any:
    """Of the calls that the service has; the others are UNIMPLEMENTED."""
    described = csi.DESCRIPTOR.services_by_name[name]
    found = {}
    for method in described.methods:
        act = getattr(service, method.name, None)
        if act is not None:
            asked = message_factory.GetMessageClass(method.input_type)
            answer = message_factory.GetMessageClass(method.output_type)
            found[method.name] = grpc.unary_unary_rpc_method_handler(
                _guarded(service, act), request_deserializer=asked.FromString,
                response_serializer=answer.SerializeToString,
            )  # fmt: skip
    return grpc.method_handlers_generic_handler(described.full_name, found)


def _guarded(service: Any, act: Callable[[Any, Ensuring], Any]) -> Callable[[Any, Any], Any]:
    def call(asked: Any, context: Any) -> Any:
        try:
            if lacks := missing(asked):
                raise Invalid(f"The field {lacks} is required.")
            return act(asked, Ensuring(service.daemon, context.time_remaining))
        except HoldfastError as error:
            status, told = status_of(error), f"{error.detail} {error.hint}".strip()
            log.info("a call of CSI was refused", call=act.__name__, status=status.name, reason=told)
        except Exception:
            log.exception("a call of CSI met a fault of Holdfast itself", call=act.__name__)
            status, told = grpc.StatusCode.INTERNAL, "a fault of Holdfast itself; its log tells more"
        return context.abort(status, told)

    return call
