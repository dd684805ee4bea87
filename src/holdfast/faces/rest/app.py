"""The application: routes, problems, who may come in."""

from typing import Any

from litestar import Litestar, Router, get
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.types import ASGIApp, Receive, Scope, Send

from holdfast import __version__
from holdfast.control.daemon import Daemon
from holdfast.faces.rest import operations, problems, resources
from holdfast.faces.rest.calls import Calls
from holdfast.model.errors import Forbidden, HoldfastError

LARGEST_BODY = 1 << 20


@get("/healthz", sync_to_thread=False)
def healthz() -> dict[str, str]:
    """Alive."""
    return {"status": "ok"}


def root_only(app: ASGIApp) -> ASGIApp:
    """Let in whom the kernel says to be root, by the socket's peer credentials."""

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            peer = (scope.get("client") or ("", 0))[0]
            if peer != "uid:0":
                raise Forbidden("Only root may use this socket.", "Run the command as root, or with sudo.")
            scope["holdfast_caller"] = peer  # type: ignore[typeddict-unknown-key]  # ASGI allows extensions
        await app(scope, receive, send)

    return middleware


def application(daemon: Daemon) -> Litestar:
    """For one daemon."""
    calls = Calls(daemon)

    async def provide() -> Calls:
        return calls

    router = Router("/v1", route_handlers=[*resources.HANDLERS, *operations.HANDLERS])
    handlers: dict[Any, Any] = {
        HoldfastError: problems.ours, HTTPException: problems.theirs,
        RecursionError: problems.too_deep, Exception: problems.unforeseen,
    }  # fmt: skip
    return Litestar(
        [router, healthz], dependencies={"calls": Provide(provide)}, exception_handlers=handlers,
        middleware=[root_only], request_max_body_size=LARGEST_BODY,
        openapi_config=OpenAPIConfig("Holdfast", __version__, path="/", render_plugins=[JsonRenderPlugin()]),
        logging_config=None,
    )  # fmt: skip
