"""The host layer on the oldest kernel it is made for, Linux 6.1, in a User-mode Linux guest."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import need

RUN = Path(__file__).resolve().parent.parent.parent / "lab" / "kernel" / "run.py"


def boot(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the guest with these arguments for its pytest."""
    need("linux.uml")
    if os.geteuid() != 0:
        pytest.skip("needs root")
    return subprocess.run([sys.executable, str(RUN), *arguments], capture_output=True, text=True, timeout=700)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("HOLDFAST_PROOF"), reason="takes minutes, so in make proof only")
def test_the_host_layer_holds_on_linux_6_1() -> None:
    done = boot()
    assert done.returncode == 0, done.stdout
    assert re.search(r"^Linux 6\.1\.", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"\d+ passed", done.stdout), done.stdout
    assert "skipped" not in done.stdout


def test_what_fails_in_the_guest_fails_outside() -> None:
    """The control: the guest itself always ends with 0, so its verdict travels in a file."""
    done = boot("tests/host/no_such_test.py")
    assert "Linux 6.1." in done.stdout
    assert done.returncode == 4
