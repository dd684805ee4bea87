"""The command line on a pseudo-terminal: what a person would see, and type."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator

from tests.daemon import BIN, PATIENCE

# What a program may tell a terminal besides text: colours, the cursor, titles (ECMA-48, section 5.4).
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Terminal:
    """One command, running. `raw` is all that it has written so far."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.process = process
        self.raw = ""
        self._end = end
        self._bytes = b""

    @property
    def text(self) -> str:
        """What it has written, without colours."""
        return plain(self.raw)

    def _read(self, seconds: float) -> bool:
        """Read what there is, or wait for more; False at the end."""
        if not select.select([self._end], [], [], seconds)[0]:
            return True
        try:
            got = os.read(self._end, 65536)
        except OSError:  # EIO: the other side is closed
            return False
        self._bytes += got
        self.raw = self._bytes.decode(errors="replace").replace("\r\n", "\n")
        return bool(got)

    def until(self, words: str) -> str:
        """Read until these words are there."""
        end = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < end, f"not shown: {words}\n{self.text}"
            assert self._read(0.1), f"it ended without {words}\n{self.text}"
        return self.text

    def poll(self) -> None:
        """Read what comes within a moment."""
        self._read(0.2)

    def type(self, keys: str) -> None:
        """Type."""
        os.write(self._end, keys.encode())

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        """Read to the end; the exit status."""
        end = time.monotonic() + PATIENCE
        while self._read(0.1):
            assert time.monotonic() < end, f"it does not end\n{self.text}"
        return self.process.wait(PATIENCE)


def plain(raw: str) -> str:
    """Without what only a terminal understands."""
    return _CONTROL.sub("", raw)


def beyond_colours(raw: str) -> list[str]:
    """What moved the cursor, or did something else than colouring."""
    return _CONTROL.findall(_COLOUR.sub("", raw))


@contextlib.contextmanager
def terminal(address: str, *args: str, columns: int = 80, env: dict[str, str] | None = None) -> Iterator[Terminal]:
    """The command on a terminal so wide; it is killed if it still runs at the end."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, columns))
    told = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    told |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "HOLDFAST_ADDRESS": address, **(env or {})}
    process = subprocess.Popen([BIN, *args], stdin=theirs, stdout=theirs, stderr=theirs, env=told)
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def shown(address: str, *args: str, columns: int = 80, env: dict[str, str] | None = None) -> Terminal:
    """The command, ended."""
    with terminal(address, *args, columns=columns, env=env) as found:
        found.ended()
        return found
