"""Checks, trims, labels, names, tokens by the command line: what they say, and how they end."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.daemon import RealDaemon
from tests.needs import need


@pytest.fixture
def made(daemon: RealDaemon) -> RealDaemon:
    """With an ext4 volume `p/v`."""
    need("e2fsck")
    client = daemon.with_pool()
    assert client.create_volume("p", "v", "16MiB", "filesystem", "ext4").state == "done"
    return daemon


def image(daemon: RealDaemon) -> Path:
    return daemon.pool / "volumes" / daemon.uid("v") / "disk.raw"


def test_a_check_of_a_sound_file_system_says_clean_and_ends_well(made: RealDaemon) -> None:
    done = made.cli("volume", "check", "p/v")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["volume.check p/v: done", "p/v: clean"]
    assert "Checked: clean" in made.cli("volume", "show", "p/v").stdout


def test_a_check_of_a_damaged_file_system_ends_with_the_status_of_damage(made: RealDaemon) -> None:
    with image(made).open("r+b") as file:  # the group descriptors and bitmaps behind the first superblock
        file.seek(4096)
        file.write(b"\xff" * 64 * 1024)
    done = made.cli("volume", "check", "p/v")
    assert done.returncode == 17, done.stdout + done.stderr
    assert "damaged" in done.stdout
    assert "Nothing was changed" in done.stderr


def test_a_check_of_what_must_be_replayed_ends_with_the_status_of_a_wrong_state(made: RealDaemon) -> None:
    client = made.client()
    client.mount("p", "v", str(made.mnt))
    (made.mnt / "file").write_text("x")
    with (made.mnt / "file").open("rb") as file:
        os.fsync(file.fileno())
    left = image(made).read_bytes()
    client.unmount(client.mounts(str(made.mnt))[0])
    image(made).write_bytes(left)
    done = made.cli("volume", "check", "p/v")
    assert done.returncode == 9, done.stdout + done.stderr
    assert "holdfast volume mount p/v PATH" in done.stderr


def test_a_check_of_a_mounted_volume_says_how_to_unmount_it(made: RealDaemon) -> None:
    made.client().mount("p", "v", str(made.mnt))
    done = made.cli("volume", "check", "p/v")
    assert done.returncode == 5
    assert f"holdfast volume unmount {made.mnt}" in done.stderr


def test_a_trim_tells_how_many_bytes_it_gave_back(made: RealDaemon) -> None:
    made.client().mount("p", "v", str(made.mnt))
    done = made.cli("volume", "trim", "p/v")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^p/v: \d+ bytes", done.stdout.splitlines()[-1])


def test_a_volume_is_labelled_filtered_and_renamed_while_it_is_mounted(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB", labels={"old": "x"})
    client.mount("p", "v", str(daemon.mnt))
    assert daemon.cli("volume", "label", "p/v", "app=shop", "tier=db", "--remove", "old").returncode == 0
    assert daemon.cli("volume", "rename", "p/v", "w").returncode == 0
    listed = daemon.cli("volume", "list", "--label", "app=shop", "-o", "json")
    (found,) = json.loads(listed.stdout)
    assert (found["name"], found["labels"]) == ("w", {"app": "shop", "tier": "db"})
    assert daemon.cli("volume", "list", "--label", "app=other").stdout == "No volume is like that.\n"
    assert re.search(rf"^mounts +{daemon.mnt}$", daemon.cli("volume", "show", "p/w").stdout, flags=re.MULTILINE)


def test_a_pool_gets_and_loses_a_limit_and_labels(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    assert daemon.cli("pool", "set", "p", "--limit", "1GiB", "--label", "tier=hot").returncode == 0
    assert (client.pool("p").limit, client.pool("p").labels) == (2**30, {"tier": "hot"})
    assert daemon.cli("pool", "set", "p", "--limit", "none", "--unlabel", "tier").returncode == 0
    assert (client.pool("p").limit, client.pool("p").labels) == (None, {})


def test_usage_has_real_and_apparent_bytes(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    client.create_volume("p", "v", "1GiB", "block")
    (found,) = json.loads(daemon.cli("volume", "list", "--usage", "-o", "json").stdout)
    assert found["usage"]["apparent"] == 2**30
    assert found["usage"]["real"] < 2**30
    assert "1 GiB apparent" in daemon.cli("volume", "show", "p/v").stdout


def test_operations_are_filtered_by_their_resource(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    client.create_volume("p", "w", "1MiB")
    found = json.loads(daemon.cli("op", "list", "--resource", "p/w", "-o", "json").stdout)
    assert [op["resource"]["path"] for op in found] == ["p/w"]


def test_a_tokens_secret_is_alone_on_standard_output_and_is_never_shown_again(daemon: RealDaemon) -> None:
    daemon.start()
    done = daemon.cli("token", "create", "ci", "--role", "operator", "--expires", "30d")
    assert done.returncode == 0, done.stderr
    secret = done.stdout.removesuffix("\n")
    assert re.fullmatch(r"\S+", secret)
    listed = daemon.cli("token", "list").stdout
    assert re.search(r"^ci +operator ", listed, flags=re.MULTILINE)
    assert secret not in listed
    assert daemon.cli("token", "revoke", "ci", "--yes").returncode == 0
    assert daemon.cli("token", "revoke", "ci", "--yes").returncode == 3
