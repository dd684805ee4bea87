"""Runs a part of the ground over a copy of our code, and says what it saw."""

import os
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

from tests.mutants.mutant import Seeds, Suite

ROOT = pathlib.Path(__file__).parents[2]
# Far above what any of them takes; a mutant that hangs its test is not caught.
LONGEST = 600
_SIMULATION = ("holdfast.testing.simulation",)
_PYTEST = ("pytest", "-q", "-x", "-rf", "-p", "no:cacheprovider", "-p", "no:xdist")
_BREACH = re.compile(r"^seed (\d+): (rule \d+: .*)$", re.MULTILINE)
_FAILED = re.compile(r"^FAILED (\S+?::.*?) - (.*)$", re.MULTILINE)
# What a mutant meets that is broken in another way than it says: no evidence that anything looked.
_CLUMSY = re.compile(
    r"a fault of Holdfast itself|\b(?:Syntax|Indentation|Import|ModuleNotFound|Name|UnboundLocal|Attribute|Type)Error\b"
)


class Caught(NamedTuple):
    """By which seed or test, and what that said; `again` plays just that. `seeds` is how many were played."""

    by: str
    said: str
    again: tuple[str, ...]
    seeds: int = 0


class Survived(AssertionError):
    """Nothing was seen, or what failed is the mutant's own clumsiness."""


def catch(ground: Seeds | Suite, code: pathlib.Path) -> Caught:
    """Play the ground over the code below `code`; raises Survived."""
    return _seeds(ground, code) if isinstance(ground, Seeds) else _suite(ground, code)


def _seeds(seeds: Seeds, code: pathlib.Path) -> Caught:
    worlds = (("--array",) if seeds.array else ()) + (("--snapshots",) if seeds.taking else ())
    worlds += ("--csi",) if seeds.csi else ()
    module = (*_SIMULATION, *worlds)
    seed, what = _found(_BREACH, _run((*module, str(seeds.first), "--seeds", str(seeds.most)), code), str(seeds))
    return Caught(f"simulation: seed {seed}", what, (*module, seed), int(seed) - seeds.first + 1)


def _suite(suite: Suite, code: pathlib.Path) -> Caught:
    only = ("-k", suite.only) if suite.only else ()
    test, what = _found(_FAILED, _run((*_PYTEST, *suite.where.split(), *only), code), str(suite))
    return Caught(test, what, (*_PYTEST, test))


def _found(pattern: re.Pattern[str], said: "subprocess.CompletedProcess[str]", ground: str) -> tuple[str, str]:
    """Which seed or test failed first, and how."""
    found = pattern.search(said.stdout)
    if said.returncode != 1 or found is None:
        raise Survived(f"{ground}:\n{_tail(said)}")
    if _CLUMSY.search(found[2]):
        raise Survived(f"{ground}: {found[2]}")
    return found[1], found[2]


def accused(again: tuple[str, ...], code: pathlib.Path) -> str:
    """What is said against the code below `code` by what caught a mutant; an empty text if that is nothing."""
    said = _run(again, code)
    return _tail(said) if said.returncode else ""


def _run(module: tuple[str, ...], code: pathlib.Path) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": str(code), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400"}
    env.pop("HOLDFAST_PROOF", None)  # what catches it is in `make test` already
    command = [sys.executable, "-m", *module]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=LONGEST)


def _tail(said: "subprocess.CompletedProcess[str]") -> str:
    return f"{said.stdout[-2000:]}{said.stderr[-2000:]}"
