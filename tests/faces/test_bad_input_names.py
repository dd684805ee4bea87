"""Names, sizes and things that are not there: refused at once, with what to do next, and nothing is left."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdfast.client import Client
from holdfast.model.errors import Exists, Invalid, NotFound
from holdfast.model.resources import Content
from tests.daemon import RealDaemon, real_daemon
from tests.needs import need_root


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with a pool for all tests here; none of them may change anything."""
    need_root()
    with real_daemon() as daemon:
        client = daemon.with_pool()
        client.create_volume("p", "taken", "1MiB")
        yield daemon


@pytest.fixture
def client(served: RealDaemon) -> Iterator[Client]:
    """A connection; afterwards there is still one pool with one volume, and the audit is clean."""
    client = served.client()
    before = len(client.operations(limit=1000))
    yield client
    assert [pool.name for pool in client.pools()] == ["p"]
    assert [volume.name for volume in client.volumes("p")] == ["taken"]
    assert len(os.listdir(served.pool / "volumes")) == 1
    assert all(op.state == "undone" for op in client.operations(limit=1000)[: -before or None])
    assert client.audit() == []


NAMES = {
    "empty": "",
    "of 300 characters": "x" * 300,
    "going up": "../x",
    "a slash": "a/b",
    "a dot": ".",
    "hidden": ".x",
    "an option": "-x",
    "a newline": "a\nb",
    "a control character": "a\x07b",
    "a zero byte": "a\x00b",
    "a Cyrillic look-alike": "d\u0430ta",
    "a full-width letter": "\uff44ata",
    "combined": "e\u0301",
    "with a space": "a b",
    "shell": "$(reboot)",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_wrong_name_is_refused_and_told_what_is_allowed(client: Client, served: RealDaemon, name: str) -> None:
    asks: list[Callable[[], object]] = [
        lambda: client.create_volume("p", name, "1MiB"),
        lambda: client.create_pool(name, {"source": str(served.mnt)}),
        lambda: client.rename_volume("p", "taken", name),
    ]
    for ask in asks:
        with pytest.raises(Invalid) as caught:
            ask()
        said = f"{caught.value.detail} {caught.value.hint}"
        assert "characters" in said or "letters" in said
        assert said.isprintable()
        assert said.isascii()


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("0", "not positive"),
        (0, "not positive"),
        (-1, "not positive"),
        ("-1GiB", "not a size"),
        ("1025PiB", "larger than 1 EiB"),
        ((1 << 60) + 512, "larger than 1 EiB"),
        (1 << 70, "larger than 1 EiB"),
        ("9" * 30, "not a size"),
        ("much", "not a size"),
        ("1 gigabyte", "not a size"),
        ("1gb", "not a size"),
        ("", "not a size"),
        ("0.3B", "whole number"),
        ("\u0661GiB", "not a size"),
    ],
)
def test_a_wrong_size_is_refused(client: Client, size: int | str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        client.create_volume("p", "v", size)
    assert said in caught.value.detail


@pytest.mark.parametrize("content", ["block", "filesystem"])
@pytest.mark.parametrize("size", [1000, "1.5KB", (1 << 20) + 1])
def test_a_disk_is_whole_sectors(client: Client, content: Content, size: int | str) -> None:
    with pytest.raises(Invalid) as caught:
        client.create_volume("p", "v", size, content)
    assert "multiple of 512" in caught.value.detail


def test_what_is_not_there_is_named(client: Client, served: RealDaemon) -> None:
    point = str(served.mnt)
    for ask in (
        lambda: client.create_volume("nowhere", "v", "1MiB"),
        lambda: client.pool("nowhere"),
        lambda: client.delete_pool("nowhere"),
        lambda: list(client.volumes("nowhere")),
        lambda: client.volume("p", "nowhere"),
        lambda: client.delete_volume("p", "nowhere"),
        lambda: client.rename_volume("p", "nowhere", "x"),
        lambda: client.mount("p", "nowhere", point),
        lambda: client.operation("nowhere"),
        lambda: client.exit("nowhere", "retry"),
    ):
        with pytest.raises(NotFound) as caught:
            ask()
        assert "nowhere" in caught.value.detail
        assert "holdfast" in caught.value.hint


def test_a_taken_name_is_refused(client: Client, served: RealDaemon) -> None:
    with pytest.raises(Exists, match="taken"):
        client.create_volume("p", "taken", "1MiB")
    with pytest.raises(Exists, match="pool p"):
        client.create_pool("p", {"source": str(served.mnt)})


def test_a_file_system_is_only_for_filesystem_volumes_and_of_a_known_kind(client: Client) -> None:
    with pytest.raises(Invalid, match="no file system of its own"):
        client.create_volume("p", "v", "1MiB", "directory", "ext4")
    anything: Any = client  # its types would not let these through
    with pytest.raises(Invalid):
        anything.create_volume("p", "v", "1MiB", "filesystem", "ntfs")
    with pytest.raises(Invalid):
        anything.create_volume("p", "v", "1MiB", "tape")


def test_a_gigabyte_is_not_a_gibibyte() -> None:
    need_root()
    with real_daemon() as daemon:
        client = daemon.with_pool()
        sizes: dict[int | str, int] = {"1GB": 10**9, "1GiB": 2**30, "1.5KiB": 1536, "1EiB": 2**60, 4096: 4096}
        for number, (size, exact) in enumerate(sizes.items()):
            assert client.create_volume("p", f"v{number}", size).state == "done"
            assert client.volume("p", f"v{number}").size == exact


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (("volume", "create", "p/../x", "--size", "1MiB"), 2, "not allowed"),
        (("volume", "create", "p", "--size", "1MiB"), 2, "POOL/VOLUME"),
        (("volume", "create", "p/v", "--size", "0"), 2, "not positive"),
        (("volume", "create", "p/taken", "--size", "1MiB"), 4, "already"),
        (("volume", "show", "p/nowhere"), 3, "volume list"),
        (("volume", "create", "nowhere/v", "--size", "1MiB"), 3, "pool list"),
        (("pool", "create", "q", "--set", "source"), 2, "--set source=VALUE"),
        (("pool", "create", "q"), 2, "source"),
        (("pool", "create", "q", "--driver", "tape"), 2, "tape"),
    ],
)
def test_the_command_line_ends_with_the_status_of_the_error_class(
    client: Client, served: RealDaemon, args: tuple[str, ...], status: int, said: str
) -> None:
    del client
    done = served.cli(*args)
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
