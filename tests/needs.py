"""Tools that a test needs: absent on a person's machine skips it, absent in CI fails it."""

import os
import shutil

import pytest


def need(tool: str) -> str:
    """The tool's path."""
    found = shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{tool} is not installed, and CI skips nothing")
    if found is None:
        pytest.skip(f"needs {tool}")
    return found


def need_root() -> None:
    """Mounts and loop devices are root's."""
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("this test needs root, and CI skips nothing")
        pytest.skip("needs root")
