"""The commands as data: help pages and docs/cli.md say the same, because both are written from this."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
from cyclopts import App, Argument, Group

_EXAMPLE = re.compile(r"^Example: (.+)$", re.MULTILINE)


class Parameter(msgspec.Struct, frozen=True):
    """An argument (`PATH`) or an option (`--size SIZE`). `default` is empty where there is none to tell."""

    names: tuple[str, ...]
    value: str
    help: str
    required: bool
    repeated: bool
    default: str
    choices: tuple[str, ...]

    @property
    def shown(self) -> str:
        """How it is written."""
        return " ".join([", ".join(self.names), *([self.value] if self.value else [])]).strip()


class Command(msgspec.Struct, frozen=True):
    """A command, or a noun with its verbs. `path` is empty for `holdfast` itself."""

    path: tuple[str, ...]
    group: str
    text: str
    examples: tuple[str, ...]
    arguments: tuple[Parameter, ...]
    options: tuple[Parameter, ...]
    verbs: tuple["Command", ...]

    @property
    def name(self) -> str:
        """As it is typed."""
        return " ".join(("holdfast", *self.path))

    @property
    def summary(self) -> str:
        """The first sentence."""
        sentence, stop, _ = " ".join(self.text.split()).partition(". ")
        return sentence + stop.rstrip()

    @property
    def brief(self) -> str:
        """The verb with what it must be given."""
        return " ".join([*self.path[-1:], *_needed(self)])

    @property
    def usage(self) -> str:
        """The command with what it must be given, and what it may."""
        if self.verbs:
            return f"{self.name} {'VERB' if self.path else 'COMMAND'} …"
        free = any(not each.required for each in self.options)
        return " ".join([self.name, *_needed(self), *(["[OPTION …]"] if free else [])])


def _needed(command: Command) -> list[str]:
    return [*map(_slot, command.arguments), *(each.shown for each in command.options if each.required)]


def _slot(parameter: Parameter) -> str:
    text = parameter.value + (" …" if parameter.repeated else "")
    return text if parameter.required else f"[{text}]"


def describe(app: App, path: tuple[str, ...] = ()) -> Command:
    """The command and all below it."""
    text, examples = _prose(app.help or "")
    names = [name for name in app if not name.startswith("-")]
    parameters = [] if names else list(_parameters(app))
    return Command(
        path=path, group=_group(app), text=text, examples=examples,
        arguments=tuple(each for each in parameters if not each.names),
        options=tuple(each for each in parameters if each.names),
        verbs=tuple(describe(app[name], (*path, name)) for name in names),
    )  # fmt: skip


def _group(app: App) -> str:
    groups = app.group if isinstance(app.group, tuple) else (app.group,)
    found = next((group for group in groups if group), "")
    return found.name if isinstance(found, Group) else str(found)


def _prose(doc: str) -> tuple[str, tuple[str, ...]]:
    """Text and examples of a docstring; its parameters come another way."""
    text = inspect.cleandoc(doc).partition("\nParameters\n---")[0]
    examples = tuple(_EXAMPLE.findall(text))
    return _EXAMPLE.sub("", text).strip(), examples


def _parameters(app: App) -> Iterator[Parameter]:
    for found in app.assemble_argument_collection(parse_docstring=True):
        positional = found.field_info.kind is inspect.Parameter.POSITIONAL_ONLY
        flag = found.is_flag()
        names = () if positional else (*found.names[: -len(found.negatives) or None], *found.negatives)
        yield Parameter(
            names=names, value="" if flag else found.parameter.metavar or _metavar(found),
            help=" ".join((found.parameter.help or "").split()), required=found.required, repeated=_repeated(found),
            default=_default(found), choices=() if flag else tuple(found.get_choices(force=True) or ()),
        )  # fmt: skip


def _metavar(found: Argument) -> str:
    return found.name.lstrip("-").replace("-", "_").upper()


def _repeated(found: Argument) -> bool:
    hints = (found.hint, *get_args(found.hint))
    return any(getattr(hint, "__origin__", None) is list for hint in hints)


def _default(found: Argument) -> str:
    value: Any = found.field_info.default
    if value is inspect.Parameter.empty or value is None or value is False or value == "" or value is True:
        return ""
    return str(value)
