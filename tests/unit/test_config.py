"""A configuration is taken whole or refused with everything that is wrong with it, and documented as it is."""

import contextlib
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.config import example, load, override, problems, reading, reference, socket_path
from holdfast.config.options import OPTIONS
from holdfast.model.config import Config, DaemonConfig, LimitsConfig, ListenConfig
from holdfast.model.errors import Invalid
from tests.unit.nobody import open_directory, unprivileged

ROOT = Path(__file__).resolve().parents[2]
WRITE = "write it anew: python -c 'from holdfast.config import *; print({}(), end=\"\")'"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "holdfast.toml"


def said(file: Path, text: str | bytes) -> str:
    """What is wrong with the file; its name comes first."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Invalid) as caught:
        load(str(file))
    assert str(file) in caught.value.detail
    assert caught.value.hint
    return caught.value.detail


# -- reading ---------------------------------------------------------------------------------------


def test_what_the_file_says_is_taken_and_the_rest_is_default(file: Path) -> None:
    file.write_text('[daemon]\nthreads = 3\n[limits]\nbody = 4096\nidle_seconds = 5\n[log]\nform = "json"\n')
    found = load(str(file))
    assert found.daemon == DaemonConfig(threads=3)
    assert found.limits == LimitsConfig(body=4096, idle_seconds=5.0)
    assert found.log.form == "json"
    assert found.listen == ListenConfig()


def test_without_a_file_the_defaults_hold(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr(reading, "DEFAULT_PATH", str(file))
    assert load(None) == Config()


def test_the_default_file_is_read_if_it_is_there(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr(reading, "DEFAULT_PATH", str(file))
    file.write_text("[daemon]\nthreads = 3\n")
    assert load(None).daemon.threads == 3


def test_a_default_file_that_is_a_dangling_link_is_not_taken_for_none(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    monkeypatch.setattr(reading, "DEFAULT_PATH", str(file))
    file.symlink_to("gone")
    with pytest.raises(Invalid, match="cannot be read"):
        load(None)


def test_a_named_file_must_be_there(file: Path) -> None:
    with pytest.raises(Invalid, match="No such file"):
        load(str(file))


def test_a_directory_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="Is a directory"):
        load(str(tmp_path))


def test_a_file_that_we_may_not_read_is_refused() -> None:
    with open_directory() as root:
        (root / "holdfast.toml").write_text("")
        (root / "holdfast.toml").chmod(0)
        with unprivileged(), pytest.raises(Invalid, match="Permission denied"):
            load(str(root / "holdfast.toml"))


def test_a_file_that_never_ends_is_refused() -> None:
    with pytest.raises(Invalid, match="more than"):
        load("/dev/zero")


def test_a_path_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(Invalid, match="null byte"):
        load("/etc/a\0b")


# -- mistakes in the file --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        # unknown, with what was meant
        ("[daemon]\nthread = 1", "daemon.thread is unknown; did you mean daemon.threads?"),
        ("[deamon]\nthreads = 1", "deamon is unknown; did you mean daemon?"),
        ("threads = 1", "threads is unknown; did you mean daemon.threads?"),
        ("[daemon]\nsocket = '/x'", "daemon.socket is unknown; did you mean listen.socket?"),
        ("[audit]\nzzz = 1", "audit.zzz is unknown; there are audit.every."),
        ("zzz = 1", "zzz is unknown; there are daemon, listen, limits, csi, audit, log."),
        ('[daemon]\n"thr\\neads" = 1', "daemon.'thr\\neads' is unknown; did you mean daemon.threads?"),
        # of another type
        ("daemon = 3", "daemon is 3, but must be a table: [daemon]."),
        ("[[daemon]]\nthreads = 3", "daemon is [{'threads': 3}], but must be a table: [daemon]."),
        ("[daemon]\nthreads = 'many'", "daemon.threads is 'many', but must be a whole number from 1 to 64."),
        ("[daemon]\nthreads = 2.0", "daemon.threads is 2.0, but must be a whole number from 1 to 64."),
        ("[daemon]\nthreads = true", "daemon.threads is True, but must be a whole number from 1 to 64."),
        ("[daemon]\nstate = 2020-01-01", "must be an absolute path."),
        ("[limits]\nbody = 1.5", "limits.body is 1.5, but must be a size from 1KiB to 1GiB."),
        ("[limits]\nbody = true", "limits.body is True, but must be a size from 1KiB to 1GiB."),
        ("[daemon]\nstate.threads = 1", "daemon.state is {'threads': 1}, but must be an absolute path."),
        # of another kind, or out of bounds
        ("[daemon]\nthreads = 0", "must be a whole number from 1 to 64."),
        ("[daemon]\nthreads = 65", "must be a whole number from 1 to 64."),
        ("[daemon]\nthreads = 99999999999999999999", "must be a whole number from 1 to 64."),
        ("[limits]\nrequest_seconds = nan", "limits.request_seconds is nan, but must be a number from 0.1 to 3600."),
        ("[limits]\nidle_seconds = inf", "limits.idle_seconds is inf, but must be a number from 1 to 86400."),
        ("[audit]\nevery = -1", "audit.every is -1, but must be a number from 0 to 2678400."),
        ("[limits]\nbody = '1 potato'", "limits.body is '1 potato', but must be a size from 1KiB to 1GiB ("),
        ("[limits]\nbody = '2GiB'", "limits.body is '2GiB', but must be a size from 1KiB to 1GiB."),
        ("[limits]\nheader = 4095", "limits.header is 4095, but must be a size from 4KiB to 1MiB."),
        ("[daemon]\nstate = 'var'", "daemon.state is 'var', but must be an absolute path."),
        ("[daemon]\nrun = ''", "daemon.run is '', but must be an absolute path."),
        ("[listen]\nsocket = 'x'", "listen.socket is 'x', but must be an absolute path, or empty."),
        ('[daemon]\nstate = "/a\\u0000b"', "without control characters."),
        ('[listen]\ngroup = "a\\nb"', "without control characters."),
        ("[listen]\ntcp = '8443'", "listen.tcp is '8443', but must be HOST:PORT, or empty ("),
        ("[listen]\ngroup_role = 'root'", 'is \'root\', but must be "viewer", "operator" or "admin".'),
        ("[log]\nlevel = 'DEBUG'", 'must be "debug", "info", "warning" or "error".'),
    ],
)
def test_a_mistake_names_the_option_and_what_is_allowed(file: Path, text: str, says: str) -> None:
    assert says in said(file, text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"[daemon]\n\nthreads = \n", "line 3"),
        (b"[daemon]\nthreads = 1\nthreads = 2\n", "line 3"),
        (b"[daemon]\n# fine\nstate = '/\xff'\n", "line 3 is not UTF-8"),
        (b"threads = " + b"9" * 5000, "is not TOML"),
        (b"threads = " + b"[" * 5000, "is not TOML"),
    ],
)
def test_what_is_no_toml_says_where(file: Path, text: bytes, says: str) -> None:
    assert says in said(file, text)


def test_all_mistakes_of_a_file_are_told_at_once(file: Path) -> None:
    detail = said(file, "[daemon]\nthreads = 0\nstat = 1\n[log]\nform = 'xml'\n[lag]\n")
    assert all(option in detail for option in ("daemon.threads", "daemon.stat ", "log.form", "lag "))


def test_a_long_value_is_not_told_whole(file: Path) -> None:
    assert len(said(file, f"[daemon]\nstate = '{'x' * 10000}'")) < 400


NAMES = [*sorted({part for option in OPTIONS for part in option.split(".")}), "x", "['"]
PIECES = st.sampled_from(
    [*NAMES, "[", "]", " = ", "\n", "'", '"', "1", "1979-05-27", "nan", "{", "}", ".", ",", "\xff"]
)


@given(st.lists(PIECES, max_size=20).map("".join) | st.binary(max_size=50).map(lambda raw: raw.decode("latin-1")))
def test_no_file_breaks_it(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(text.encode("latin-1"))
    with contextlib.suppress(Invalid):
        assert isinstance(load(str(file)), Config)


# -- the command line ------------------------------------------------------------------------------


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    before = Config(daemon=DaemonConfig(threads=3))
    found = override(before, state="/s", run="/r", listen="unix:/l")
    assert found == Config(
        daemon=DaemonConfig(state="/s", run="/r", threads=3),
        listen=ListenConfig(socket="/l"),
    )
    assert override(before) == before


def test_a_path_on_the_command_line_is_relative_to_where_it_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = override(Config(), state="a", run="b/../c", listen="unix:d")
    assert (found.daemon.state, found.daemon.run) == (f"{tmp_path}/a", f"{tmp_path}/c")
    assert found.listen.socket == f"{tmp_path}/d"


def test_an_empty_directory_on_the_command_line_is_not_the_working_directory() -> None:
    assert len(problems(override(Config(), state="", run=""))) == 2


@pytest.mark.parametrize("listen", ["", "unix", "unix:", "/run/x", "tcp:localhost:1", "UNIX:/x"])
def test_only_a_unix_socket_can_be_named_on_the_command_line(listen: str) -> None:
    with pytest.raises(Invalid, match="unix:PATH"):
        override(Config(), listen=listen)


def test_the_socket_is_in_the_run_directory_unless_said_otherwise() -> None:
    assert socket_path(Config()) == "/run/holdfast/holdfast.sock"
    assert socket_path(Config(listen=ListenConfig(socket="/x"))) == "/x"


# -- the documents ---------------------------------------------------------------------------------


def test_the_document_is_what_the_code_says() -> None:
    assert (ROOT / "docs/configuration.md").read_text() == reference(), WRITE.format("reference")


def test_the_example_is_what_the_code_says() -> None:
    assert (ROOT / "packaging/holdfast.toml").read_text() == example(), WRITE.format("example")


def test_the_example_changes_nothing_and_shows_every_option_with_its_default(file: Path) -> None:
    file.write_text(example())
    assert load(str(file)) == Config()
    uncommented = "".join(
        line[1:] if line[0] == "#" and line[1] != " " else line for line in example().splitlines(keepends=True)
    )
    tables = tomllib.loads(uncommented)
    assert {f"{table}.{name}" for table, options in tables.items() for name in options} == OPTIONS.keys()
    file.write_text(uncommented)
    assert load(str(file)) == Config()


def test_every_option_is_described_and_no_description_breaks_its_table() -> None:
    for option in OPTIONS.values():
        assert option.description.endswith("."), option.dotted
        assert f"| `{option.name}` |" in reference()
        assert "|" not in option.description
