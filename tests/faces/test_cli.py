"""The command line: exit statuses, forms of output, the main job, `rm`."""

import json
import os
import re
import subprocess
from collections.abc import Iterator

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency

from holdfast.model.errors import HoldfastError, by_code
from tests.daemon import BIN, RealDaemon, checksums, fill, real_daemon, run
from tests.needs import need_root


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with a pool and a mounted volume, for tests that only look."""
    need_root()
    with real_daemon() as daemon:
        client = daemon.with_pool()
        client.create_volume("p", "v", "1GiB")
        client.mount("p", "v", str(daemon.mnt))
        yield daemon


def test_every_error_class_has_an_exit_status_of_its_own() -> None:
    statuses = {kind.exit for kind in by_code().values()}
    assert 0 not in statuses
    assert 130 not in statuses
    public = HoldfastError.__subclasses__()
    assert len({kind.exit for kind in public}) == len(public)


def test_the_version_is_told(served: RealDaemon) -> None:
    assert re.match(r"\d+\.\d+", served.cli("--version").stdout)


LOOKS = [
    ("status",), ("audit",), ("pool", "list"), ("pool", "show", "p"), ("volume", "list"), ("volume", "list", "p"),
    ("volume", "list", "--usage"), ("volume", "show", "p/v"), ("token", "list"), ("op", "list"),
    ("op", "list", "--state", "done"),
]  # fmt: skip


@pytest.mark.parametrize("args", LOOKS, ids=" ".join)
def test_what_is_shown_parses_as_json_and_as_yaml_and_is_the_same(served: RealDaemon, args: tuple[str, ...]) -> None:
    plain, as_json, as_yaml = (served.cli(*args, *form) for form in ((), ("-o", "json"), ("-o", "yaml")))
    assert plain.returncode == as_json.returncode == as_yaml.returncode == 0, plain.stderr
    found = json.loads(as_json.stdout)
    shown = yaml.safe_load(as_yaml.stdout)
    if args[0] not in ("status", "pool"):  # the room on a disk may change in between
        assert shown == found
    assert type(shown) is type(found)


def test_a_change_tells_how_it_ended_and_in_json_is_the_operation(daemon: RealDaemon) -> None:
    daemon.start()
    source = f"source={daemon.pool}"
    assert daemon.cli("pool", "create", "p", "--set", source).stdout == "pool.create p: done\n"
    done = daemon.cli("volume", "create", "p/v", "--size", "1MiB", "-o", "json")
    assert json.loads(done.stdout)["state"] == "done"
    later = daemon.cli("volume", "create", "p/w", "--size", "1MiB", "--no-wait", "-o", "json")
    assert daemon.cli("op", "watch", json.loads(later.stdout)["id"]).returncode == 0


def test_the_main_job_by_the_command_line_alone(daemon: RealDaemon) -> None:
    daemon.start()
    steps: list[tuple[str, ...]] = [
        ("pool", "create", "p", "--driver", "dir", "--set", f"source={daemon.pool}"),
        ("volume", "create", "p/v", "--size", "1GiB"),
        ("volume", "rename", "p/v", "w"),
        ("volume", "mount", "p/w", str(daemon.mnt)),
    ]
    for args in steps:
        assert daemon.cli(*args).returncode == 0
    fill(daemon.mnt)
    refused = daemon.cli("volume", "delete", "p/w", "--yes")
    assert refused.returncode == 5
    assert f"holdfast volume unmount {daemon.mnt}" in refused.stderr
    steps = [
        ("audit",),
        ("volume", "unmount", str(daemon.mnt)),
        ("volume", "delete", "p/w", "--yes"),
        ("pool", "delete", "p", "--yes"),
    ]
    for args in steps:
        assert daemon.cli(*args).returncode == 0
    assert os.listdir(daemon.pool) == []


def test_watching_an_operation_prints_its_steps_as_they_change(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    (daemon.pool / "holdfast-pool.json").rename(daemon.root / "mark")
    view = client.create_volume("p", "v", "1MiB", wait=5)
    assert view.state == "parked"
    with subprocess.Popen(
        [BIN, "op", "watch", view.id], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "HOLDFAST_ADDRESS": daemon.address},
    ) as watching:  # fmt: skip
        assert watching.stdout is not None
        first = [watching.stdout.readline()]
        while "abandon" not in first[-1] and len(first) < 10:
            first.append(watching.stdout.readline())
        (daemon.root / "mark").rename(daemon.pool / "holdfast-pool.json")
        client.exit(view.id, "retry")
        rest = watching.stdout.read()
        assert watching.wait(30) == 0
    assert "parked" in first[0]
    assert "make the directory volume v" in first[1]
    assert "waits:" in first[2]
    assert f"holdfast op cancel {view.id}" in "".join(first[3:])
    assert "volume.create p/v: done" in rest
    assert "✔ make the directory volume v" in rest


def test_the_audit_ends_with_an_error_status_while_there_is_a_finding(daemon: RealDaemon) -> None:
    daemon.with_pool()
    (daemon.pool / "stranger").write_text("precious")
    done = daemon.cli("audit")
    assert done.returncode == 12
    assert "stranger" in done.stdout
    assert daemon.cli("audit", "--repair").returncode == 12
    assert (daemon.pool / "stranger").exists()
    (daemon.pool / "stranger").unlink()
    assert daemon.cli("audit").stdout == "Records and world agree.\n"


# -- rm: needs no daemon ------------------------------------------------------------------------------


def test_rm_removes_a_tree_and_not_what_its_symlinks_point_to(daemon: RealDaemon) -> None:
    fill(daemon.pool)
    kept = fill(daemon.mnt)
    (daemon.pool / "link").symlink_to(daemon.mnt)
    done = daemon.cli("rm", daemon.pool, "--yes")
    assert done.returncode == 0, done.stderr
    assert "entries removed" in done.stdout
    assert not daemon.pool.exists()
    assert checksums(daemon.mnt) == kept


@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_rm_refuses_a_tree_with_a_mount_below_and_removes_nothing(daemon: RealDaemon, kind: str) -> None:
    fill(daemon.pool)
    (daemon.pool / "inner").mkdir()
    if kind == "tmpfs":
        run("mount", "-t", "tmpfs", "none", daemon.pool / "inner")
    else:
        run("mount", "--bind", daemon.mnt, daemon.pool / "inner")
    fill(daemon.pool / "inner")
    kept = checksums(daemon.pool)
    for target in (daemon.pool, daemon.pool / "inner"):
        done = daemon.cli("rm", target, "--yes")
        assert done.returncode == 5, done.stderr
        assert "mount" in done.stderr
        assert "Unmount it first" in done.stderr
    assert checksums(daemon.pool) == kept


def test_rm_refuses_a_pool(daemon: RealDaemon) -> None:
    fill(daemon.pool)
    (daemon.pool / "holdfast-pool.json").write_text("{}")
    kept = checksums(daemon.pool)
    done = daemon.cli("rm", daemon.pool, "--yes")
    assert done.returncode == 14
    assert "is a pool" in done.stderr
    assert "holdfast pool delete" in done.stderr
    assert checksums(daemon.pool) == kept


def test_rm_refuses_a_directory_with_a_pool_below_it(daemon: RealDaemon) -> None:
    (daemon.pool / "a" / "pool").mkdir(parents=True)
    (daemon.pool / "a" / "pool" / "holdfast-pool.json").write_text("{}")
    done = daemon.cli("rm", daemon.pool, "--yes")
    assert done.returncode == 14
    assert f"{daemon.pool}/a/pool is a pool" in done.stderr
    assert (daemon.pool / "a" / "pool" / "holdfast-pool.json").exists()


def test_rm_removes_what_the_kernel_finds_at_the_path_not_what_the_text_folds_to(daemon: RealDaemon) -> None:
    """`..` behind a symlink is the parent of where it points to."""
    for name in ("a/victim", "b/c", "b/victim"):
        (daemon.pool / name).mkdir(parents=True)
    (daemon.pool / "a" / "link").symlink_to(daemon.pool / "b" / "c")
    done = daemon.cli("rm", f"{daemon.pool}/a/link/../victim", "--yes")
    assert done.returncode == 0, done.stderr
    assert (daemon.pool / "a" / "victim").exists()
    assert not (daemon.pool / "b" / "victim").exists()
    for ending in ("a/..", "a/.", "a/../"):
        assert daemon.cli("rm", f"{daemon.pool}/{ending}", "--yes").returncode == 14
    assert (daemon.pool / "a" / "victim").exists()


def test_rm_asks_and_tells_what_is_not_there(daemon: RealDaemon) -> None:
    fill(daemon.pool)
    assert daemon.cli("rm", daemon.pool).returncode == 2
    assert len(checksums(daemon.pool)) == 3
    assert daemon.cli("rm", daemon.root / "missing", "--yes").returncode == 3
    assert daemon.cli("rm", "/", "--yes").returncode == 14


def test_rm_refuses_what_is_of_recorded_volumes_and_of_volumes_in_use(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    for name in ("mounted", "idle"):
        client.create_volume("p", name, "1MiB")
    client.mount("p", "mounted", str(daemon.mnt))
    (daemon.mnt / "file").write_text("precious")
    volumes = daemon.pool / "volumes"
    uid = {name: client.volume("p", name).uid for name in ("mounted", "idle")}
    for target in (volumes, volumes / uid["idle"], volumes / uid["mounted"] / "data" / "file"):
        done = daemon.cli("rm", target, "--yes")
        assert done.returncode == 14, done.stderr
    daemon.kill()
    for target in (volumes / uid["mounted"], volumes / uid["mounted"] / "data" / "file"):
        done = daemon.cli("rm", target, "--yes")
        assert done.returncode == 5, done.stderr
        assert f"mounted at {daemon.mnt}" in done.stderr
    assert (daemon.mnt / "file").read_text() == "precious"
    assert daemon.cli("rm", volumes / uid["idle"], "--yes").returncode == 0
    daemon.start()
    assert [finding.kind for finding in daemon.client().audit()] == ["ghost"]


def test_a_state_directory_inside_a_pool_is_refused(daemon: RealDaemon) -> None:
    daemon.with_pool()
    daemon.kill()
    for option in ("--state", "--run"):
        for place in (daemon.pool, daemon.pool / "deeper"):
            done = daemon.cli("serve", "--check", option, place)
            assert done.returncode == 2, done.stdout
            assert f"lies in the pool {daemon.pool}" in done.stderr
