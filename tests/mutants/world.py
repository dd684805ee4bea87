"""Mutants of drivers and steps: what they take for ours, for absent, for done, and in which order they act."""

from tests.mutants.mutant import Mutant, Seeds, Suite

DRIVER = "tests/conformance/test_dir_simulated.py"
PERSISTED = "what seemed done is synced before it counts, and in the simulation the disk is still away then"

WORLD = (
    Mutant(
        1, "the end of a removal is not synced", "drivers/dir/changing.py",
        "        if whole:\n            self._files.sync",
        "        if whole and not volumes:\n            self._files.sync",
        Seeds(4),
    ),
    Mutant(
        1, "what is in a new volume is not synced before its name", "drivers/dir/making.py",
        '        self._files.sync("volume.sync", fd)\n', "",
        Suite("tests/conformance/test_dir_power_loss.py", why="a simulated btrfs has no such quirk"),
    ),
    Mutant(
        2, "marker not re-read: a pool is proven once", "drivers/dir/root.py",
        "            self.mark(fd, pool)\n            yield fd",
        "            seen = vars(self).setdefault(pool.uid, None) or self.mark(fd, pool)\n"
        "            vars(self)[pool.uid] = seen\n            yield fd",
        Suite(DRIVER, why="what is found below the wrong directory is unknown all the same"),
    ),
    Mutant(
        2, "use is not looked at before a removal", "drivers/dir/looking.py",
        "        table = self._kernel.mounts()\n        below =",
        '        return ""\n        table = []\n        below =',
        Suite(DRIVER, why="what the removal itself refuses is not lost there"),
    ),
    Mutant(
        3, "error read as absent: an unmounted disk", "drivers/dir/looking.py",
        "    except Again as error:\n        return Unknown(error.detail)",
        "    except Again:\n        return Absent()",
        Suite(DRIVER, why=PERSISTED),
    ),
    Mutant(
        3, "error read as absent: a failed look at a volume", "drivers/dir/looking.py",
        "        return Unknown(f\"{error.filename or 'the pool'}: {error.strerror}\")", "        return Absent()",
        Suite("tests/mutants/test_blind_spots.py", "cannot_be_looked_at", why=PERSISTED),
    ),
    Mutant(
        3, "unknown is as good as absent", "steps/looks.py",
        "            return Unclear(reason, within)",
        "            return absent if reason else Unclear(reason, within)",
        Seeds(1), quick=True,
    ),
    Mutant(
        3, "an unmarked place is a pool that was removed, whatever place it is", "drivers/dir/pools.py",
        "                    if pool.identity == identity:", "                    if pool.identity:",
        Suite("tests/conformance/test_dir_driver.py", "hidden_place", why="each of its users has a second guard"),
    ),
    Mutant(
        3, "where a pool's mark was is forgotten with it", "steps/pool.py",
        "                return Todo(PoolMade(facts.identity))", "                return Todo()",
        Suite("tests/faces/test_audit.py", "making_was", why="few seeds abandon a making behind its mark"),
    ),
    Mutant(
        4, "the owner in a volume's mark is not compared", "drivers/dir/looking.py",
        "            if (mark.owner, mark.uid) != (pool.owner, uid):", "            if mark.uid != uid:",
        Seeds(4),
    ),
    Mutant(
        4, "a volume without a sound mark is no volume", "drivers/dir/looking.py",
        "        except (Foreign, Damaged) as error:\n            return ForeignObject(error.detail)",
        "        except (Foreign, Damaged):\n            return Absent()",
        Seeds(7), quick=True,
    ),
    Mutant(
        4, "a pool is made over whatever is there", "drivers/dir/pools.py",
        "            if others or (", "            if not fd and (",
        Seeds(5),
    ),
    Mutant(
        5, "what is left of an unfinished volume is not looked for", "drivers/dir/making.py",
        "        names = [unfinished(pool, volume, making.operation, attempt) for attempt in attempts]\n",
        "        names: list[str] = []\n",
        Seeds(2),
    ),
    Mutant(
        6, "what is out of sight is removed", "drivers/dir/changing.py",
        "                if isinstance(found, Absent) and self._files.exists",
        "                if not found and self._files.exists",
        Seeds(4),
    ),
    Mutant(
        8, "a pool inside the state directory", "drivers/dir/driver.py",
        "            if mounttable.is_under(source, own) or mounttable.is_under(own, source):",
        "            if not source and own:",
        Suite("tests/faces/test_bad_input_place.py", "daemons_own", why="nobody asks for it there"),
    ),
)  # fmt: skip
