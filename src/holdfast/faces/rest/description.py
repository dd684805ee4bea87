"""`GET /openapi.json`: what the framework knows of the routes, and what it cannot say itself.

It draws the routes, their parameters and their statuses. Bodies and answers are drawn by msgspec from the very types
that read and write them; headers, roles and examples are added here.
"""

import inspect
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Litestar, Request, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Example, SecurityScheme, Tag
from litestar.params import KwargDefinition
from litestar.routes import HTTPRoute

from holdfast import __version__
from holdfast.faces.rest.auth import role_of
from holdfast.faces.rest.calls import LONGEST_KEY

PATH = "/openapi.json"
_REF = "#/components/schemas/{name}"
_TAGS = [
    Tag("pools", "Places where volumes live."),
    Tag("volumes", "Directories, file systems and block devices."),
    Tag("snapshots", "What a volume held at a moment."),
    Tag("mounts", "Volumes at paths of this machine."),
    Tag("operations", "What runs, what waits and why, what ended how."),
    Tag("events", "Operations as they change."),
    Tag("findings", "Where records and world disagree."),
    Tag("tokens", "Who may come in over TCP."),
    Tag("daemon", "The daemon itself."),
]
_ABOUT = (
    "A change is a durable operation: it is answered with 202 and its Location, or with `?wait=` once it ended. "
    "A change may carry an Idempotency-Key; asked again within seven days it is done once. "
    "Sizes are bytes, times seconds since the epoch. Every error is a problem as RFC 9457 has it, and says what to do "
    "next. Before a request reaches its route, its connection may be refused: 400 for what is not HTTP, 408 for a "
    "request that does not come in whole in time, 431 for a head that is too large, 503 for a connection too many."
)
_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "Makes it safe to ask again: the same request under the same key is done once.",
    "schema": {"type": "string", "maxLength": LONGEST_KEY},
}  # fmt: skip


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}, "required": True}


_REFUSED = {
    "401": {"WWW-Authenticate": _header("Bearer.")},
    "429": {"Retry-After": _header("Seconds.")},
}
# With the answers of these types to a change, or to a look at one thing.
_LOCATION = {"OperationView": {"Location": _header("The operation's own path.")}}
_ETAG = {
    kind: {"ETag": _header("Another whenever what people can change changed.")}
    for kind in ("PoolView", "VolumeView", "OperationView")
}

# What a route answers with when it does what it says.
_DONE = {
    "200": "What was asked for.",
    "201": "What was made.",
    "202": "The operation, which goes on or waits; its Location tells how it ends.",
}
# What a struct's fields cannot say of the whole.
_WHOLE = {"PoolPatch": {"minProperties": 1}, "VolumePatch": {"minProperties": 1, "maxProperties": 1}}

_EXAMPLES: dict[str, Any] = {
    "OperationView": {
        "id": "0f6e52cf9b7e4a2f8d5a3c1e7b904d11", "kind": "volume.create", "state": "parked", "direction": "forward",
        "resource": {"kind": "volume", "uid": "5b0c6f0d6f0e4d0c9a5d6e8f7a6b5c4d", "path": "fast/db"},
        "actor": "token:deploy", "changed": 4711, "reason": "the pool's place is not there", "error": None,
        "created_at": 1769860800.25, "ended_at": None, "next_try_at": 1769860860.5, "deadline_in": 86340.0,
        "exits": ["retry", "cancel", "abandon"],
        "steps": [
            {"kind": "volume.make", "summary": "make the ext4 volume db", "state": "intent", "attempt": 1}
        ],
    },
    "ProblemView": {
        "type": "urn:holdfast:in-use", "title": "in-use", "status": 409, "code": "in-use",
        "detail": "The volume fast/db is mounted at /mnt/db.",
        "hint": "Unmount it first: holdfast volume unmount /mnt/db",
    },
}  # fmt: skip


class _Description(JsonRenderPlugin):
    def __init__(self) -> None:
        super().__init__(path=PATH)
        self._drawn = b""

    def render(self, request: "Request[Any, Any, Any]", openapi_schema: dict[str, Any]) -> bytes:
        self._drawn = self._drawn or msgspec.json.encode(describe(request.app, openapi_schema))
        return self._drawn

    def receive_router(self, router: Router) -> None:
        """Nothing else: the framework would answer what is not there with a page of its own."""
        router.routes[:] = [route for route in router.routes if route.path == PATH]


def openapi() -> OpenAPIConfig:
    """For the application: the description for whoever may read at all."""
    scheme = SecurityScheme(type="http", scheme="bearer", description="Over TCP. On the socket the kernel vouches.")
    return OpenAPIConfig(
        "Holdfast", __version__, description=_ABOUT, render_plugins=[_Description()], tags=_TAGS,
        components=Components(security_schemes={"bearer": scheme}), security=[{"bearer": []}],
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
        openapi_router=Router("/", route_handlers=[], include_in_schema=False, opt={"role": "viewer"}),
    )  # fmt: skip


def describe(app: Litestar, drawn: dict[str, Any]) -> dict[str, Any]:
    """The framework's drawing, completed."""
    handlers = {handler.handler_name: (method, handler) for method, handler in _handlers(app)}
    for item in drawn["paths"].values():
        for operation in item.values():
            _complete(operation, *handlers[operation["operationId"]])
    bodies = {kind.__name__ for _, handler in handlers.values() if (kind := _body(handler)) is not None}
    kinds = {kind for _, handler in handlers.values() for kind in _kinds(handler)}
    _, schemas = msgspec.json.schema_components(sorted(kinds, key=lambda kind: kind.__name__), ref_template=_REF)
    for name, schema in schemas.items():
        schema["description"] = inspect.cleandoc(schema["description"])
        if name not in bodies:  # fields may be added to answers in any version
            schema.pop("additionalProperties", None)
    for name, example in _EXAMPLES.items():
        schemas[name]["examples"] = [example]
    for name, whole in _WHOLE.items():
        schemas[name].update(whole)
    drawn["components"]["schemas"] = schemas
    return drawn


def _handlers(app: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if handler.resolve_include_in_schema():
                    yield method, handler


def _body(handler: HTTPRouteHandler) -> Any:
    field = handler.parsed_fn_signature.parameters.get("data")
    return field.annotation if field else None


def _kinds(handler: HTTPRouteHandler) -> Iterator[type[msgspec.Struct]]:
    """The structs that it reads and answers with."""
    said = handler.parsed_fn_signature.return_type
    answers = [inner.annotation for inner in said.inner_types] or [said.annotation]
    more = [spec.data_container for spec in (handler.responses or {}).values()]
    for kind in (_body(handler), *answers, *more):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield kind


def _complete(operation: dict[str, Any], method: str, handler: HTTPRouteHandler) -> None:
    says, role = inspect.cleandoc(handler.fn.__doc__ or ""), role_of(handler, method)
    operation["summary"] = says.partition(".")[0]
    operation["description"] = f"{says}\n\n{f'Needs the role {role}.' if role else 'Needs no token.'}"
    operation.pop("deprecated", None)
    if role is None:
        operation["security"] = []
    parameters = [_parameter(parameter) for parameter in operation.get("parameters", ())]
    if handler.opt.get("keyed"):
        parameters.append(_KEY)
    if parameters:
        operation["parameters"] = parameters
    if "requestBody" in operation:
        operation["requestBody"]["content"] = {"application/json": _examples(handler)}
    else:
        operation["responses"].pop("413", None)
    operation["responses"] = dict(sorted(operation["responses"].items()))
    for status, answer in operation["responses"].items():
        if answer["description"] == HTTPStatus(int(status)).description:
            answer["description"] = _DONE[status]
        content = answer["content"]
        if "text/event-stream" in content:
            content["text/event-stream"] = {"schema": {"type": "string"}}
        kind = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        by_kind = _ETAG if method == "GET" else _LOCATION
        headers = _REFUSED.get(status) or by_kind.get(kind.rpartition("/")[2])
        answer.pop("headers", None)
        if headers:
            answer["headers"] = headers


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    """Without what is not so: a parameter is there or not, never null."""
    schema = parameter["schema"]
    for one in schema.pop("oneOf", ()):
        if one != {"type": "null"}:
            schema.update(one)
    schema.pop("description", None)
    if schema.get("default") == "":
        del schema["default"]
    kept = ("name", "in", "required", "description")
    return {**{key: parameter[key] for key in kept}, "schema": schema}


def _examples(handler: HTTPRouteHandler) -> dict[str, Any]:
    """The body's media type: its schema, and whole requests."""
    field = handler.parsed_fn_signature.parameters["data"]
    said = field.kwarg_definition
    examples: list[Example] = said.examples or [] if isinstance(said, KwargDefinition) else []
    return {
        "schema": {"$ref": _REF.format(name=field.annotation.__name__)},
        "examples": {
            str(number): {"summary": example.summary, "value": example.value}
            for number, example in enumerate(examples, 1)
        },
    }
