"""The application: routes, problems, who may come in, and how it describes itself."""

from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag

from holdfast import __version__
from holdfast.faces.rest import daemon, events, metrics, mounts, operations, pools, problems, tokens, volumes
from holdfast.faces.rest.auth import guard
from holdfast.faces.rest.calls import Calls
from holdfast.faces.rest.metrics import AtScrape, Counts
from holdfast.faces.rest.trail import Trail
from holdfast.model.errors import HoldfastError

LARGEST_BODY = 1 << 20
_TAGS = [
    Tag("pools", "Places where volumes live."),
    Tag("volumes", "Directories, file systems and block devices."),
    Tag("mounts", "Volumes at paths of this machine."),
    Tag("operations", "What runs, what waits and why, what ended how."),
    Tag("events", "Operations as they change."),
    Tag("findings", "Where records and world disagree."),
    Tag("tokens", "Who may come in over TCP."),
    Tag("daemon", "The daemon itself."),
]
_ABOUT = (
    "A change is a durable operation: it is answered with 202 and its Location, or with `?wait=` once it ended. "
    "A change may carry an Idempotency-Key of up to 255 signs; asked again within seven days it is done once. "
    "Sizes are bytes, times seconds since the epoch."
)


def _openapi() -> OpenAPIConfig:
    scheme = SecurityScheme(type="http", scheme="bearer", description="Over TCP. On the socket the kernel vouches.")
    return OpenAPIConfig(
        "Holdfast", __version__, description=_ABOUT, path="/", render_plugins=[JsonRenderPlugin()], tags=_TAGS,
        components=Components(security_schemes={"bearer": scheme}), security=[{"bearer": []}],
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
    )  # fmt: skip


def application(calls: Calls, counts: Counts, trail: Trail, *, body: int = LARGEST_BODY) -> Litestar:
    """For one daemon; `body` is the largest request body in bytes."""
    counts.registry.register(AtScrape(calls.daemon))

    async def provide_calls() -> Calls:
        return calls

    async def provide_counts() -> Counts:
        return counts

    nouns = (pools, volumes, mounts, operations, events, daemon, tokens)
    routes = [handler for noun in nouns for handler in noun.HANDLERS]
    router = Router("/v1", route_handlers=routes)
    for handler in (*routes, daemon.healthz, *metrics.HANDLERS):
        handler.summary = (handler.fn.__doc__ or "").partition(".")[0]
    handlers: dict[Any, Any] = {
        HoldfastError: problems.ours, HTTPException: problems.theirs,
        RecursionError: problems.too_deep, Exception: problems.unforeseen,
    }  # fmt: skip
    return Litestar(
        [router, daemon.healthz, *metrics.HANDLERS],
        dependencies={"calls": Provide(provide_calls), "counts": Provide(provide_counts)},
        exception_handlers=handlers, guards=[guard], middleware=[trail.middleware, counts.middleware],
        request_max_body_size=body, openapi_config=_openapi(), logging_config=None,
    )  # fmt: skip
