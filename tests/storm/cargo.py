"""What is written into mounted volumes, and read again: one line of text for each."""

import contextlib
import os
from pathlib import Path

from holdfast.model.resources import Content


def _file(path: str, content: Content) -> Path:
    return Path(path) if content == "block" else Path(path) / "cargo"


def write(path: str, content: Content, text: str) -> bool:
    """Write and sync; False if the disk below has no room."""
    flags = os.O_WRONLY if content == "block" else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        fd = os.open(_file(path, content), flags)
        try:
            os.write(fd, text.encode())
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError:
        return False
    return True


def read(path: str, content: Content, text: str) -> str:
    """As much as `text` is long; an error's name if it cannot be read."""
    try:
        with _file(path, content).open("rb") as file, contextlib.suppress(UnicodeDecodeError):
            return file.read(len(text.encode())).decode()
    except OSError as error:
        return repr(error)
    return "no text"


def kept(place: Path, content: Content, text: str) -> str:
    """The same, of a snapshot where its pool keeps it, by our own look."""
    return read(str(place / ("disk.raw" if content == "block" else "data")), content, text)
