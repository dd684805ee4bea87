"""Console blocks of documents: their commands, the output that they show, and whether another output is the same."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Stands alone in an output for any lines, none included.
ANY = "…"
_PROMPT = re.compile(r"[#$] (?=\S)")
_HERE = re.compile(r"<<'?(\w+)'?")
# What differs between two runs by its nature, by a name for its group: what it looks like.
_DIFFERS = {
    "id": "[0-9a-f]{32}",
    "uuid": "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "token": "hf_[0-9a-f]{16}(?:_[0-9a-f]{64})?",
    "short": r"\b[0-9a-f]{16}\b",
    "audit": r"Last audit: .*",
    "try": r"next try: .*",
    "silence": r"No holdfast daemon answers at .*",
    "time": r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z?",
    "epoch": r"\b\d{10}\.\d+",
    "free": r"[\d.]+ [KMGT]?i?B free of [\d.]+ [KMGT]?i?B",
    "taken": r"\b\d+\.\d [KMGT]iB real|\b\d+\.\d [KMGT]iB \d|\b\d+ bytes trimmed",
    "share": r"\b\d+ %",
    "lasting": r"\b\d+ (?:s|min|h|d)\b(?: \d+ (?:s|min|h)\b)?",
    "loop": r"/dev/loop\d+",
    "pid": r"/proc/\d+",
    "version": r"\b\d+\.\d+\.\d+\b",
}
IDS = re.compile(_DIFFERS["id"])
_TOKENS = re.compile("|".join(f"(?P<{name}>{form})" for name, form in _DIFFERS.items()))


@dataclass
class Command:
    """One prompt of a document: `text` is what is typed, `shown` the lines below it."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)

    @property
    def fails(self) -> bool:
        """Whether the document shows an error."""
        return any(line.startswith("error:") for line in self.shown)

    @property
    def asks_status(self) -> bool:
        """Whether it only shows how the one before it ended."""
        return self.text.startswith("echo $?")


def blocks(text: str) -> Iterator[list[Command]]:
    """The commands of each console block."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if line == "```console":
            end = lines.index("```", start)
            yield list(_commands(lines[start + 1 : end], start + 2))


def _commands(lines: list[str], first: int) -> Iterator[Command]:
    command: Command | None = None
    until = ""
    for number, line in enumerate(lines, first):
        if command is not None and (until or command.text.endswith("\\")):
            command.text += f"\n{line}"
            until = "" if line == until else until
        elif prompt := _PROMPT.match(line):
            if command is not None:
                yield command
            command = Command(number, line[prompt.end() :])
            here = _HERE.search(command.text)
            until = here[1] if here else ""
        else:
            assert command is not None, f"line {number}: output before any command"
            command.shown.append(line)
    if command is not None:
        yield command


class Same:
    """Compares outputs; `ids` are those of the document, and what they are in this run."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def typed(self, text: str) -> str:
        """A command with the ids of this run."""
        return IDS.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def difference(self, shown: list[str], came: str) -> str:
        """Empty if they say the same; learns ids then."""
        fresh: dict[str, str] = {}
        wanted = "".join(self._pattern(line, fresh) for line in _trimmed(shown))
        got = [_narrow(line) for line in _trimmed(came.splitlines())]
        found = re.fullmatch(wanted, "".join(f"{line}\n" for line in got))
        if found is None:
            lines = difflib.unified_diff(shown, came.splitlines(), "the document", "this run", lineterm="")
            return "\n".join(lines) or f"an id is not the one of before: {self.ids}"
        self.ids |= {known: found[group] for known, group in fresh.items()}
        return ""

    def _pattern(self, line: str, fresh: dict[str, str]) -> str:
        if line.strip() == ANY:
            return r"(?:.*\n)*?"
        line, at, parts = _narrow(line), 0, []
        for token in _TOKENS.finditer(line):
            parts += [re.escape(line[at : token.start()]), self._token(token, fresh)]
            at = token.end()
        return "".join((*parts, re.escape(line[at:]), r"\n"))

    def _token(self, token: re.Match[str], fresh: dict[str, str]) -> str:
        kind, text = str(token.lastgroup), token[0]
        if kind != "id":
            return f"(?:{_DIFFERS[kind]})"
        if text in self.ids:
            return self.ids[text]
        if text in fresh:
            return f"(?P={fresh[text]})"
        fresh[text] = f"id{len(fresh)}"
        return f"(?P<{fresh[text]}>{_DIFFERS['id']})"


def _narrow(line: str) -> str:
    """How wide a column is depends on what else is in it."""
    return " ".join(line.split())


def _trimmed(lines: list[str]) -> list[str]:
    """Without empty lines at the end."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]
