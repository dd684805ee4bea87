"""What a person sees: colours, widths, timelines that are drawn over themselves; and what a pipe gets instead."""

import re
import shutil
from collections.abc import Iterator

import pytest

from holdfast.model.operations import OperationView
from tests.daemon import RealDaemon, real_daemon
from tests.faces.terminal import Terminal, beyond_colours, shown, terminal
from tests.needs import need_root

LONG = "the-archive-of-all-the-orders-of-last-year"


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """A daemon with two pools, one of which is away, and an operation parked on it."""
    need_root()
    with real_daemon() as daemon:
        client = daemon.with_pool()
        client.create_volume("p", LONG, "1GiB", labels={"app": "shop", "owner": "accounting", "retention": "10y"})
        client.mount("p", LONG, str(daemon.mnt))
        away = daemon.root / "away"
        away.mkdir()
        client.create_pool("away", {"source": str(away)})
        away.rename(daemon.root / "elsewhere")
        client.create_volume("away", "late", "1GiB", wait=10)
        yield daemon


def parked(daemon: RealDaemon) -> OperationView:
    (found,) = daemon.client().operations("parked")
    return found


LISTS = (("status",), ("volume", "list"), ("pool", "list"), ("op", "list"), ("volume", "show", f"p/{LONG}"))


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("args", LISTS, ids=" ".join)
def test_what_is_shown_fits_the_terminal_and_is_coloured(
    served: RealDaemon, args: tuple[str, ...], columns: int
) -> None:
    seen = shown(served.address, *args, columns=columns)
    assert "\x1b[" in seen.raw
    assert not beyond_colours(seen.raw)
    assert max(map(len, seen.text.splitlines())) <= columns


def test_what_one_copies_is_never_cut_or_folded(served: RealDaemon) -> None:
    assert re.search(rf"^p/{LONG} ", shown(served.address, "volume", "list").text, flags=re.MULTILINE)
    op = parked(served).id
    assert re.search(rf"^{op} ", shown(served.address, "op", "list").text, flags=re.MULTILINE)
    status = shown(served.address, "status").text
    for way_out in ("retry", "cancel", "abandon"):
        assert f"holdfast op {way_out} {op}" in status


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_wants_no_colours_gets_none(served: RealDaemon, env: dict[str, str]) -> None:
    assert "\x1b" not in shown(served.address, "status", env=env).raw


def test_a_pipe_gets_plain_lines_that_are_not_cut(served: RealDaemon) -> None:
    said = served.cli("volume", "list").stdout
    assert "\x1b" not in said
    rows = {line.split()[0]: line for line in said.splitlines()}
    assert {"NAME", f"p/{LONG}", "away/late"} <= rows.keys()
    assert rows[f"p/{LONG}"].endswith("app=shop, owner=accounting, retention=10y")


def test_a_terminal_without_the_signs_gets_others(served: RealDaemon) -> None:
    seen = shown(served.address, "status", env={"LANG": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert seen.text.isascii()
    assert "#" in seen.text


def test_the_status_tells_what_waits_how_to_end_it_and_what_needs_attention(served: RealDaemon) -> None:
    served.client().audit()
    said = shown(served.address, "status", columns=200).text
    assert "not ready: The pool's directory" in said
    assert "waits: The pool's directory" in said
    assert "next try:" in said
    assert "1 unknown" in said
    assert said.splitlines()[-1] == "Needs attention: 1 pool not ready, 1 operation parked, 1 finding."


def test_the_status_of_a_sound_daemon_says_that_all_is_well(daemon: RealDaemon) -> None:
    daemon.with_pool()
    assert "run one: holdfast audit" in daemon.cli("status").stdout
    daemon.cli("audit")
    said = daemon.cli("status").stdout
    assert "records and world agree" in said
    assert said.splitlines()[-1] == "All is well."


def test_a_quick_change_is_one_line_and_is_never_drawn_over(served: RealDaemon) -> None:
    names = (f"p/quick{number}" for number in range(20))  # on a busy machine a change may be slow
    tries = ((name, shown(served.address, "volume", "create", name, "--size", "1MiB")) for name in names)
    name, seen = next((name, seen) for name, seen in tries if " in " not in seen.text)
    assert not beyond_colours(seen.raw)
    assert seen.text == f"volume.create {name}: done\n"


def drawn(seen: Terminal, op: str) -> None:
    """Its timeline is there, with why it waits and its exits."""
    seen.until(f"holdfast op abandon {op}")
    assert "make the directory volume late" in seen.text
    assert "waits: The pool's directory" in seen.text


def test_ctrl_c_stops_watching_and_not_the_operation(served: RealDaemon) -> None:
    op = parked(served).id
    with terminal(served.address, "op", "watch", op) as seen:
        drawn(seen, op)
        assert "Ctrl-C stops watching" in seen.text
        seen.interrupt()
        assert seen.ended() == 130
    assert "was not cancelled" in seen.text
    assert f"holdfast op watch {op}" in seen.text
    assert parked(served).id == op


def test_a_change_that_waits_is_drawn_until_it_ends(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    mark = daemon.pool / "holdfast-pool.json"
    mark.rename(daemon.root / "mark")
    with terminal(daemon.address, "volume", "create", "p/late", "--size", "1MiB") as seen:
        seen.until("waits:")
        assert beyond_colours(seen.raw)
        (op,) = client.operations("parked")
        (daemon.root / "mark").rename(mark)
        client.exit(op.id, "retry")
        assert seen.ended() == 0
    assert re.search(r"volume\.create p/late: done in \d.*\n\Z", seen.text)


def test_a_change_that_fails_while_it_is_drawn_ends_with_its_error_and_status(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    (daemon.pool / "holdfast-pool.json").rename(daemon.root / "mark")
    with terminal(daemon.address, "volume", "create", "p/late", "--size", "1MiB") as seen:
        seen.until("waits:")
        (op,) = client.operations("parked")
        client.exit(op.id, "abandon", "the disk is gone")
        assert seen.ended() == 12
    assert "the disk is gone" in seen.text


def test_watching_all_tells_each_change_as_it_happens(served: RealDaemon) -> None:
    with terminal(served.address, "op", "watch") as seen:
        for number in range(200):  # what happened before the stream was open is not told
            served.client().create_volume("p", f"n{number}", "1MiB")
            seen.poll()
            if "done" in seen.text:
                break
        assert "volume.create p/n" in seen.text
        seen.interrupt()
        assert seen.ended() == 130


def test_the_status_of_a_suspended_daemon_says_so_first_and_what_to_do(daemon: RealDaemon) -> None:
    daemon.with_pool().backup(str(daemon.root / "copy.db"))
    daemon.stop()
    shutil.rmtree(daemon.state)
    daemon.state.mkdir()
    (daemon.root / "copy.db").rename(daemon.state / "holdfast.db")
    daemon.start()
    page = shown(daemon.address, "status").text.splitlines()
    assert page[1].startswith("SUSPENDED: ")
    assert max(map(len, page)) <= 80
    said = daemon.cli("status").stdout
    assert "holdfast audit" in said
    assert "holdfast resume" in said
    assert said.splitlines()[-1] == "Needs attention: suspended."
    with terminal(daemon.address, "resume") as seen:
        seen.until("Go on?")
        seen.type("y\n")
        assert seen.ended() == 0
    assert "SUSPENDED" not in daemon.cli("status").stdout


def test_what_waits_is_in_the_log_once_for_each_reason(served: RealDaemon) -> None:
    op = parked(served)
    lines = [line for line in served.log.read_text().splitlines() if f"operation={op.id}" in line]
    assert len(lines) == 1
    assert "an operation waits" in lines[0]
    assert op.reason in lines[0]
