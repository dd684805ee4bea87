"""Help pages: usage, what it does, arguments, options, examples; plain text, with headings in bold on a terminal."""

from collections.abc import Iterator, Sequence
from textwrap import wrap

from holdfast.cli.describe import Command, Parameter
from holdfast.cli.screen import Line, Screen, Span

# Lines longer than this are hard to read, however wide the terminal is.
_WIDEST = 100
# What stands at the left is not given more room than this; longer, it has a line of its own.
_LEFT = 30
_END = (
    "`holdfast COMMAND --help` and `holdfast COMMAND VERB --help` have arguments, options and examples.",
    (
        "The daemon is found at $HOLDFAST_ADDRESS, else at its socket in /run/holdfast. Over TCP $HOLDFAST_TOKEN or "
        "$HOLDFAST_TOKEN_FILE says who asks, and $HOLDFAST_CA_FILE whom to trust."
    ),
)


def page(out: Screen, command: Command) -> Iterator[Line]:
    """The page of a command, a noun, or all."""
    wide = min(out.width or 80, _WIDEST)
    for paragraph in command.text.split("\n\n"):
        yield from ((line,) for line in wrap(" ".join(paragraph.split()), wide))
        yield ()
    yield (Span("Usage: ", "bold"), command.usage)
    if command.verbs:
        yield from _verbs(command, wide)
    for title, parameters in (("Arguments", command.arguments), ("Options", command.options)):
        yield from _section(title, [(each.shown, _says(each)) for each in parameters], wide)
    if command.examples:
        yield ()
        yield (Span("Examples", "bold"),)
        yield from ((f"  {each}",) for each in command.examples)
    if not command.path:
        for text in _END:
            yield ()
            yield from ((line,) for line in wrap(text, wide))


def _verbs(command: Command, wide: int) -> Iterator[Line]:
    if command.path:
        yield from _section("Verbs", [(each.brief, each.summary) for each in command.verbs], wide)
        return
    size = max(len(each.path[-1]) for each in command.verbs)
    for group in dict.fromkeys(each.group for each in command.verbs):
        found = [each for each in command.verbs if each.group == group]
        yield from _section(group, [(each.path[-1], each.summary) for each in found], wide, size)


def _says(parameter: Parameter) -> str:
    """Its help, with what it may be."""
    notes = []
    if parameter.choices:
        notes.append(f"One of {', '.join(parameter.choices)}.")
    if parameter.default:
        notes.append(f"By default {parameter.default}.")
    return " ".join([parameter.help, *notes]).strip()


def _section(title: str, rows: Sequence[tuple[str, str]], wide: int, least: int = 0) -> Iterator[Line]:
    """Two columns; `least` is how wide the left one is at least."""
    if not rows:
        return
    yield from ((), (Span(title, "bold"),))
    size = max(least, min(_LEFT, max(len(name) for name, _ in rows)))
    for name, text in rows:
        lines = wrap(text, wide - size - 4)
        if len(name) > size:
            lines.insert(0, "")
        for number, line in enumerate(lines or [""]):
            yield (f"  {name if number == 0 else '':<{size}}  {line}".rstrip(),)
