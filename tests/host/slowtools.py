"""Stand-ins for mkfs, put before the real ones by HOLDFAST_PATH: children that hang or stop half-way."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.host.children import ForkServerChildren
from holdfast.runtime.threads import ThreadRuntime


def script(directory: str, name: str, body: str) -> None:
    """A shell script with the usual places in its PATH."""
    path = Path(directory) / name
    path.write_text(f"#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n{body}\n")
    path.chmod(0o755)


@contextlib.contextmanager
def server_with_path(monkeypatch: pytest.MonkeyPatch, path: str) -> Iterator[ForkServerChildren]:
    """A fork server of its own, whose children look for tools only there."""
    os.makedirs(path, exist_ok=True)
    monkeypatch.setenv("HOLDFAST_PATH", path)
    server = ForkServerChildren(ThreadRuntime())
    try:
        yield server
    finally:
        server.close()
