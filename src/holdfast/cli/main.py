"""The entry: commands by noun, each imported when it is asked for; errors as two lines and a status per class."""

import io
import os
import sys
from typing import Annotated, Any, NoReturn

from cyclopts import App, CycloptsError, Parameter

from holdfast import __version__
from holdfast.model.errors import HoldfastError

_INTERRUPTED, _BROKEN_PIPE = 130, 141
_GLOBAL = "--address"
# Command, where it is, and under which heading the overview has it.
_COMMANDS = (
    ("status", "daemon.status:run", "What is"),
    ("audit", "daemon.audit:run", "What is"),
    ("pool", "pool:app", "Storage"),
    ("volume", "volume:app", "Storage"),
    ("snapshot", "snapshot:app", "Storage"),
    ("op", "op:app", "What runs"),
    ("serve", "local.serve:run", "The daemon"),
    ("resume", "daemon.resume:run", "The daemon"),
    ("db", "daemon.db:app", "The daemon"),
    ("token", "token:app", "The daemon"),
    ("rm", "local.rm:run", "This machine, without the daemon"),
    ("purge", "local.purge:purge", "This machine, without the daemon"),
    ("drill", "local.drill:app", "This machine, without the daemon"),
    ("completion", "daemon.completion:run", "The shell"),
)


class _Commands(App):
    """All commands, with help pages of our own."""

    def help_print(
        self,
        tokens: Annotated[Any, Parameter(show=False)] = None,
        *,
        console: Annotated[Any, Parameter(parse=False)] = None,  # noqa: ARG002  cyclopts calls it so
    ) -> None:
        """Print the page of what the tokens name. It is written to standard output, whatever the console is."""
        from holdfast.cli import help as pages
        from holdfast.cli import screen
        from holdfast.cli.describe import describe

        chain, apps, _ = self.parse_commands(tokens)
        path = tuple(name for name in chain if not name.startswith("-"))
        out = screen.out()
        out.show(*pages.page(out, describe(apps[len(path)], path)))


app = _Commands(
    name="holdfast", help="Storage that is never lost, leaked or lied about.", version=__version__,
    help_format="plaintext", version_format="plaintext",
)  # fmt: skip
for _name, _where, _group in _COMMANDS:
    app.command(f"holdfast.cli.{_where}", name=_name, group=_group)


def main() -> None:
    """Run; an error becomes two lines on stderr and its class's exit status."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a sign gets its number instead
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(_moved(sys.argv[1:]), print_error=False, exit_on_error=False)
    except CycloptsError as error:
        from holdfast.cli.usage import as_invalid

        _fail(as_invalid(app, error))
    except HoldfastError as error:
        _fail(error)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(_BROKEN_PIPE)


def _moved(tokens: list[str]) -> list[str]:
    """The address may stand before the command: it is one of its options all the same."""
    if len(tokens) > 2 and tokens[0] == _GLOBAL:
        return [*tokens[2:], *tokens[:2]]
    if len(tokens) > 1 and tokens[0].startswith(f"{_GLOBAL}="):
        return [*tokens[1:], tokens[0]]
    return tokens


def _fail(error: HoldfastError) -> NoReturn:
    from holdfast.cli import screen

    err = screen.err()
    first, *rest = error.detail.split("\n")
    err.show((screen.Span("error:", "bad"), f" {first}"), *((line,) for line in rest))
    if error.hint:
        arrow = f"  {err.sign('→', '->')} "
        for number, (indent, line) in enumerate(err.wrapped(error.hint, " " * len(arrow))):
            err.show((indent if number else arrow, line))
    sys.exit(error.exit)
