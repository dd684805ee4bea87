"""What a drill and its control plane say to each other, and where each finds what the other wrote."""

from typing import Any

import msgspec

from holdfast.host.facts import Backing
from holdfast.model.operations import Problem

# Names in the drill's own directory.
STATE, RUN, CHART, CHILDREN = "state", "run", "sickness", "children"
# The longest message, in bytes.
MOST = 1 << 17


class Question(msgspec.Struct, frozen=True):
    """Numbered, so that an answer that nobody waits for any more is known as such."""

    number: int
    verb: str
    args: dict[str, Any] = {}


class Answer(msgspec.Struct, frozen=True):
    """To the question of that number: what was asked for, or why not."""

    number: int
    value: Any = None
    problem: Problem | None = None


class Image(msgspec.Struct, frozen=True):
    """Where a volume's image is, and who it is."""

    path: str
    backing: Backing


class Made(msgspec.Struct, frozen=True):
    """What is recorded: pools and POOL, VOLUME by name, mounts by path, operations that are not over by id."""

    pools: list[str]
    volumes: list[tuple[str, str]]
    mounts: list[str]
    operations: list[str]
