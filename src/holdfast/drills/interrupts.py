"""Ctrl-C, and what else ends a program, at a moment that suits."""

import contextlib
import signal
from collections.abc import Iterator

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """What comes meanwhile is heard at the end."""
    heard: list[int] = []
    before = [(number, signal.signal(number, lambda number, _frame: heard.append(number))) for number in _STOPS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
    if heard:
        signal.raise_signal(heard[0])
