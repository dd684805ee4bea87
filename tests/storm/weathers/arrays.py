"""Weathers that befall the array, which lives on while daemons come and go."""

import contextlib
import time
from collections.abc import Iterator

from tests.storm.settings import SETTLE
from tests.storm.storm import Storm

# Requests that a weather meets at the most.
MOST = 3


def _is_change(method: str, path: str) -> bool:
    return method != "GET" and path != "login"


@contextlib.contextmanager
def _away(storm: Storm) -> Iterator[None]:
    weather = storm.daemon.array.array.weather
    weather.away = True
    try:
        yield
    finally:
        weather.away = False


def away(storm: Storm) -> None:
    """Nobody answers for a while: what needs it waits."""
    with _away(storm):
        time.sleep(storm.chance.uniform(0.2, 2.0))
        storm.lives()


def killed_while_away(storm: Storm) -> None:
    """The daemon starts without it."""
    with _away(storm):
        time.sleep(storm.chance.uniform(0.0, 0.3))
        storm.kill()
        storm.again()
    storm.nobody_is_left()


def answers_are_lost(storm: Storm) -> None:
    """The next changes are made, and nobody is told."""
    storm.daemon.array.array.weather.lose_reply(_is_change, storm.chance.randint(1, MOST))


def late(storm: Storm) -> None:
    """The next changes are made later than they are given up."""
    after = storm.chance.uniform(0.1, 0.8 * SETTLE)
    storm.daemon.array.array.weather.late(_is_change, after, storm.chance.randint(1, MOST))


def sessions_end(storm: Storm) -> None:
    """Whoever asks next must log in again."""
    storm.daemon.array.array.expire_sessions()
