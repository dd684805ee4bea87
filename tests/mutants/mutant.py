"""A mutant: one line of our own code changed, so that it breaks one rule of DESIGN; and what is to catch it."""

import dataclasses
import pathlib
import shutil

SOURCE = pathlib.Path(__file__).parents[2] / "src" / "holdfast"


@dataclasses.dataclass(frozen=True)
class Seeds:
    """The simulation, from the seed on that was the first to catch it.

    Any change of ours may change what a seed plays; so it is looked for in `most`.
    """

    first: int
    most: int = 60
    # With a pool on an array.
    array: bool = False
    # With snapshots.
    taking: bool = False
    csi: bool = False

    def __str__(self) -> str:
        worlds = " --array" * self.array + " --snapshots" * self.taking + " --csi" * self.csi
        return f"simulation{worlds}, seeds {self.first} to {self.first + self.most - 1}"


@dataclasses.dataclass(frozen=True)
class Suite:
    """Tests, as pytest is told them, for what the simulation does not see; `why` it does not."""

    where: str
    only: str = ""
    why: str = ""

    def __str__(self) -> str:
        return f"{self.where} -k '{self.only}'" if self.only else self.where


@dataclasses.dataclass(frozen=True)
class Mutant:
    """`quick` ones are played by `make test` too: one of each rule."""

    rule: int
    name: str
    file: str
    old: str
    new: str
    ground: Seeds | Suite
    quick: bool = False

    def __str__(self) -> str:
        return f"rule {self.rule}: {self.name}"


def copy(where: pathlib.Path) -> pathlib.Path:
    """All of our code, below `where`; its compiled files are good for the copy too."""
    shutil.copytree(SOURCE, where / "holdfast")
    return where


def mutated(mutant: Mutant, where: pathlib.Path) -> pathlib.Path:
    """A copy with the change. A change that no longer fits, or that is no Python, is an error of the mutant."""
    file = copy(where) / "holdfast" / mutant.file
    text = file.read_text()
    assert text.count(mutant.old) == 1, f"{mutant.file} has changed; bring '{mutant}' up to date"
    new = text.replace(mutant.old, mutant.new)
    compile(new, mutant.file, "exec")
    file.write_text(new)
    return where
