"""`python -m holdfast.testing.simulation SEED …`: play seeds, and tell how one failed."""

import argparse
import sys
import time
from collections import Counter

from holdfast.testing.simulation.run import OPERATIONS, Run
from holdfast.testing.simulation.telling import failed, quiet, table


def main() -> int:
    """Exit status 1 if a seed failed."""
    parser = argparse.ArgumentParser(prog="python -m holdfast.testing.simulation", description=__doc__)
    parser.add_argument("seed", type=int, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many, counting on from it")
    parser.add_argument("--operations", type=int, default=OPERATIONS, help="ended operations of each")
    parser.add_argument("--array", action="store_true", help="with a pool on an array, which most requests are about")
    parser.add_argument("--snapshots", action="store_true", help="with snapshots, which many requests are about")
    parser.add_argument("--csi", action="store_true", help="with an orchestrator, which has volumes by CSI's calls")
    parser.add_argument("--trace", action="store_true", help="print all events")
    asked = parser.parse_args()
    quiet()
    hits: Counter[str] = Counter()
    results: Counter[str] = Counter()
    ended, begun = 0, time.perf_counter()
    for seed in range(asked.seed, asked.seed + asked.seeds):
        run = Run(seed, asked.operations, keep=True, array=asked.array, taking=asked.snapshots, csi=asked.csi)
        try:
            report = run.play()
        except Exception as error:  # noqa: BLE001 - told, whatever it is
            print(failed(run, error, asked.operations))
            return 1
        finally:
            if asked.trace:
                print("\n".join(run.trace.of()))
        hits.update(report.hits)
        results.update(report.results)
        ended += report.ended
    print(table(hits, results, ended, time.perf_counter() - begun))
    return 0


if __name__ == "__main__":
    sys.exit(main())
