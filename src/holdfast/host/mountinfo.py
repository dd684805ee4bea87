"""Reading the text of the kernel's mount table (proc_pid_mountinfo(5))."""

import functools
import re

from holdfast.host.facts import Mount

_ESCAPE = re.compile(r"\\([0-7]{3})")


def _plain(text: str) -> str:
    if text.isascii() and "\\" not in text:
        return text
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text).encode("latin-1").decode("utf-8", "surrogateescape")


def parse(text: str) -> list[Mount]:
    """All mounts, in the order in which they were made."""
    return [_mount(line) for line in filter(None, text.split("\n"))]  # `splitlines` would split at bytes of names, too


# A table is read often, and its lines hardly change.
@functools.lru_cache(maxsize=4096)
def _mount(line: str) -> Mount:
    fields = line.split(" ")
    dash = fields.index("-", 6)
    major, minor = fields[2].split(":")
    flags = tuple(fields[5].split(","))
    return Mount(
        id=int(fields[0]), device=(int(major), int(minor)), root=_plain(fields[3]), path=_plain(fields[4]),
        read_only="ro" in flags, fs=fields[dash + 1], source=_plain(fields[dash + 2]),
        parent=int(fields[1]), flags=flags, shared=any(field.startswith("shared:") for field in fields[6:dash]),
    )  # fmt: skip
