"""The simulated array is an array to the vendor's own SDK, which Holdfast does not use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.testing.flasharray.array import TOKEN
from holdfast.testing.flasharray.server import serving
from tests.needs import need

ROOT = Path(__file__).resolve().parents[2]
SDK = Path(sys.prefix) / "sdk"


def test_the_vendors_sdk_performs_the_whole_life_of_everything_against_the_simulator() -> None:
    need("openssl")
    if not SDK.exists():
        if os.environ.get("CI"):
            pytest.fail("the SDK is not installed, and CI skips nothing")
        pytest.skip("needs the vendor's SDK: make setup-lab")
    with serving() as server:
        done = subprocess.run(
            [sys.executable, str(ROOT / "lab" / "flasharray" / "life.py"), server.address, server.ca, TOKEN],
            capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": str(SDK)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        asked = {(sent.method, sent.path) for sent in server.array.log}
    assert len(asked) > 20, "it did less than it should"
