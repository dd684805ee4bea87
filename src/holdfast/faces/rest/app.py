"""The application: routes, problems, who may come in, and how it describes itself."""

from typing import Any

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException

from holdfast.faces.rest import (
    connections,
    daemon,
    events,
    metrics,
    mounts,
    operations,
    pools,
    problems,
    snapshots,
    tokens,
    volumes,
)
from holdfast.faces.rest.auth import guard
from holdfast.faces.rest.calls import Calls
from holdfast.faces.rest.description import openapi
from holdfast.faces.rest.input import plain_path, strict
from holdfast.faces.rest.metrics import AtScrape, Counts
from holdfast.faces.rest.trail import Trail
from holdfast.model.errors import HoldfastError

LARGEST_BODY = 1 << 20


def application(calls: Calls, counts: Counts, trail: Trail, *, body: int = LARGEST_BODY) -> Litestar:
    """For one daemon; `body` is the largest request body in bytes."""
    counts.registry.register(AtScrape(calls.daemon))

    async def provide_calls() -> Calls:
        return calls

    async def provide_counts() -> Counts:
        return counts

    nouns = (pools, volumes, snapshots, mounts, connections, operations, events, daemon, tokens)
    routes = [handler for noun in nouns for handler in noun.HANDLERS]
    router = Router("/v1", route_handlers=routes)
    handlers: dict[Any, Any] = {
        HoldfastError: problems.ours, HTTPException: problems.theirs,
        RecursionError: problems.too_deep, OSError: problems.outside, Exception: problems.unforeseen,
    }  # fmt: skip
    return Litestar(
        [router, daemon.healthz, *metrics.HANDLERS],
        dependencies={"calls": Provide(provide_calls), "counts": Provide(provide_counts)},
        exception_handlers=handlers, guards=[guard, plain_path], before_request=strict,
        middleware=[trail.middleware, counts.middleware],
        request_max_body_size=body, openapi_config=openapi(), logging_config=None,
    )  # fmt: skip
