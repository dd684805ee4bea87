"""Routes of tokens."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, Parameter

from holdfast.faces.rest.answers import problems, reading
from holdfast.faces.rest.calls import Calls
from holdfast.model.views import NewTokenView, Role, TokenPage, TokenView


class TokenBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new token. `lifetime` in seconds; null for one that does not expire."""

    name: str
    role: Role = "viewer"
    lifetime: float | None = None


_NEW = Example(summary="For a dashboard", value={"name": "dashboard", "role": "viewer", "lifetime": 2592000})


@get("/tokens", tags=["tokens"], opt={"role": "admin"}, **reading())
async def token_list(calls: Calls) -> TokenPage:
    """List tokens, without their secrets."""
    return TokenPage(items=calls.daemon.tokens.every())


@post("/tokens", tags=["tokens"], opt={"role": "admin"}, responses=problems(409, 507))
async def token_create(calls: Calls, data: Annotated[TokenBody, Body(examples=[_NEW])]) -> NewTokenView:
    """Make a token. Its secret is in this answer and nowhere else."""
    token, secret = await calls.run(lambda: calls.daemon.tokens.create(data.name, data.role, data.lifetime))
    return NewTokenView(token=token, secret=secret)


@delete("/tokens/{token:str}", tags=["tokens"], opt={"role": "admin"}, status_code=200, responses=problems(404, 507))
async def token_revoke(
    calls: Calls, token: Annotated[str, Parameter(description="The token's name or id.")]
) -> TokenView:
    """Revoke a token: from now on it lets nobody in."""
    return await calls.run(lambda: calls.daemon.tokens.revoke(token))


HANDLERS: list[Any] = [token_list, token_create, token_revoke]
