"""Help, usage errors and completion: they need no daemon, and say what to do next."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from holdfast.cli.describe import Command, describe
from holdfast.cli.main import app
from tests.daemon import BIN, RealDaemon, real_daemon
from tests.needs import need_root

NOWHERE = {**os.environ, "HOLDFAST_ADDRESS": "unix:/nowhere/holdfast.sock"}


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with a pool and a volume, for tests that only look."""
    need_root()
    with real_daemon() as daemon:
        daemon.with_pool().create_volume("p", "v", "1MiB")
        yield daemon


def said(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BIN, *args], capture_output=True, text=True, timeout=30, env=NOWHERE)


def all_of(command: Command) -> Iterator[Command]:
    yield command
    for verb in command.verbs:
        yield from all_of(verb)


COMMANDS = list(all_of(describe(app)))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_a_page_with_its_usage_its_options_and_its_examples(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    app.help_print(list(command.path))
    page = capsys.readouterr().out
    assert f"Usage: {command.usage}" in page
    assert command.verbs or command.examples
    for line in command.examples:
        assert f"\n  {line}\n" in page
    for parameter in (*command.arguments, *command.options):
        assert f"\n  {parameter.shown}" in page
        assert parameter.help, f"{command.name} does not say what {parameter.shown} is"
    for verb in command.verbs:
        assert f"\n  {verb.path[-1]} " in page


@pytest.mark.parametrize("args", [(), ("--help",)])
def test_without_a_command_the_overview_is_shown(args: tuple[str, ...]) -> None:
    done = said(*args)
    assert done.returncode == 0, done.stderr
    for word in ("status", "pool", "volume", "serve", "HOLDFAST_ADDRESS"):
        assert word in done.stdout


def test_a_verb_shows_its_page_without_a_daemon_and_without_its_arguments() -> None:
    done = said("volume", "create", "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: holdfast volume create POOL/VOLUME --size SIZE" in done.stdout


WRONG = [
    ("nonsense", "no command `holdfast nonsense`", "There are: status"),
    ("statsu", "no command `holdfast statsu`", "Did you mean `holdfast status`?"),
    ("volume get", "no command `holdfast volume get`", "Did you mean `holdfast volume show`?"),
    ("pool creat", "no command", "Did you mean `holdfast pool create`?"),
    ("volume create", "wants POOL/VOLUME", "holdfast volume create POOL/VOLUME --size SIZE"),
    ("volume create p/v", "wants --size SIZE", "holdfast volume create POOL/VOLUME --size SIZE"),
    ("volume create p/v --size", "--size wants a value", "--help"),
    ("volume list --lable x", "knows no --lable", "Did you mean --label?"),
    ("volume list -x", "knows no -x", "--help"),
    ("--nonsense", "knows no --nonsense", "--help"),
    ("op list --state dnoe", "'dnoe' is not a value for --state", "Did you mean done?"),
    ("op list --state blue", "'blue' is not a value for --state", "It is one of queued"),
    ("op list --limit x", "'x' is not a value for --limit", "--help"),
    ("pool show p q", "does not know what to do with 'q'", "holdfast pool show POOL"),
    ("pool list -o json -o yaml", "given twice", "once"),
    ("pool set p", "Nothing is to be changed", "--limit"),
    ("token create ci --expires soon", "not a length of time", "30d"),
]


@pytest.mark.parametrize(("line", "detail", "hint"), WRONG, ids=[line for line, _, _ in WRONG])
def test_a_wrong_command_line_is_an_error_that_says_what_is_right(line: str, detail: str, hint: str) -> None:
    done = said(*line.split())
    assert done.returncode == 2
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert detail in first
    assert second.startswith("  → ")
    assert hint in second


def test_the_address_may_stand_before_the_command(served: RealDaemon) -> None:
    for args in (["--address", served.address, "pool", "list"], [f"--address={served.address}", "pool", "list"]):
        done = said(*args)
        assert done.returncode == 0, done.stderr
        assert "p " in done.stdout


def test_without_a_daemon_the_error_says_where_it_was_looked_for() -> None:
    done = said("status")
    assert done.returncode == 11
    assert "/nowhere/holdfast.sock" in done.stderr
    assert "→" in done.stderr


# -- completion -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_script_for_each_shell(shell: str) -> None:
    done = said("completion", shell)
    assert done.returncode == 0, done.stderr
    assert "unmount" in done.stdout
    assert "read-only" in done.stdout


def test_the_function_for_zsh_is_named_as_the_file_that_the_help_names() -> None:
    script = said("completion", "zsh").stdout
    assert script.startswith("#compdef holdfast\n")
    assert "\n_holdfast() {\n" in script
    assert "/_holdfast" in said("completion", "--help").stdout


def completed(daemon: RealDaemon, line: str) -> list[str]:
    """What bash offers for the last word."""
    script = said("completion", "bash").stdout
    words = line.split(" ")
    array = " ".join(f"'{word}'" for word in words)
    test = (
        f"{script}\nCOMP_WORDS=({array}); COMP_CWORD={len(words) - 1}; _holdfast; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    env = {**os.environ, "HOLDFAST_ADDRESS": daemon.address, "PATH": f"{BIN.parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", test], capture_output=True, text=True, timeout=30, env=env)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("holdfast vol", ["volume"]), ("holdfast volume un", ["unmount"]), ("holdfast op list --state par", ["parked"]),
        ("holdfast pool show ", ["p"]), ("holdfast volume show p/", ["p/v"]),
    ],
)  # fmt: skip
def test_the_shell_completes_commands_values_and_names(served: RealDaemon, line: str, offered: list[str]) -> None:
    assert completed(served, line) == offered
