"""YAML 1.2 in blocks, which readers of 1.1 understand the same: whatever one of them might misread is quoted."""

import json
import re
from typing import Any

# Begins with a letter or a slash, so it is no number, date or indicator; no ": " and no " #" can be in it.
_PLAIN = re.compile(r"[A-Za-z/](?:[A-Za-z0-9_./@+-]| (?=[A-Za-z0-9]))*", re.ASCII)
# What 1.1 reads as something else than a text (yaml.org/type/bool.html, null.html); numbers never begin with a letter.
_OTHER = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null"})


def encode(value: Any) -> str:
    """`value` of plain dicts, lists, tuples, texts, numbers, booleans and None, as one document."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in _entry(_scalar(str(key)), item)]
    if isinstance(value, list | tuple) and value:
        return [line for item in value for line in _item(_lines(item))]
    return [_scalar(value)]


def _entry(key: str, value: Any) -> list[str]:
    if isinstance(value, dict | list | tuple) and value:
        return [f"{key}:", *(f"  {line}" for line in _lines(value))]
    return [f"{key}: {_scalar(value)}"]


def _item(lines: list[str]) -> list[str]:
    return [f"- {lines[0]}", *(f"  {line}" for line in lines[1:])]


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _OTHER else _quoted(value)
    text = json.dumps(value)
    # 1.1 wants a point in a number with an exponent.
    return text.replace("e", ".0e", 1) if isinstance(value, float) and "e" in text and "." not in text else text


def _quoted(text: str) -> str:
    """Between double quotes; JSON's escapes are YAML's, but YAML has no surrogates, and wants more signs escaped."""
    inner = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escaped(ord(sign)) for sign in inner)


def _escaped(code: int) -> str:
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
