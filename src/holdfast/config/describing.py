"""The configuration's own documentation: docs/configuration.md and the commented example."""

import inspect
import json
import textwrap

import msgspec

from holdfast.config.options import OPTIONS, Option, allowed, tables

_ABOUT = """\
# Configuration

Generated from `src/holdfast/model/config.py`: change the descriptions there.

The daemon reads `/etc/holdfast/holdfast.toml` if it is there, or the file that `--config` names, once, when it
starts. Every option has a default, so no file is needed. `--state`, `--run` and `--listen` go before the file.
The file is [TOML](https://toml.io); what the daemon does not know in it is refused, not ignored. A size is a
number of bytes, or a text with a unit (1GB is 10⁹ bytes, 1GiB is 2³⁰).

```console
# holdfast serve --check                    # says everything that is wrong, and starts nothing
# holdfast serve --check --config FILE
```

`packaging/holdfast.toml` has all options as comments, with their defaults.
"""


def _toml(value: str | float) -> str:
    # A JSON text, integer or finite number is one of TOML too.
    return json.dumps(value, ensure_ascii=False)


def _of(table: str) -> list[Option]:
    return [option for option in OPTIONS.values() if option.table == table]


def _says(struct: type[msgspec.Struct]) -> str:
    return inspect.cleandoc(struct.__doc__ or "")


def reference() -> str:
    """docs/configuration.md: a table per table of the file."""
    parts = [_ABOUT]
    for table, struct in tables().items():
        rows = [
            f"| `{option.name}` | `{_toml(option.default)}` | {allowed(option)} | {option.description} |"
            for option in _of(table)
        ]
        head = ("| option | default | must be | what it is |", "| --- | --- | --- | --- |")
        parts.append("\n".join((f"## {table}", "", _says(struct), "", *head, *rows, "")))
    return "\n".join(parts)


def example() -> str:
    """packaging/holdfast.toml: every option as a comment, with its default."""
    lines = _comment(
        "The configuration of Holdfast, for /etc/holdfast/holdfast.toml. Every option is here as a comment "
        "with its default; take away the # of what you change. `holdfast serve --check` says what is wrong."
    )
    for table, struct in tables().items():
        lines += ["", *_comment(_says(struct)), f"[{table}]"]
        for option in _of(table):
            lines += ["", *_comment(option.description), *_comment(f"It must be {allowed(option)}.")]
            lines += [f"#{option.name} = {_toml(option.default)}"]
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
