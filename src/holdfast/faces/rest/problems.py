"""RFC 9457 problems: every error says what happened and what to do next."""

from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from holdfast.model.errors import HoldfastError, TooMany, Unauthenticated

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"


def _problem(status: int, code: str, detail: str, hint: str) -> Response[dict[str, Any]]:
    body = {
        "type": f"urn:holdfast:{code}",
        "title": code,
        "status": status,
        "detail": detail,
        "code": code,
        "hint": hint,
    }
    return Response(body, status_code=status, media_type=MEDIA_TYPE)


def ours(_http: "Request[Any, Any, Any]", error: HoldfastError) -> Response[dict[str, Any]]:
    """One of our errors."""
    answer = _problem(error.status, error.code, error.detail, error.hint)
    if isinstance(error, Unauthenticated):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = "60"
    return answer


def theirs(_http: "Request[Any, Any, Any]", error: HTTPException) -> Response[dict[str, Any]]:
    """Malformed requests, unknown paths, wrong methods."""
    extra = error.extra if isinstance(error.extra, list) else []
    said = "; ".join(f"{e.get('key', '')}: {e.get('message', '')}" for e in extra if isinstance(e, dict))
    codes = {400: "invalid", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}
    return _problem(error.status_code, codes.get(error.status_code, "invalid"), said or error.detail, "")


def too_deep(_http: "Request[Any, Any, Any]", _error: RecursionError) -> Response[dict[str, Any]]:
    """JSON nested so deeply that the decoder gave up."""
    return _problem(400, "invalid", "The body is nested too deeply.", "Bodies are flat.")


def unforeseen(_http: "Request[Any, Any, Any]", error: Exception) -> Response[dict[str, Any]]:
    """A fault of ours: logged whole, told in short."""
    log.error("a request failed in a way nobody foresaw", exc_info=error)
    return _problem(500, "internal", "Holdfast met a fault of its own; its log has the details.", "")
