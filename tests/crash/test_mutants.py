"""The proof is kept honest: our own code, broken in one line, must be caught."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from tests.crash.mutants import MUTANTS, Mutant

ROOT = pathlib.Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"rule {m.rule}: {m.name}")
def test_a_mutant_is_caught(mutant: Mutant, tmp_path: pathlib.Path) -> None:
    shutil.copytree(ROOT / "src" / "holdfast", tmp_path / "holdfast")
    file = tmp_path / "holdfast" / mutant.file
    text = file.read_text()
    assert text.count(mutant.old) == 1, f"{mutant.file} has changed; bring the mutant up to date"
    file.write_text(text.replace(mutant.old, mutant.new))
    env = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *mutant.caught_by],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "failed" in done.stdout, (
        f"survived {' '.join(mutant.caught_by)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    )
    assert done.returncode == 1
    print(f"{mutant.name}: caught by {mutant.caught_by[0]}")


def test_every_rule_has_a_mutant() -> None:
    assert {mutant.rule for mutant in MUTANTS} == set(range(1, 11))


def test_the_ground_does_not_accuse_an_unchanged_copy(tmp_path: pathlib.Path) -> None:
    line = "from holdfast.model.errors import"
    file = "engine/engine.py"
    unchanged = Mutant(6, "unchanged", file, line, line, MUTANTS[6].caught_by)
    with pytest.raises(AssertionError, match="survived"):
        test_a_mutant_is_caught(unchanged, tmp_path)
