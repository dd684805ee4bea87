"""RFC 9457 problems: every error says what happened and what to do next."""

from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from holdfast.model.errors import HoldfastError, TooLarge, TooMany, Unauthenticated, from_os_error

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
# What to do next where the error itself does not say it.
_HINTS = {
    "invalid": "Correct the request; GET /openapi.json describes it.",
    "not-found": "List what there is, and ask by its name of now.",
    "method-not-allowed": "GET /openapi.json has every path and its methods.",
    "exists": "Choose another name, or delete the other first.",
    "in-use": "End its use first.",
    "no-space": "Free space, or raise the limit.",
    "forbidden": "Ask an admin.",
    "idempotency-key-reused": "Make a new key for a new request.",
    "wrong-state": "Look at its state, and ask again when it has changed.",
    "unavailable": "Try again in a moment.",
    "again": "Try again in a moment.",
    "refused": "Remove the cause, then ask again.",
    "full": "Free space on the pool's disk, or enlarge it, then ask again.",
    "foreign": "It is not ours: move it away, or choose another place.",
    "damaged": "Look at it with its own tools, or restore it from a backup.",
    "stale": "Read it again, then decide anew.",
    "too-large": "Send less.",
    "internal": "The daemon's log has the details; report it with them.",
}
_CODES = {404: "not-found", 405: "method-not-allowed", 413: TooLarge.code}


def problem(status: int, code: str, detail: str, hint: str) -> dict[str, Any]:
    """The body; `hint` may be empty where the code alone says what to do."""
    hint = hint or _HINTS.get(code, _HINTS["internal"])
    kind = f"urn:holdfast:{code}"
    return {"type": kind, "title": code, "status": status, "detail": detail, "code": code, "hint": hint}


def _answer(status: int, code: str, detail: str, hint: str = "") -> Response[dict[str, Any]]:
    return Response(problem(status, code, detail, hint), status_code=status, media_type=MEDIA_TYPE)


def ours(_http: "Request[Any, Any, Any]", error: HoldfastError) -> Response[dict[str, Any]]:
    """One of our errors."""
    answer = _answer(error.status, error.code, error.detail, error.hint)
    if isinstance(error, Unauthenticated):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = "60"
    return answer


def theirs(http: "Request[Any, Any, Any]", error: HTTPException) -> Response[dict[str, Any]]:
    """Malformed requests, unknown paths, wrong methods."""
    extra = error.extra if isinstance(error.extra, list) else []
    said = "; ".join(f"{e.get('key', '')}: {e.get('message', '')}" for e in extra if isinstance(e, dict))
    allowed = ", ".join(sorted((error.headers or {}).get("allow", "").split(", ")))
    details = {
        404: f"There is nothing at {ascii(http.scope['path'])}.",
        405: f"{http.method} does not go with this path; it takes {allowed}.",
        413: "The body is larger than the daemon accepts.",
    }
    status = error.status_code
    if status >= 500:
        return unforeseen(http, error)
    answer = _answer(status, _CODES.get(status, "invalid"), said or details.get(status, error.detail))
    if allowed:
        answer.headers["Allow"] = allowed
    return answer


def too_deep(_http: "Request[Any, Any, Any]", _error: RecursionError) -> Response[dict[str, Any]]:
    """JSON nested so deeply that the decoder gave up."""
    return _answer(400, "invalid", "The body is nested too deeply.", "Bodies are flat.")


def outside(http: "Request[Any, Any, Any]", error: OSError) -> Response[dict[str, Any]]:
    """The system refused something that was looked at for an answer."""
    log.warning("a request met an error of the system", path=http.scope["path"], exc_info=error)
    known = from_os_error(error, "The daemon could not look")
    return _answer(503, "unavailable", f"{known.detail}.", known.hint)


def unforeseen(_http: "Request[Any, Any, Any]", error: Exception) -> Response[dict[str, Any]]:
    """A fault of ours: logged whole, told in short."""
    log.error("a request failed in a way nobody foresaw", exc_info=error)
    return _answer(500, "internal", "Holdfast met a fault of its own; its log has the details.")
