"""The crash matrix: every (plan, failpoint, fault), and again at every failpoint of what follows; and pairs of plans.

Generated, not written: a scenario is run once to learn which failpoints it visits; each of them is then broken
in each way that fits it. So a new step, or a new call in an old one, is covered without writing a test.
"""

from holdfast.testing.matrix.checks import POINT
from holdfast.testing.matrix.deeds import Deed, Pair, pairs_of
from holdfast.testing.matrix.faults import FAULTS, Fault, Faults, Passed, alias, deaths, faults_for, moments, sample
from holdfast.testing.matrix.history import History
from holdfast.testing.matrix.outcome import Outcome
from holdfast.testing.matrix.pairs import PairHistory, while_queued
from holdfast.testing.matrix.scenario import Broken, Scenario
from holdfast.testing.matrix.stage import Stage
from holdfast.testing.matrix.witness import Witness

__all__ = [
    "FAULTS",
    "POINT",
    "Broken",
    "Deed",
    "Fault",
    "Faults",
    "History",
    "Outcome",
    "Pair",
    "PairHistory",
    "Passed",
    "Scenario",
    "Stage",
    "Witness",
    "alias",
    "deaths",
    "faults_for",
    "moments",
    "pairs_of",
    "sample",
    "while_queued",
]
