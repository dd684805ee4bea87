"""The array: sessions, dispatch, paging and the log; what each resource does is in the file of its noun."""

import copy
from collections.abc import Callable
from typing import Any

import msgspec

from holdfast.testing.flasharray.filters import BadFilter, matches
from holdfast.testing.flasharray.model import PENDING_MS, Sent
from holdfast.testing.flasharray.nouns import HANDLERS, Refusal
from holdfast.testing.flasharray.shelf import Shelf
from holdfast.testing.flasharray.state import State
from holdfast.testing.flasharray.weather import Weather

VERSIONS = ("1.0", "2.0", "2.2", "2.16", "2.21")
TOKEN = "d1c7f3b2-0000-4000-8000-a0b1c2d3e4f5"  # noqa: S105 - the simulator's own
Later = Callable[[float, Callable[[], None]], None]


class Reply(msgspec.Struct, frozen=True):
    """What goes over the wire. None in its place: the connection ends without an answer."""

    status: int
    body: Any = None
    headers: dict[str, str] = {}
    after: float = 0.0


class Array:
    """One simulated array. `now` in seconds, `later(seconds, act)` as the caller's world has it, `ids` makes ids."""

    def __init__(self, shelf: Shelf, now: Callable[[], float], later: Later, ids: Callable[[], str]) -> None:
        self.state = State(ids(), shelf, now, later, ids)
        self.weather = self.state.weather = Weather()
        self.log: list[Sent] = []
        self._sessions: set[str] = set()
        self._shown: State | None = None
        # Told of each request once it is done.
        self.heard: Callable[[Sent], None] = lambda _sent: None

    # -- what tests do behind the client's back ----------------------------------------------------

    def expire_sessions(self) -> None:
        """Every session ends now."""
        self._sessions.clear()

    def go_stale(self, stale: bool) -> None:
        """From now on lists are as they are at this moment; or as they are."""
        self.show(self.moment() if stale else None)

    def moment(self) -> State:
        """As it is now, whatever changes."""
        return copy.copy(self.state).frozen()

    def show(self, moment: State | None) -> None:
        """From now on lists are as they were at that moment; None: as they are."""
        self.weather.stale = moment is not None
        self._shown = moment

    def count(self) -> int:
        """Requests so far."""
        return len(self.log)

    # -- requests ------------------------------------------------------------------------------------

    def handle(
        self, method: str, target: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> Reply | None:
        """One request; None if no answer comes. `target` is the path below the address, headers are in lower case."""
        if self.weather.away:
            self.weather.note("away")
            return None
        self.state.tick()
        if target == "/api/api_version":
            return Reply(200, {"version": list(VERSIONS)})
        prefix, _, path = target.removeprefix("/api/").partition("/")
        if prefix not in VERSIONS or not prefix.startswith("2."):
            return _error(404, None, "Not found.")
        if path == "login":
            return self._login(headers)
        if path == "logout":
            self._sessions.discard(headers.get("x-auth-token", ""))
            return Reply(200)
        if headers.get("x-auth-token", "") not in self._sessions:
            return _error(401, None, "Unauthorized.")
        return self._befallen(method, path, query, body)

    def _login(self, headers: dict[str, str]) -> Reply:
        trouble = self.weather.meet("POST", "login")
        if trouble is not None and trouble.kind == "status":
            return _error(trouble.status, None, "Not now.")
        if headers.get("api-token") != TOKEN:
            return _error(401, None, "Invalid credentials.")
        session = self.state.ids()
        self._sessions.add(session)
        return Reply(200, {"items": [{"username": "holdfast"}]}, {"x-auth-token": session})

    def _befallen(self, method: str, path: str, query: dict[str, str], body: Any) -> Reply | None:
        trouble = self.weather.meet(method, path)
        if trouble is None:
            return self._logged(method, path, query, body, told=True)
        if trouble.kind == "status":
            if trouble.status == 401:
                self._sessions.clear()
            headers = {"retry-after": f"{trouble.seconds:g}"} if trouble.seconds else {}
            return msgspec.structs.replace(_error(trouble.status, None, "Not now."), headers=headers)
        if trouble.kind == "late":
            asked = len(self.log)
            self.state.later(trouble.seconds, lambda: self._too_late(method, path, query, body, asked))
            return None
        reply = self._logged(method, path, query, body, told=trouble.kind == "hang")
        return None if trouble.kind == "reply-lost" else msgspec.structs.replace(reply, after=trouble.seconds)

    def _too_late(self, method: str, path: str, query: dict[str, str], body: Any, asked: int) -> None:
        self._logged(method, path, query, body, told=False, asked=asked)

    def _logged(
        self, method: str, path: str, query: dict[str, str], body: Any, *, told: bool, asked: int | None = None
    ) -> Reply:
        self.state.tick()
        connected = {name: tuple(self.state.hosts_of(name)) for name in self._volumes(query)}
        try:
            reply = self._act(method, path, query, body)
        except Refusal as refusal:
            reply = _error(refusal.status, refusal.context, refusal.message)
        items = tuple(reply.body["items"]) if reply.status == 200 and method == "GET" else ()
        asked = len(self.log) if asked is None else asked
        sent = Sent(self.state.now(), method, path, query, body, reply.status, told, connected, items, asked)
        self.log.append(sent)
        self.heard(sent)
        return reply

    def _volumes(self, query: dict[str, str]) -> list[str]:
        """The names of the volumes that a request is about."""
        named = [query.get(key, "") for key in ("names", "volume_names")]
        ids = {query.get("ids"), query.get("resource_ids")}
        by_id = [volume.name for volume in self.state.volumes.values() if volume.id in ids]
        return [name for text in named for name in text.split(",") if "::" in name] + by_id

    def _act(self, method: str, path: str, query: dict[str, str], body: Any) -> Reply:
        handler = HANDLERS.get((method, path))
        if handler is None:
            raise Refusal(None, "Not found.", 404)
        state = self._shown if method == "GET" and self._shown is not None else self.state
        if state is self._shown:
            self.weather.note("stale")
        items = handler(state, query, body or {})
        return Reply(200, _page(items, query) if method == "GET" else {"items": items})


def _page(items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    """Filtered, and cut to `limit` from where the continuation token says."""
    if text := query.get("filter"):
        try:
            items = [item for item in items if matches(item, text)]
        except BadFilter as error:
            raise Refusal(None, f"Invalid filter: {error}") from error
    limit, start = int(query.get("limit", "1000")), int(query.get("continuation_token") or "0")
    more = start + limit < len(items)
    return {
        "items": items[start : start + limit],
        "continuation_token": str(start + limit) if more else None,
        "more_items_remaining": more,
        "total_item_count": len(items),
    }


def _error(status: int, context: str | None, message: str) -> Reply:
    return Reply(status, {"errors": [{"context": context, "message": message}]})


__all__ = ["PENDING_MS", "TOKEN", "Array", "Reply"]
