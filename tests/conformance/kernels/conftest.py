"""The disk that the real machine's scratch directories are on."""

from collections.abc import Iterator

import pytest

from tests.conformance.kernels import linux
from tests.needs import need, need_root


@pytest.fixture(scope="package")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    need_root()
    for tool in ("mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"):
        need(tool)
    with linux.disk(tmp_path_factory.mktemp("kernels")) as path:
        yield path
