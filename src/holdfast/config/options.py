"""Every option by its dotted name: what it may be, and what is wrong with a value."""

import difflib
import os
import re
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import msgspec

from holdfast.model.config import Config, parse_tcp
from holdfast.model.errors import Invalid
from holdfast.model.sizes import format_size, parse_size

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# Unicode's control characters: none belongs into a path or a name, and a log would be broken by them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST_SHOWN = 80


class Option(msgspec.Struct, frozen=True):
    """One option: its whole `type`, and what that says, taken apart."""

    table: str
    name: str
    default: Any
    type: Any
    base: Any
    description: str
    least: float | None
    most: float | None
    kind: str

    @property
    def dotted(self) -> str:
        """As in messages: TABLE.NAME."""
        return f"{self.table}.{self.name}"


def tables() -> dict[str, type[msgspec.Struct]]:
    """The tables of the file, in their order."""
    return {field.name: field.type for field in msgspec.structs.fields(Config)}


def _option(table: str, field: msgspec.structs.FieldInfo) -> Option:
    base, *metas = get_args(field.type)
    extra = {key: value for meta in metas for key, value in (meta.extra or {}).items()}
    said = {
        name: value
        for meta in metas
        for name in ("description", "ge", "le")
        if (value := getattr(meta, name)) is not None
    }
    least, most = extra.get("least", said.get("ge")), extra.get("most", said.get("le"))
    kind = extra.get("kind", "")
    return Option(table, field.name, field.default, field.type, base, said["description"], least, most, kind)


# All options under their dotted names, in their order.
OPTIONS = {
    option.dotted: option
    for table, struct in tables().items()
    for option in (_option(table, field) for field in msgspec.structs.fields(struct))
}
_WORDS = {"path": "an absolute path", "address": "HOST:PORT", "group": "the name of a group"}


def allowed(option: Option) -> str:
    """What it may be, in words that go on after 'must be'."""
    if option.kind == "size" and option.least and option.most:
        return f"a size from {_size(option.least)} to {_size(option.most)}"
    if get_origin(option.base) is Literal:
        *most, last = (f'"{value}"' for value in get_args(option.base))
        return f"{', '.join(most)} or {last}"
    if option.base in {int, float}:
        return f"a {'whole ' * (option.base is int)}number from {option.least:g} to {option.most:.10g}"
    return _WORDS[option.kind] + ("" if option.default else ", or empty")


def _size(size: float) -> str:
    return format_size(int(size)).replace(" ", "")


def mistakes(data: dict[str, Any]) -> dict[str, str]:
    """What is wrong with `data`, a file's tables: a sentence per dotted name; nothing outside is looked at."""
    found = {}
    for table, content in data.items():
        if table not in tables():
            found[shown(table)] = f"{shown(table)} is unknown; {_instead(table, '')}"
        elif not isinstance(content, dict):
            found[table] = f"{table} is {_value(content)}, but must be a table: [{table}]."
        else:
            for name, value in content.items():
                said = _mistake(table, name, value)
                if said:
                    found[f"{table}.{shown(name)}"] = said
    return found


def shown(key: str) -> str:
    """A key as it can be printed."""
    return key if _BARE_KEY.fullmatch(key) else ascii(key)


def _value(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _mistake(table: str, name: str, value: object) -> str:
    option = OPTIONS.get(f"{table}.{name}")
    if option is None:
        return f"{table}.{shown(name)} is unknown; {_instead(name, table)}"
    why = _wrong(option, value)
    return f"{option.dotted} is {_value(value)}, but must be {allowed(option)}{why}." if why is not None else ""


def _wrong(option: Option, value: object) -> str | None:
    """None if the value may be; else why not, where `allowed` does not say it already."""
    try:
        msgspec.convert(value, option.type, strict=True)
    except msgspec.ValidationError:
        return ""
    if isinstance(value, str) and _CONTROL.search(value):
        return " without control characters"
    if value == option.default:
        return None
    try:
        return None if _CHECKS.get(option.kind, _anything)(option, value) else ""
    except Invalid as error:
        return f" ({error.detail.rstrip('.')})"


def _anything(_option: Option, _value: Any) -> bool:
    return True


def _sized(option: Option, value: str | int) -> bool:
    return bool(option.least and option.most and option.least <= parse_size(value) <= option.most)


_CHECKS: dict[str, Callable[[Option, Any], bool]] = {
    "path": lambda _, value: os.path.isabs(value),
    "address": lambda _, value: bool(parse_tcp(value)),
    "size": _sized,
}


def _instead(name: str, table: str) -> str:
    """What was meant, or what there is: first in the same place, then anywhere."""
    here = [option.name for option in OPTIONS.values() if option.table == table] if table else list(tables())
    dots = f"{table}." if table else ""
    for close in difflib.get_close_matches(name, here, n=1):
        return f"did you mean {dots}{close}?"
    for option in OPTIONS.values():
        if difflib.get_close_matches(name, [option.name], n=1, cutoff=0.8):
            return f"did you mean {option.dotted}?"
    return f"there are {', '.join(dots + known for known in here)}."
