"""Routes of tokens."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter

from holdfast.faces.rest.answers import acting, reading
from holdfast.faces.rest.fields import Here, Lifetime, Name
from holdfast.model.views import NewTokenView, Role, TokenPage, TokenView


class TokenBody(msgspec.Struct, forbid_unknown_fields=True):
    """A new token. `lifetime` in seconds; null for one that does not expire."""

    name: Name
    role: Role = "viewer"
    lifetime: Lifetime | None = None


_NEW = Example(summary="For a dashboard", value={"name": "dashboard", "role": "viewer", "lifetime": 2592000})


@get("/tokens", tags=["tokens"], **reading(role="admin"))
async def token_list(calls: Here) -> TokenPage:
    """List tokens, without their secrets."""
    return TokenPage(items=calls.daemon.tokens.every())


@post("/tokens", tags=["tokens"], **acting(409, 413, status=201))
async def token_create(calls: Here, data: Annotated[TokenBody, Body(examples=[_NEW])]) -> NewTokenView:
    """Make a token. Its secret is in this answer and nowhere else."""
    token, secret = await calls.run(lambda: calls.daemon.tokens.create(data.name, data.role, data.lifetime))
    return NewTokenView(token=token, secret=secret)


@delete("/tokens/{token:str}", tags=["tokens"], **acting(404))
async def token_revoke(
    calls: Here, token: Annotated[str, PathParameter(description="The token's name or id.")]
) -> TokenView:
    """Revoke a token: from now on it lets nobody in."""
    return await calls.run(lambda: calls.daemon.tokens.revoke(token))


HANDLERS: list[Any] = [token_list, token_create, token_revoke]
