"""What is asked is what was meant: names cannot become paths, text cannot become headers."""

import json
from typing import Any

import pytest

from holdfast.model.errors import Invalid
from tests.unit.client.conftest import Connect
from tests.unit.client.fake import OPERATION, answering, said

NO_NAMES = ["", ".", "..", "a/b", "/", "../q"]


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("method", ["volume", "delete_volume", "usage"])
def test_what_is_no_name_is_refused_before_it_is_sent(connect: Connect, method: str, name: str) -> None:
    fake, client = connect()
    for names in ((name, "v"), ("p", name)):
        with pytest.raises(Invalid, match="not a name"):
            client.ask(method, *names)
    assert fake.connections == 0


def test_every_other_sign_of_a_name_is_quoted(connect: Connect) -> None:
    fake, client = connect(answering(said(OPERATION)))
    client.ask("delete_volume", "p", "a b?c#d%2f\u00e9\r\n", wait=None)
    assert fake.requests[0].target == "/v1/pools/p/volumes/a%20b%3Fc%23d%252f%C3%A9%0D%0A"


def test_filters_and_paths_are_quoted(connect: Connect) -> None:
    page = said({"items": [], "next": None})
    fake, client = connect(answering(page, page))
    client.ask("mounts", "/mnt/a b&path=x")
    client.ask("pools", "ready", {"app": "a&b", "rack": None})
    assert fake.requests[0].target == "/v1/mounts?path=%2Fmnt%2Fa+b%26path%3Dx"
    assert fake.requests[1].target == "/v1/pools?state=ready&limit=500&label=app%3Da%26b&label=rack"


@pytest.mark.parametrize("options", [{"key": "a\r\nX: y"}, {"key": "\u00e9"}, {"if_match": "a\nb"}, {"key": " a"}])
def test_what_no_header_can_carry_is_refused(connect: Connect, options: dict[str, Any]) -> None:
    fake, client = connect()
    with pytest.raises(Invalid, match="not printable ASCII"):
        client.ask("delete_volume", "p", "v", **options)
    assert fake.connections == 0


def test_if_match_is_sent_as_it_is(connect: Connect) -> None:
    fake, client = connect(answering(said(OPERATION)))
    client.ask("delete_volume", "p", "v", if_match='"u.3"')
    assert fake.requests[0].headers["if-match"] == '"u.3"'


def test_a_body_is_json_and_a_request_without_one_has_none(connect: Connect) -> None:
    fake, client = connect(answering(said(OPERATION), said({"items": []})), answering(said(OPERATION)))
    client.ask("create_volume", "p", "v", "1GiB", labels={"a": "\u00e9"})
    client.ask("mounts")
    client.ask("exit", "x", "retry")
    body, get, none = fake.requests
    assert body.headers["content-type"] == "application/json"
    assert json.loads(body.body) == {
        "name": "v", "size": "1GiB", "content": "directory", "fs": None, "labels": {"a": "\u00e9"},
    }  # fmt: skip
    assert (none.body, none.headers["content-length"]) == (b"", "0")
    assert "content-type" not in none.headers
    assert "content-length" not in get.headers


def test_pages_are_asked_one_by_one_and_no_further_than_needed(connect: Connect) -> None:
    item = {
        "uid": "u", "pool": "p", "name": "v", "size": 1, "advisory": True, "content": "directory", "fs": None,
        "state": "ready", "ready": True, "labels": {}, "generation": 1, "created_at": 1.0, "conditions": [],
        "mounts": [],
    }  # fmt: skip
    fake, client = connect(answering(said({"items": [item] * 2, "next": "c 1"}), said({"items": [item], "next": None})))
    volumes = client.each("volumes", "p")
    assert len([volumes.next(), volumes.next()]) == len(fake.requests) * 2
    assert volumes.next() is not None
    assert volumes.next() is None
    assert [request.target.partition("?")[2] for request in fake.requests] == ["limit=500", "cursor=c+1&limit=500"]
