"""docs/cli.md from the commands themselves: `make docs` writes it, a test compares it."""

from collections.abc import Iterator

from holdfast.cli.describe import Command, Parameter
from holdfast.model import errors

_ABOUT = """\
# The command line

Generated from the commands: change those, then `make docs`. `holdfast COMMAND --help` says the same.

* **On a terminal** tables have colours and fit its width, and a change that takes longer than half a second shows its
  steps until it ends. Ctrl-C stops waiting, not the operation; `holdfast op watch ID` takes it up again.
* **In a pipe** it is plain aligned text of any width, with no colours and nothing cut off. So are tables of more than
  200 rows everywhere.
* **For programs** `-o json` has what REST has, field by field; `-o yaml` has the same.
* **What destroys asks first**: it lists what it will touch, and anything but `y` or `yes` is a no. Where standard input
  is no terminal it wants `--yes`.
* **Changes are durable** from the moment they are asked for, and go on when nobody waits: `--no-wait` only submits one.
* **Errors** are on standard error: what happened, then `→` and what to do next.

## Environment

| variable | what it is |
| --- | --- |
| `HOLDFAST_ADDRESS` | where the daemon is if no `--address` says it; by default its socket in `/run/holdfast` |
| `HOLDFAST_TOKEN` | who asks, over TCP |
| `HOLDFAST_TOKEN_FILE` | a file with that token; `HOLDFAST_TOKEN` goes first |
| `HOLDFAST_CA_FILE` | the certificates to trust, over TCP; by default the system's |
| `NO_COLOR` | if it is not empty: no colours. `TERM=dumb` means that too, and that nothing is drawn over itself |
| `COLUMNS` | how wide the terminal is, if it cannot be asked |

## Completion

Of commands, options, their values, names of pools and volumes, mount points, and the operations that are not over.

```console
# holdfast completion bash >/etc/bash_completion.d/holdfast
# holdfast completion zsh >/usr/local/share/zsh/site-functions/_holdfast
# holdfast completion fish >/etc/fish/completions/holdfast.fish
```
"""
_STATUSES = """\
## Exit statuses

0 is success. [Operating](operating.md#errors) says when each of the others comes. 130: interrupted. 141: nobody reads
its output any more.

| status | code | what it means |
| --- | --- | --- |
"""


def reference(app: Command) -> str:
    """The whole document."""
    groups = dict.fromkeys(each.group for each in app.verbs)
    parts = [_ABOUT, _STATUSES + "".join(_statuses())]
    for group in groups:
        parts.append(f"## {group}\n")
        parts.extend(_command(leaf) for each in app.verbs if each.group == group for leaf in _leaves(each))
    return "\n".join(parts)


def _statuses() -> Iterator[str]:
    named = vars(errors).values()
    classes = [kind for kind in named if isinstance(kind, type) and issubclass(kind, errors.HoldfastError)]
    for kind in sorted(classes, key=lambda kind: (kind.exit, kind.code)):
        internal = kind is errors.HoldfastError
        meaning = "A fault of Holdfast's own." if internal else (kind.__doc__ or "").splitlines()[0]
        yield f"| {kind.exit} | `{kind.code}` | {_cell(meaning)} |\n"


def _leaves(command: Command) -> Iterator[Command]:
    if not command.verbs:
        yield command
    for verb in command.verbs:
        yield from _leaves(verb)


def _command(command: Command) -> str:
    lines = [f"### `{command.name}`", "", f"    {command.usage}", "", command.text, ""]
    for title, parameters in (("argument", command.arguments), ("option", command.options)):
        if parameters:
            lines += [f"| {title} | what it is |", "| --- | --- |", *map(_row, parameters), ""]
    lines += ["```console", *(f"# {example}" for example in command.examples), "```", ""]
    return "\n".join(lines)


def _row(parameter: Parameter) -> str:
    named = ", ".join(f"`{name}`" for name in parameter.names)
    value = f"`{parameter.value}`" if parameter.value else ""
    notes = [parameter.help]
    if parameter.required and parameter.names:
        notes.append("Must be given.")
    if parameter.choices:
        notes.append(f"One of {', '.join(f'`{choice}`' for choice in parameter.choices)}.")
    if parameter.default:
        notes.append(f"By default `{parameter.default}`.")
    return f"| {f'{named} {value}'.strip()} | {_cell(' '.join(notes))} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
