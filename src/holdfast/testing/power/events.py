"""What a recording disk writes down."""

from typing import Literal, NamedTuple


class Event(NamedTuple):
    """One entry of a log: `name` is the file's, or the mark's text; `offset` is the new size in a truncation."""

    kind: Literal["create", "write", "truncate", "sync", "delete", "sync-directory", "mark"]
    file: int = 0
    name: str = ""
    offset: int = 0
    data: bytes = b""
