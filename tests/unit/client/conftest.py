"""Both clients, each before a daemon that follows a script."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.unit.client.fake import Either, Fake, Script

Connect = Callable[..., tuple[Fake, Either]]


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(kind: str, tmp_path: Path) -> Iterator[Connect]:
    """A client of either kind with these options, and its daemon with these scripts; both end with the test."""
    with ExitStack() as stack:

        def made(*scripts: Script, **options: Any) -> tuple[Fake, Either]:
            fake = Fake(tmp_path / "s", *scripts)
            stack.callback(fake.close)
            client = Either(kind, fake.address, **options)
            stack.callback(client.close)
            return fake, client

        yield made
