"""Mutants of the host: mounts, devices, signatures, trees, children. Much of it is below the simulated kernel."""

from tests.mutants.mutant import Mutant, Seeds, Suite

BELOW = "it is below the seam at which the simulated machine begins"
WORK = "tests/conformance/kernels/test_work.py"
BLIND = "tests/mutants/test_blind_spots.py"
PROCESSES = "simulated children are no processes"
UNREADABLE = Suite("tests/host/test_formats_unreadable.py", why="no simulated image is sick before it is formatted")

HOST = (
    Mutant(
        1, "directory fsync skipped after a rename", "host/files.py",
        "            if sync:\n", "            if sync and not dir_fd:\n",
        Seeds(2),
    ),
    Mutant(
        1, "a new file's fsync skipped", "host/files.py",
        "                self.kernel.fsync(fd)\n", "",
        Seeds(4),
    ),
    Mutant(
        2, "the mount table is read once and remembered", "host/mounttable.py",
        "    mounts = kernel.mounts() if table is None else table\n    at =",
        '    mounts = vars(kernel).setdefault("seen", kernel.mounts()) if table is None else table\n    at =',
        Seeds(1),
    ),
    Mutant(
        2, "the loop devices of an image are remembered", "host/loops.py",
        "    return [loop for loop in attached(kernel) if loop.backing == backing]",
        "    found = [loop for loop in attached(kernel) if loop.backing == backing]\n"
        '    return list(vars(kernel).setdefault("seen", {}).setdefault(backing, found))',
        Seeds(1),
    ),
    Mutant(
        2, "what is unmounted is not compared with what was looked at", "host/mounting.py",
        '    if top.id != args["mount"]:', '    if top.id != args["mount"] and not top:',
        Suite(WORK, "another_mount and simulated", why="a simulated child acts at once"),
    ),
    Mutant(
        2, "the device is not looked at again once it is open", "host/mounting.py",
        "    if now is None or now.backing != backing_of(image, kernel):", "    if now is None:",
        Suite(BLIND, "another_by_now", why="a simulated child acts at once"),
    ),
    Mutant(
        6, "what was mounted is not verified before it is put in place", "host/mounting.py",
        "    verify_mounted(mount, fs, uuid, kernel.fstat(device).st_rdev, kernel)\n", "",
        Suite(BLIND, "another_by_now", why="a simulated child acts at once"),
    ),
    Mutant(
        2, "what is trimmed is not looked at", "host/trims.py",
        "    if not isinstance(seen, Present) or seen.facts.id != kernel.statx(root).mount:",
        "    if not isinstance(seen, Present) and not seen:",
        Suite("tests/host/test_care_trim.py", why="a simulated child acts at once"),
    ),
    Mutant(
        3, "a failed read counts as blank", "host/signatures.py",
        '        return Unknown(f"a read failed: {error.strerror}")', "        return Blank()",
        UNREADABLE,
    ),
    Mutant(
        3, "format when blkid says nothing: an unknown signature is none", "host/signatures.py",
        "            if not _all_zero(read_exactly(direct, offset, length, kernel)):\n"
        '                return Holds("unknown data")',
        "            break",
        Suite("tests/host/test_formats_holds.py", why="nobody else writes to an image that is simulated"),
    ),
    Mutant(
        3, "error read as absent: a name that cannot be looked at", "host/files.py",
        "        except FileNotFoundError:\n            return False\n        return True",
        "        except OSError:\n            return False\n        return True",
        Suite(BLIND, "cannot_be_looked_at", why="what seemed done is synced before it counts, and that fails too"),
    ),
    Mutant(
        3, "error read as absent: a mount whose device cannot be looked at", "host/mountpoints.py",
        '    return Unknown(f"what is mounted at {path} cannot be told: {error.strerror}")',
        "    return Absent()  # type: ignore[return-value]",
        Suite(BLIND, "cannot_be_looked_at", why="a loop device that is simulated is never sick itself"),
    ),
    Mutant(
        3, "a check that cannot read says nothing", "host/checks.py",
        '            raise Again(f"The volume cannot be read at byte {at}: {error.strerror}.") from error',
        "            return",
        Suite(WORK, "cannot_be_read_is_not_judged and simulated", why="a check that is wrong changes nothing"),
    ),
    Mutant(
        3, "a check without a verdict counts as clean", "host/checks.py",
        '    return "damaged" if status & 4 else None', '    return "damaged" if status & 4 else "clean"',
        Suite("tests/host/test_care_check.py", why="a simulated image has no inner life to be checked"),
    ),
    Mutant(
        4, "a check repairs", "host/tools.py",
        '"-f", "-n", target', '"-f", "-y", target',
        Suite("tests/host/test_care_check.py", why="a simulated image has no inner life to be checked"),
    ),
    Mutant(
        4, "whatever is mounted at the path is ours", "host/mountpoints.py",
        "    return _ours(top, (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino))",
        "    return _ours(top, True)",
        Suite(BLIND, "same_file_system", why="what covers a path is another disk there"),
    ),
    Mutant(
        6, "lazy unmount as success", "host/syscalls.py",
        "os.fsencode(path), UMOUNT_NOFOLLOW)", "os.fsencode(path), UMOUNT_NOFOLLOW | 2)",
        Suite("tests/host/test_mount_trees.py", why=BELOW),
    ),
    Mutant(
        6, "a busy unmount counts as done", "host/mounting.py",
        "        if error.errno == errno.EBUSY:\n", "        if error.errno == errno.EBUSY:\n            return\n",
        Suite("tests/host/test_mount_trees.py", why="nobody has files open in what is simulated"),
    ),
    Mutant(
        6, "a format is believed, and not looked at", "host/formats.py",
        "    found = signatures.probe(fd, kernel)\n    if found != Holds(fs, uuid):\n        raise Again(",
        "    found = signatures.probe(fd, kernel)\n    if not found:\n        raise Again(",
        Suite("tests/host/test_formats_make.py", why="a simulated mkfs does not lie"),
    ),
    Mutant(
        8, "removal may cross a mount", "host/trees.py",
        "_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV",
        "_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS",
        Suite("tests/host/test_trees_mounts.py", why="a mount would have to appear within a removal"),
    ),
    Mutant(
        8, "the mount table is not asked before a removal", "host/trees.py",
        "        if mounts:\n            raise InUse", "        if not path:\n            raise InUse",
        Suite("tests/host/test_trees_mounts.py", why="a removal that stops at a mount was asked for"),
    ),
    Mutant(
        8, "mount inside the state directory", "host/mountpoints.py",
        "        if mounttable.is_under(path, own):", "        if not path and own:",
        Seeds(1), quick=True,
    ),
    Mutant(
        9, "a kill counts as a death", "host/processes.py",
        "        return bool(poll.poll(grace * 1000))", "        return True",
        Suite("tests/host/test_children_proof_of_death.py", why=PROCESSES),
    ),
    Mutant(
        9, "whoever has the pid by now is the child", "host/processes.py",
        "        if start_time(child.pid) != child.start:", "        if start_time(child.pid) == 0:",
        Suite("tests/host/test_children_proof_of_death.py", why=PROCESSES),
    ),
    Mutant(
        9, "a child acts before its identity is journalled", "host/children.py",
        "            keeper.child_started(child.identity)\n",
        "            child.begin(work, args, fds)\n            keeper.child_started(child.identity)\n",
        Suite("tests/host/test_children_gate.py", why=PROCESSES),
    ),
    Mutant(
        9, "a worker that did not answer is given the next work", "host/children.py",
        "        answered = False\n", "        answered = True\n",
        Suite("tests/host/test_children_gate.py", why=PROCESSES),
    ),
    Mutant(
        9, "a worker that went wrong is taken as ended", "host/forks.py",
        "            self._all.discard(worker.identity)\n", "            pass\n",
        Suite("tests/host/test_children_gate.py", why=PROCESSES),
    ),
    Mutant(
        9, "a worker keeps what a work left open", "host/forkserver.py",
        "        syscalls.close_from(_SOCKET + 1)\n        send", "        send",
        Suite("tests/host/test_children_gate.py", why=PROCESSES),
    ),
)  # fmt: skip
