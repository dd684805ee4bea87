"""A log line is one line and all of the event, whatever is in it, and whoever said it."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.logs import renderer

FORMS = ("logfmt", "json")
PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"=\\]*)(?: |$)')
# Surrogates too: a path that is no UTF-8 has them.
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)
VALUES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.lists(TEXTS, max_size=3))


def pairs(line: str) -> dict[str, str]:
    """A logfmt line taken apart; every part of it must be a pair."""
    found, at = {}, 0
    while at < len(line):
        pair = PAIR.match(line, at)
        assert pair is not None, line[at:]
        found[pair[1]], at = pair[2], pair.end()
    return found


def render(form: str, **event: Any) -> str:
    line = renderer(form)(None, "", event)
    assert isinstance(line, str)
    return line


def said(code: str, form: str = "json", level: str = "info", *, stdout: str = "") -> list[str]:
    """What a process that logs so writes to standard error."""
    begin = "import logging, os, structlog, warnings; from holdfast.logs import configure\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{begin}configure({level!r}, {form!r}); log = structlog.get_logger()\n{code}"],
        capture_output=True, text=True, timeout=60, env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"},
        encoding="utf-8",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, stdout), done.stderr
    return done.stderr.splitlines()


def events(code: str, level: str = "info") -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(code, level=level)]


@given(st.dictionaries(st.sampled_from(["event", "path", "reason", "operation"]), VALUES))
def test_a_logfmt_line_is_one_printable_line_with_exactly_its_pairs(event: dict[str, Any]) -> None:
    line = render("logfmt", **event)
    assert len(line.splitlines()) <= 1
    line.encode()
    assert pairs(line).keys() == event.keys()


@given(st.dictionaries(st.sampled_from(["event", "path", "reason", "operation"]), VALUES))
def test_a_json_line_is_one_line_of_json_with_every_text_unchanged(event: dict[str, Any]) -> None:
    line = render("json", **event)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    found = json.loads(line, parse_constant=pytest.fail)
    assert {key: found[key] for key, value in event.items() if isinstance(value, str)} == {
        key: value for key, value in event.items() if isinstance(value, str)
    }


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("plain", "plain"), ("", '""'), (None, ""), (True, "true"), (7, "7"), ("two words", '"two words"'),
        ("x\nlevel=critical event=fake", '"x\\nlevel=critical event=fake"'), ('say "no"', '"say \\"no\\""'),
        ("\x1b[31mred", '"\\x1b[31mred"'), ("\u202eback", '"\\u202eback"'), ("a\u2028b", '"a\\u2028b"'),
        ("a\x85b", '"a\\x85b"'), ("C:\\n", '"C:\\\\n"'),
        (os.fsdecode(b"/a\xff"), '"/a\\udcff"'), ("grün", "grün"),
    ],
)  # fmt: skip
def test_a_value_cannot_make_a_pair_a_line_or_a_colour(value: object, word: str) -> None:
    assert render("logfmt", event="e", value=value) == f"event=e value={word}"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_a_text(value: float) -> None:
    assert json.loads(render("json", event="e", value=value))["value"] == str(value)


@pytest.mark.parametrize("form", FORMS)
def test_an_object_that_cannot_be_shown_does_not_break_the_line(form: str) -> None:
    class Sick:
        def __str__(self) -> str:
            raise RuntimeError

    assert "<Sick that cannot be shown: RuntimeError>" in render(form, event="e", it=Sick())


def test_a_line_begins_with_when_how_bad_what_and_which_operation() -> None:
    (line,) = said("log.info('mounted', path='/mnt', operation='abc')", "logfmt")
    assert re.fullmatch(
        r"timestamp=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z level=info event=mounted operation=abc path=/mnt", line
    )


def test_what_a_thread_bound_is_on_all_its_lines_and_on_no_other_threads() -> None:
    found = events(
        "from threading import Thread\n"
        "def work():\n"
        "    with structlog.contextvars.bound_contextvars(operation='abc'):\n"
        "        log.info('inside')\n"
        "        logging.getLogger('library').error('inside too')\n"
        "    log.info('after')\n"
        "thread = Thread(target=work); thread.start(); thread.join(); log.info('beside')\n"
    )
    assert [(line["event"], line.get("operation")) for line in found] == [
        ("inside", "abc"), ("inside too", "abc"), ("after", None), ("beside", None),
    ]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_an_exception_is_one_field_of_one_line(form: str) -> None:
    lines = said("try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('bad')", form)
    assert len(lines) == 1
    assert "ZeroDivisionError: division by zero" in lines[0]
    assert (json.loads(lines[0]) if form == "json" else pairs(lines[0])).keys() == {
        "timestamp", "level", "event", "exception",
    }  # fmt: skip


def test_libraries_and_warnings_come_in_the_same_form_from_warning_on() -> None:
    found = events(
        "logging.getLogger('uvicorn.error').info('started')\n"
        "logging.getLogger('uvicorn.error').warning('bad %s', 'request\\nx')\n"
        "logging.getLogger('asyncio').log(35, 'between')\n"
        "warnings.warn('old')\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.getLogger('litestar').exception('crash')\n"
    )
    assert [(line["level"], line["logger"]) for line in found] == [
        ("warning", "uvicorn.error"), ("warning", "asyncio"), ("warning", "py.warnings"), ("error", "litestar"),
    ]  # fmt: skip
    assert found[0]["event"] == "bad request\nx"
    assert "ZeroDivisionError" in found[3]["exception"]


def test_a_library_that_formats_wrongly_is_still_heard() -> None:
    (line,) = events("logging.getLogger('x').error('%s and %s', 'one')")
    assert line["event"] == "%s and %s ('one',)"


def test_what_is_below_the_level_is_not_logged() -> None:
    code = "log.debug('d'); log.info('i'); log.warning('w'); log.error('e'); logging.getLogger('x').warning('lib')"
    assert [line["event"] for line in events(code, "debug")] == ["d", "i", "w", "e", "lib"]
    assert [line["event"] for line in events(code, "error")] == ["e"]


def test_a_text_that_the_locale_cannot_encode_is_logged() -> None:
    assert "event=grün" in said("log.info('gr\\u00fcn')", "logfmt")[0]


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    code = "os.dup2(os.open('/dev/full', os.O_WRONLY), 2); log.info('lost'); print('alive')"
    assert said(code, stdout="alive\n") == []


def test_a_long_line_is_written_whole_though_a_signal_interrupts_it() -> None:
    code = (
        "import os, signal, structlog; from holdfast.logs import configure\n"
        "signal.signal(signal.SIGALRM, lambda *_: os.write(1, b'interrupted'))\n"
        "configure('info', 'json'); signal.setitimer(signal.ITIMER_REAL, 0.05)\n"
        "structlog.get_logger().info('x' * (1 << 20))\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(11) == b"interrupted"  # the pipe is full, nobody has read it yet
        assert json.loads(process.stderr.read())["event"] == "x" * (1 << 20)
