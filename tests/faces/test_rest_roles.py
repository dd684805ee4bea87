"""Who may do what, route by route, as the description itself says it: viewers look, operators change, admins rule."""

import re
from collections.abc import Iterator

import pytest

from tests.faces.tcp import Tcp, tcp_daemon
from tests.faces.wire import Answer, ask

RANKS = ["viewer", "operator", "admin"]
# What an admin alone may do.
FOR_ADMINS = {
    "POST /v1/pools", "PATCH /v1/pools/{pool}", "DELETE /v1/pools/{pool}", "POST /v1/operations/{operation}/abandon",
    "POST /v1/pools/{pool}/import", "POST /v1/pools/{pool}/adopt", "POST /v1/pools/{pool}/recover",
    "POST /v1/resume", "POST /v1/backup",
    "GET /v1/tokens", "POST /v1/tokens", "DELETE /v1/tokens/{token}",
}  # fmt: skip
FOR_ANYBODY = {"GET /healthz"}


class Served:
    """A daemon over TLS, a token for each role, and its routes."""

    def __init__(self, tcp: Tcp) -> None:
        self.tcp = tcp
        self.tokens = {role: tcp.token(role, role) for role in RANKS}
        described = ask(tcp.daemon, "GET", "/openapi.json").said["paths"]
        self.routes = {
            f"{method.upper()} {path}": operation["description"]
            for path, item in described.items()
            for method, operation in item.items()
        }

    def asked(self, route: str, role: str) -> Answer:
        """How that role is answered; nothing that is there is named, and no body is sent."""
        method, path = route.split()
        return self.tcp.ask(self.tokens.get(role, ""), method, re.sub(r"\{\w+\}", "0" * 32, path))


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One for all."""
    with tcp_daemon(limits="auth_failures = 1000000") as tcp:
        tcp.daemon.with_pool()
        yield Served(tcp)


def needed(route: str) -> str:
    """The role."""
    if route in FOR_ADMINS:
        return "admin"
    return "viewer" if route.startswith("GET ") else "operator"


def test_the_description_says_of_each_route_whom_it_needs(served: Served) -> None:
    assert set(served.routes) > FOR_ADMINS | FOR_ANYBODY
    for route, description in served.routes.items():
        said = "Needs no token." if route in FOR_ANYBODY else f"Needs the role {needed(route)}."
        assert description.endswith(said), route


@pytest.mark.parametrize("role", RANKS)
def test_a_role_is_let_in_where_its_rank_suffices_and_nowhere_else(served: Served, role: str) -> None:
    for route in sorted(served.routes.keys() - FOR_ANYBODY - {"GET /v1/events"}):
        answer = served.asked(route, role)
        if RANKS.index(role) >= RANKS.index(needed(route)):
            assert answer.status not in (401, 403), (route, answer)
        else:
            said = answer.problem(403, "forbidden")
            assert f"needs the role {needed(route)}" in said["detail"], route
            assert f"token:{role}" in said["detail"], route


def test_without_a_token_there_is_only_the_health(served: Served) -> None:
    for route in served.routes:
        answer = served.asked(route, "")
        if route in FOR_ANYBODY:
            assert answer.status == 200
        else:
            answer.problem(401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer", route


def test_what_is_not_in_the_description_needs_a_token_too(served: Served) -> None:
    served.asked("GET /openapi.json", "").problem(401, "unauthenticated")
    assert served.asked("GET /openapi.json", "viewer").status == 200
    served.asked("OPTIONS /v1/pools", "").problem(401, "unauthenticated")
    assert served.asked("OPTIONS /v1/pools", "viewer").status == 204
    served.asked("OPTIONS /v1/tokens", "").problem(401, "unauthenticated")


def test_a_refused_change_is_refused_before_its_body_is_looked_at(served: Served) -> None:
    answer = served.tcp.ask(served.tokens["viewer"], "POST", "/v1/pools/p/volumes", b"{", Idempotency_Key="k" * 300)
    answer.problem(403, "forbidden")
