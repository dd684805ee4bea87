"""`GET /v1/events`: in order, taken up again without a gap or a repetition, and no client holds up another."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.model.errors import Unavailable
from holdfast.model.operations import ENDED
from tests.daemon import RealDaemon, real_daemon, wait_until
from tests.faces.tcp import tcp_daemon
from tests.faces.wire import Wire, ask, request, unix
from tests.needs import need_root

VOLUMES = "/v1/pools/p/volumes"


class Stream:
    """One stream of events, as they come."""

    def __init__(self, wire: Wire, last: str = "", token: str = "") -> None:
        headers = {"Last_Event_ID": last} if last else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        wire.send(request("GET", "/v1/events", None, **headers))
        status, fields = wire.head()
        assert (status, fields["content-type"].partition(";")[0]) == (200, "text/event-stream")
        self.chunks = wire.chunks()
        self.kind, self.ident, _data = next(self)

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> tuple[str, int, dict[str, Any]]:
        """Kind, id and data of the next one; comments are passed over."""
        while True:
            fields = dict(line.split(": ", 1) for line in next(self.chunks).decode().splitlines() if line)
            if "event" in fields:
                return fields["event"], int(fields["id"]), json.loads(fields["data"])


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with a pool, that waits a second for clients that do not read."""
    need_root()
    with real_daemon() as daemon:
        daemon.config = "[limits]\nidle_seconds = 1\n"
        daemon.with_pool()
        yield daemon


def _make(daemon: RealDaemon, *names: str) -> list[str]:
    client = daemon.client()
    return [client.create_volume("p", name, "1MiB", wait=30).id for name in names]


def _ended(stream: Stream, wanted: list[str]) -> list[str]:
    """Read until all of these are over; those that ended, in their order."""
    seen: list[str] = []
    while not set(wanted) <= set(seen):
        _kind, _ident, said = next(stream)
        if said["state"] in ENDED:
            seen.append(str(said["id"]))
    return seen


def test_an_operation_is_told_as_it_is_shown_and_ids_grow(served: RealDaemon) -> None:
    with unix(served) as wire:
        stream = Stream(wire)
        assert stream.kind == "ready"
        before, made = stream.ident, _make(served, "a1", "a2", "a3")
        ended: list[str] = []
        while set(ended) != set(made):
            kind, ident, said = next(stream)
            assert kind == "operation"
            assert ident == said["changed"] > before
            before = ident
            if said["state"] in ENDED:
                shown = ask(served, "GET", f"/v1/operations/{said['id']}").said
                assert said == shown
                ended.append(str(said["id"]))
        assert ended == made


def test_who_comes_back_gets_what_changed_meanwhile_once(served: RealDaemon) -> None:
    with unix(served) as wire:
        last = Stream(wire).ident
    made = _make(served, "b1", "b2", "b3")
    with unix(served) as wire:
        stream = Stream(wire, str(last))
        assert (stream.kind, stream.ident) == ("ready", last)
        assert [next(stream)[2]["id"] for _ in made] == made
    with unix(served) as wire:
        stream = Stream(wire, str(last + 1))
        assert next(stream)[2]["id"] in made
    with unix(served) as wire:
        stream = Stream(wire, "0")
        assert next(stream)[2]["id"] == served.client().operations()[-1].id


def test_an_id_from_the_future_means_that_all_must_be_listed_anew(served: RealDaemon) -> None:
    with unix(served) as wire:
        stream = Stream(wire, "999999999999")
        assert stream.kind == "reset"
        made = _make(served, "c1")
        assert _ended(stream, made) == made
        assert stream.ident < 999999999999


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "0x1", "9" * 40, "1 2", "\xb2"])
def test_an_id_that_is_none_of_ours_is_invalid(served: RealDaemon, last: str) -> None:
    ask(served, "GET", "/v1/events", Last_Event_ID=last).problem(400, "invalid")


def _fresh(daemon: RealDaemon, last: str) -> Iterator[tuple[str, str, str]]:
    """Id, operation and state of each event until the daemon goes away."""
    with contextlib.suppress(Unavailable):
        for event in daemon.client().events(last):
            assert event.kind in ("ready", "operation"), event
            if event.operation is not None:
                yield event.id, event.operation.id, event.operation.state


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_no_end_is_missed_or_told_twice_across_a_restart(daemon: RealDaemon, how: str) -> None:
    daemon.with_pool()
    with unix(daemon) as wire:
        last = str(Stream(wire).ident)
    ended: Counter[str] = Counter()
    made: list[str] = []
    for turn in range(3):
        made += [daemon.client().create_volume("p", f"v{turn}-{n}", "1MiB", wait=0).id for n in range(10)]
        for read, (ident, op, state) in enumerate(_fresh(daemon, last), 1):
            last = ident
            ended[op] += state in ENDED
            if read == 5:
                break
        getattr(daemon, how)()
        daemon.start()
    daemon.settle()
    for ident, op, state in _fresh(daemon, last):
        last = ident
        ended[op] += state in ENDED
        if all(ended[each] for each in made):
            break
    assert {op: ended[op] for op in made} == dict.fromkeys(made, 1)


def test_many_streams_tell_all_the_same(served: RealDaemon) -> None:
    with contextlib.ExitStack() as stack:
        streams = [Stream(stack.enter_context(unix(served))) for _ in range(100)]
        made = _make(served, "d1", "d2")
        for stream in streams:
            assert _ended(stream, made) == made


def _descriptors(daemon: RealDaemon) -> int:
    assert daemon.process is not None
    return len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir()))


def test_who_stops_reading_holds_nobody_up_and_is_cut_off(served: RealDaemon) -> None:
    client = served.client()
    client.create_volume("p", "chatty", "1MiB", wait=30)
    for number in range(500):  # more than buffers hold
        client.label_volume("p", "chatty", {"n": str(number)}, wait=30)
    before = _descriptors(served)
    with contextlib.ExitStack() as stack:
        deaf = [stack.enter_context(unix(served)) for _ in range(20)]
        for wire in deaf:
            wire.send(request("GET", "/v1/events", Last_Event_ID="0"))
        with unix(served) as wire:
            stream = Stream(wire)
            made = _make(served, "e1")
            assert _ended(stream, made) == made
        wait_until(lambda: _descriptors(served) <= before + 2, "they are cut off")
    assert "level=error" not in served.log_tail()


def test_who_hangs_up_leaves_nothing_behind(served: RealDaemon) -> None:
    before = _descriptors(served)
    for _ in range(30):
        with unix(served) as wire:
            Stream(wire)
    wait_until(lambda: _descriptors(served) <= before, "their connections are gone")


def test_a_stream_ends_once_its_token_is_revoked() -> None:
    with tcp_daemon() as tcp:
        tcp.daemon.with_pool()
        token = tcp.token("watcher")
        with tcp.connect() as wire:
            stream = Stream(wire, token=token)
            made = _make(tcp.daemon, "v")
            assert _ended(stream, made) == made
            tcp.daemon.client().revoke_token("watcher")
            _make(tcp.daemon, "w")
            with pytest.raises(StopIteration):
                next(stream)
