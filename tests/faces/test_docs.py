"""The documents say what is there: every command, option, error code, test and link that they name exists."""

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App
from lab.cli_reference import reference

from holdfast.cli.describe import describe
from holdfast.cli.main import app
from holdfast.model import errors

ROOT = Path(__file__).resolve().parents[2]
CLI = "docs/cli.md"
FOR_USERS = ("README.md", "docs/operating.md", CLI)
GUARANTEES = "docs/guarantees.md"
DOCUMENTS = sorted(
    str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.is_file()
)
# Words that stand for what the reader puts in.
PLACEHOLDER = re.compile(r"[A-Z][A-Z/@]*")


def text_of(document: str) -> str:
    return (ROOT / document).read_text()


def leaves(part: App, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    names = [name for name in part if not name.startswith("-")]
    if not names:
        yield path, part
    for name in names:
        yield from leaves(part[name], (*path, name))


COMMANDS = dict(leaves(app))


def options(part: App) -> set[str]:
    """Of a command, or of a noun: those of its verbs."""
    found = {"--help", "-h"}
    for _, leaf in leaves(part):
        for argument in leaf.assemble_argument_collection():
            found.update(argument.names)
    return found


ALL_OPTIONS = {"--help", "-h", "--version"}.union(*(options(part) for part in COMMANDS.values()))


def commands_in(text: str) -> Iterator[str]:
    """What follows `holdfast` in inline code, and behind a prompt in console blocks."""
    for code in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if code.startswith("holdfast "):
            yield code.removeprefix("holdfast ")
    for block in re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL):
        for line in block.splitlines():
            found = re.match(r"[#$] (?:[A-Z_]+=\S+ )?(?:\S*/)?holdfast (.*)", line)
            if found:
                yield re.split(r"  #| \| ", found[1])[0]
        yield from re.findall(r"holdfast (op \w+ [0-9a-f]{32})", block)


def resolve(words: list[str]) -> App | None:
    part: App = app
    left = list(words)
    while left and not left[0].startswith("-"):
        word = left.pop(0)
        names = [name for name in part if not name.startswith("-")]
        if not names or PLACEHOLDER.fullmatch(word):
            return part
        if word not in names:
            return None
        part = part[word]
    return part


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_and_option_that_is_named_exists(document: str) -> None:
    for command in commands_in(text_of(document)):
        words = shlex.split(command)
        part = resolve(words)
        assert part is not None, f"{document}: there is no `holdfast {command}`"
        known = options(part)
        for word in words:
            if word.startswith("-"):
                assert word in known, f"{document}: `holdfast {command}` knows no {word}"


@pytest.mark.parametrize("document", FOR_USERS)
def test_every_option_that_is_named_alone_exists(document: str) -> None:
    for option in re.findall(r"`(--?[a-z][a-z-]*)\b", text_of(document)):
        assert option in ALL_OPTIONS, f"{document}: no command knows {option}"


def test_the_reference_of_the_command_line_is_what_make_docs_writes() -> None:
    assert text_of(CLI) == reference(describe(app)), "run `make docs`"


def test_every_command_and_option_is_in_the_reference_of_the_command_line() -> None:
    sections = dict(
        re.findall(r"^### `holdfast ([a-z ]+)`\n(.*?)(?=^##|\Z)", text_of(CLI), flags=re.MULTILINE | re.DOTALL)
    )
    assert sections.keys() == {" ".join(path) for path in COMMANDS}
    for path, part in COMMANDS.items():
        section = sections[" ".join(path)]
        assert f"# holdfast {' '.join(path)}" in section, f"no example of {path}"
        for argument in part.assemble_argument_collection():
            if argument.field_info.kind is inspect.Parameter.KEYWORD_ONLY:
                for name in argument.names:
                    assert f"`{name}`" in section, (path, name)


def documented_errors() -> dict[str, tuple[int, int]]:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \| (\d+) \| .+ \|$", text_of("docs/operating.md"), flags=re.MULTILINE)
    return {code: (int(status), int(leave)) for code, status, leave in rows}


def test_every_error_is_documented_with_its_statuses_and_no_other() -> None:
    known = {
        kind.code: (kind.status, kind.exit)
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.HoldfastError)
    }
    assert documented_errors() == known
    assert known.keys() <= errors.by_code().keys()


def named_tests(text: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"\b(tests/[\w./-]+?)(?:::(\w+))?(?=[\s`|,;)])", text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_is_named_exists(document: str) -> None:
    for path, name in named_tests(text_of(document)):
        assert (ROOT / path).exists(), f"{document} names {path}"
        assert not name or f"def {name}(" in text_of(path), f"{document} names {path}::{name}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_is_named_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.MULTILINE))
    for target in re.findall(r"(?:`|^# )make ([a-z-]+)", text_of(document), flags=re.MULTILINE):
        assert target in targets, f"{document}: there is no `make {target}`"


def test_every_guarantee_has_a_command() -> None:
    rows = [line for line in text_of(GUARANTEES).splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) > 20
    for row in rows:
        command = row.rstrip(" |").rpartition("|")[2]
        assert re.search(r"`(pytest tests/|make )", command) or command.strip() == "shown by", row


def slugs(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_relative_link_resolves(document: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(document)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (ROOT / document).parent / path if path else ROOT / document
        assert there.exists(), f"{document} links to {target}"
        assert not anchor or anchor in slugs(there.read_text()), f"{document} links to {target}"
