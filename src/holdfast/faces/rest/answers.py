"""What a route may answer, and whom it needs: for the routes themselves, and for the OpenAPI description."""

from typing import Any

from litestar.openapi.datastructures import ResponseSpec

from holdfast.faces.rest.problems import MEDIA_TYPE
from holdfast.model.operations import OperationView
from holdfast.model.views import ProblemView, Role

# What any request can meet, whatever it asks for.
_ALWAYS = (400, 401, 403, 429, 500, 503)
_WHAT = {
    400: "Malformed: a name, a size, a path, a field, a header.",
    401: "No token, or one that is unknown, revoked or expired.",
    403: "The caller's role does not allow it.",
    404: "No such resource.",
    409: "It is taken, in use, in the wrong state, or not ours; the code says which.",
    412: "The resource is not any more as If-Match says.",
    413: "The body is larger than the daemon accepts.",
    422: "The Idempotency-Key was used for another request.",
    429: "Too many failed attempts to authenticate; Retry-After says when to come again.",
    500: "A fault of Holdfast's own; its log has the details.",
    503: "The daemon cannot do it now; it says why.",
    507: "No room: a pool's limit, or the daemon's own disk.",
}


def problems(*codes: int) -> dict[int, ResponseSpec]:
    """The problems that a route may answer with, besides those that every route may."""
    return {
        code: ResponseSpec(ProblemView, generate_examples=False, description=_WHAT[code], media_type=MEDIA_TYPE)
        for code in sorted({*_ALWAYS, *codes})
    }


def reading(*codes: int, role: Role = "viewer") -> dict[str, Any]:
    """A route that changes nothing."""
    return {"responses": problems(*codes), "opt": {"role": role}}


def changing(*codes: int, role: Role = "operator") -> dict[str, Any]:
    """A route that begins an operation: 202 with it, or 200 once it ended, whatever its outcome."""
    ended = ResponseSpec(OperationView, generate_examples=False, description="The operation, which is over.")
    responses = {200: ended, **problems(404, 409, 413, 422, 507, *codes)}
    return {"status_code": 202, "responses": responses, "opt": {"role": role, "keyed": True}}


def leaving(*codes: int, role: Role = "operator") -> dict[str, Any]:
    """A route that lets an operation out of its wait: 202 with it, or 200 if that ended it."""
    route = changing(*codes, role=role)
    del route["responses"][422]
    return {**route, "opt": {"role": role}}


def acting(*codes: int, status: int = 200, role: Role = "admin") -> dict[str, Any]:
    """A route that changes something without an operation, and answers when it is done."""
    return {"status_code": status, "responses": problems(507, *codes), "opt": {"role": role}}
