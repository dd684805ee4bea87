"""Speaking to one array: version, login and its renewal, paging, and what its answers mean. See docs/drivers.md.

Nothing is decided from a message. What the array rejects is `Rejected`, and whoever asked looks again; what it cannot
do now is Again, and is not asked before the time that it named.
"""

import urllib.parse
from typing import Any

import structlog

from holdfast.drivers import secrets
from holdfast.drivers.flasharray.wire import Answered, Wire
from holdfast.model.errors import Again, Refused
from holdfast.runtime.api import Runtime

log = structlog.get_logger()
# The newest version of the interface that this was written for, and the oldest one that has all that is used.
NEWEST, OLDEST = (2, 21), (2, 2)
PAGE = 1000
Items = list[dict[str, Any]]


class Rejected(Refused):
    """HTTP 400: the array says that this cannot be; a look says what is."""


class Session:
    """One per array and token, shared by threads. It can be lost at any moment: another logs in."""

    def __init__(self, runtime: Runtime, wire: Wire, gateway: str, token: str) -> None:
        self._runtime = runtime
        self._wire = wire
        self._gateway = gateway
        self._token = secrets.reference("token", token)
        self._turn = runtime.condition()
        self._version = ""
        self._session = ""
        self._not_before = 0.0
        # Requests sent, for who counts them.
        self.sent = 0

    def close(self) -> None:
        """Let go of its connection; the next request opens another."""
        self._wire.close()

    def get(self, path: str, **query: str) -> Items:
        """Every item of every page; raise Again if one cannot be had, and Rejected, for a name that is not there."""
        found: Items = []
        token = ""
        while True:
            more = {"continuation_token": token} if token else {}
            body = self._exchange("GET", path, {"limit": str(PAGE), **query, **more}, None).body
            found += self._items(body)
            if not isinstance(body, dict) or not body.get("more_items_remaining"):
                return found
            token = body.get("continuation_token") or ""
            if not token:
                raise Again(f"The array {self._gateway} lists a part of {path} and no way to the rest.")

    def _items(self, body: Any) -> Items:
        items = body.get("items") if isinstance(body, dict) else None
        if not isinstance(items, list):
            raise Again(f"The array {self._gateway} answered without items; is it an array?")
        return items

    def change(self, purpose: str, method: str, path: str, query: dict[str, str], body: Any = None) -> Items:
        """Change something, once: a failpoint named by its purpose. Raises Rejected, Refused or Again."""
        answered = self._runtime.effect(f"array.{purpose}", lambda: self._exchange(method, path, query, body))
        return answered.body.get("items") or [] if isinstance(answered.body, dict) else []

    # -- one exchange ------------------------------------------------------------------------------

    def _exchange(self, method: str, path: str, query: dict[str, str], body: Any) -> Answered:
        session = self._logged_in("")
        target = f"/api/{self._version}/{path}"
        if query:
            target += "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="")
        said = self._send(method, target, {"x-auth-token": session}, body)
        if said.status == 401:  # the session ended, so nothing was done
            session = self._logged_in(session)
            said = self._send(method, target, {"x-auth-token": session}, body)
        return self._judged(method, path, said)

    def _send(self, method: str, target: str, headers: dict[str, str], body: Any) -> Answered:
        left = self._not_before - self._runtime.monotonic()
        if left > 0:
            raise Again(f"The array {self._gateway} asks not to be asked for another {left:.0f} s.")
        self.sent += 1
        said = self._wire.send(method, target, headers, body)
        if said.status in (429, 503):
            try:
                wait = float(said.headers.get("retry-after", "1"))
            except ValueError:  # a date; the engine's own backoff is as good
                wait = 1.0
            self._not_before = self._runtime.monotonic() + min(wait, 60.0)
        return said

    def _judged(self, method: str, path: str, said: Answered) -> Answered:
        if 200 <= said.status < 300:
            return said
        what = f"The array {self._gateway} answers {method} {path} with HTTP {said.status}: {_told(said.body)}"
        if said.status == 400:
            raise Rejected(what)
        if said.status == 403:
            raise Refused(what, "Does the token's user have the role storage_admin?")
        raise Again(what)

    # -- version and login -------------------------------------------------------------------------

    def _logged_in(self, ended: str) -> str:
        """A session that is not the `ended` one."""
        with self._turn:
            if not self._version:
                self._version = self._negotiated()
            if self._session in ("", ended):
                self._session = self._login()
            return self._session

    def _negotiated(self) -> str:
        said = self._send("GET", "/api/api_version", {}, None)
        self._judged("GET", "api_version", said)
        offered = said.body.get("version", []) if isinstance(said.body, dict) else []
        known = sorted(
            version for text in offered if (version := _parsed(text)) is not None and OLDEST <= version <= NEWEST
        )
        if not known:
            raise Refused(
                f"The array {self._gateway} offers no version of its interface between 2.2 and 2.21: {offered}.",
                "A newer Holdfast or a newer Purity may fit.",
            )
        return ".".join(str(part) for part in known[-1])

    def _login(self) -> str:
        token = secrets.reveal(self._token)
        said = self._send("POST", f"/api/{self._version}/login", {"api-token": token.reveal()}, None)
        if said.status in (400, 401, 403):
            raise Again(
                f"The array {self._gateway} turns the token of {self._token.source}:{self._token.name} away.",
                "Make a new one (pureadmin create --api-token) and put it there; it is read anew at each login.",
            )
        self._judged("POST", "login", said)
        session = said.headers.get("x-auth-token", "")
        if not session:
            raise Again(f"The array {self._gateway} gave no session.")
        return session


def _parsed(text: Any) -> tuple[int, int] | None:
    major, _, minor = str(text).partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def _told(body: Any) -> str:
    """The array's own words, for people."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
        return "it says nothing more"
    return f"{errors[0].get('context') or 'it'}: {errors[0].get('message', '')}"[:300]
