"""What is wrong with a command line, said as all errors are: what happened, and what to do next."""

import difflib
from collections.abc import Iterable

from cyclopts import App, Argument, CycloptsError, Token
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from holdfast.cli.describe import Command, describe
from holdfast.model.errors import Invalid

# What other tools call these verbs.
_SYNONYMS = {
    "ls": "list", "get": "show", "info": "show", "new": "create", "add": "create", "make": "create", "rm": "delete",
    "remove": "delete", "destroy": "delete", "umount": "unmount", "fsck": "check", "fstrim": "trim", "mv": "rename",
    "operation": "op", "operations": "op", "update": "set", "edit": "set", "follow": "watch",
}  # fmt: skip


def as_invalid(app: App, error: CycloptsError) -> Invalid:
    """The error as one of ours."""
    command = _named(app, list(error.command_chain or ()))
    more = f"`{command.name} --help` shows how."
    match error:
        case UnknownCommandError(unused_tokens=[token, *_]):
            return _unknown(command, token, more)
        case UnknownOptionError():
            given = error.token.keyword or error.token.value
            known = [name for each in command.options for name in each.names]
            return Invalid(f"`{command.name}` knows no {given}.", _meant(given, known, more))
        case MissingArgumentError():
            return _missing(command, error, more)
        case RepeatArgumentError():
            return Invalid(f"{error.token.keyword} was given twice.", "Give it once.")
        case UnusedCliTokensError(unused_tokens=[token, *_]):
            return Invalid(f"`{command.name}` does not know what to do with {token!r}.", f"It is: {command.usage}")
        case CoercionError() if error.token is not None:
            return _wrong(error.argument, error.token, more)
    error.verbose = False
    return Invalid(str(error), more)


def _named(app: App, path: list[str]) -> Command:
    """The command that was meant, as far as it was understood."""
    _, apps, _ = app.parse_commands(path)
    return describe(apps[len(path)], tuple(path))


def _meant(given: str, known: Iterable[str], otherwise: str) -> str:
    close = difflib.get_close_matches(given, list(known), n=1)
    return f"Did you mean {close[0]}?" if close else otherwise


def _unknown(command: Command, token: str, more: str) -> Invalid:
    if token.startswith("-"):
        return Invalid(f"`{command.name}` knows no {token}.", more)
    known = [verb.path[-1] for verb in command.verbs]
    same = _SYNONYMS.get(token, "")
    close = [same] if same in known else difflib.get_close_matches(token, known, n=1)
    hint = f"Did you mean `{command.name} {close[0]}`?" if close else f"There are: {', '.join(known)}. {more}"
    return Invalid(f"There is no command `{command.name} {token}`.", hint)


def _missing(command: Command, error: MissingArgumentError, more: str) -> Invalid:
    """An option without its value; else the first thing that must be given and is not."""
    argument = error.argument
    tokens = argument.tokens if argument is not None else ()
    given = error.keyword or next((token.keyword for token in tokens if token.keyword), None)
    if given:
        return Invalid(f"{given} wants a value.", more)
    wanted = [argument.parameter.metavar or ""] if argument is not None else []
    options = [each.shown for each in command.options if argument is not None and set(each.names) & set(argument.names)]
    return Invalid(f"`{command.name}` wants {', '.join(options or wanted)}.", f"It is: {command.usage}")


def _wrong(argument: Argument | None, token: Token, more: str) -> Invalid:
    where = token.keyword or (argument.parameter.metavar if argument is not None else "") or "that"
    choices = tuple(argument.get_choices(force=True) or ()) if argument is not None else ()
    detail = f"{token.value!r} is not a value for {where}."
    return Invalid(detail, _meant(token.value, choices, f"It is one of {', '.join(choices)}." if choices else more))
