"""All mutants, by rule."""

from tests.mutants.array import ARRAY
from tests.mutants.control import CONTROL
from tests.mutants.csi import CSI
from tests.mutants.engine import ENGINE
from tests.mutants.host import HOST
from tests.mutants.records import RECORDS
from tests.mutants.snapshots import SNAPSHOTS
from tests.mutants.world import WORLD

MUTANTS = sorted((*ENGINE, *RECORDS, *HOST, *WORLD, *CONTROL, *ARRAY, *SNAPSHOTS, *CSI), key=lambda mutant: mutant.rule)
