"""What a request may hold besides what its route asks for: nothing. A misspelt option must not be passed over."""

import functools
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.enums import ParamType
from litestar.exceptions import InternalServerException
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg

from holdfast.model.errors import Invalid, NotFound

_HINT = "GET /openapi.json describes what it takes."


async def plain_path(connection: "ASGIConnection[Any, Any, Any, Any]", _handler: BaseRouteHandler) -> None:
    """A guard: raise NotFound for a path that only looks like its route, by an encoded slash or an empty part.

    Otherwise the pool named "p/volumes/v" would be the volume v of the pool p.
    """
    if connection.scope["raw_path"].count(b"/") != connection.scope["path_template"].count("/"):
        raise NotFound(
            f"There is nothing at {ascii(connection.scope['raw_path'].decode('latin-1'))}.",
            "Names hold no slash, and no part of a path is empty.",
        )


async def strict(http: "Request[Any, Any, Any]") -> Response[None] | None:
    """Before each request: raise Invalid for an unknown or repeated query parameter, and a body of other types.

    The framework alone takes the text "true" for true and "null" for nothing, and passes over parameters that it does
    not know. For OPTIONS the answer, where the framework would forget some methods.
    """
    if http.method == "OPTIONS":
        return _options(http)
    takes = _takes(http.route_handler)
    seen = set()
    for name, value in http.query_params.multi_items():
        if name not in takes.once and name not in takes.again:
            raise Invalid(f"There is no query parameter {ascii(name)} here.", _HINT)
        if name in seen and name in takes.once:
            raise Invalid(f"The query parameter {name} is there twice.", "Give it once.")
        if name in takes.numbers and value.lower() == "null":
            raise Invalid(f"The query parameter {name} is a number.", "Leave it out, or give it one.")
        seen.add(name)
    if takes.matches:
        _check_match(http.headers.get("if-match"))
    if takes.body is None:
        return None
    try:
        raw = await http.body()
    except InternalServerException as error:  # the only one of this: the connection ended
        raise Invalid("The connection ended before the request was whole.", "Send it again.") from error
    if not raw:
        raise Invalid("The body is empty.", _HINT)
    try:
        msgspec.json.decode(raw, type=takes.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"The body cannot be used: {error}.", _HINT) from error
    return None


def _check_match(header: str | None) -> None:
    """Raise Invalid for an If-Match without an ETag: whoever sends it means a condition."""
    if header is not None and not header.strip(" \t,"):
        raise Invalid("The header If-Match names no ETag.", "Send the ETag that GET answers with, or leave it out.")


def _options(http: "Request[Any, Any, Any]") -> Response[None]:
    here = http.scope["path_template"]
    methods = next(route.methods for route in http.app.routes if route.path_format == here)
    return Response(None, status_code=204, headers={"Allow": ", ".join(sorted(methods))})


class _Takes(msgspec.Struct, frozen=True):
    """Query parameters: once, or again, and the numbers among them; whether it looks at If-Match; the body's type."""

    once: frozenset[str]
    again: frozenset[str]
    numbers: frozenset[str]
    matches: bool
    body: Any


@functools.cache
def _takes(handler: BaseRouteHandler) -> _Takes:
    once: set[str] = set()
    again: set[str] = set()
    numbers: set[str] = set()
    fields = handler.parsed_fn_signature.parameters
    for name, field in fields.items():
        said = field.kwarg_definition
        if isinstance(said, ParameterKwarg) and said.param_type is ParamType.QUERY:
            many = field.is_non_string_sequence or field.has_inner_subclass_of(list)
            (again if many else once).add(said.name or name)
            if field.has_inner_subclass_of(float):
                numbers.add(said.name or name)
    body = fields.get("data")
    return _Takes(
        frozenset(once), frozenset(again), frozenset(numbers), "if_match" in fields, body.annotation if body else None
    )
