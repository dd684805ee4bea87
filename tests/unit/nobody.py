"""What root is never refused is tried as nobody."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.needs import need_root


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """A scratch directory that everybody can enter; pytest's own are private."""
    root = Path(tempfile.mkdtemp(prefix="hf-"))
    root.chmod(0o755)
    try:
        yield root
    finally:
        shutil.rmtree(root)


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Without root's rights until the end."""
    need_root()
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
