"""The process of the private control plane: started, asked, killed, started anew on the same state, and stopped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from typing import Any, TypeVar

import msgspec

from holdfast.drills.interrupts import undisturbed
from holdfast.drills.messages import MOST, Answer, Question
from holdfast.drills.report import Failed
from holdfast.model import errors
from holdfast.model.errors import HoldfastError, Unavailable
from holdfast.model.operations import Problem

T = TypeVar("T")
# The longest that a start, an answer or an end may take on a slow machine; seconds.
PATIENCE = 60.0
_LOG = "log"


def raised(problem: Problem) -> HoldfastError:
    """A problem as the error that it was."""
    return errors.by_code().get(problem.code, HoldfastError)(problem.detail, problem.hint)


class Ended(Exception):
    """The process ended before it answered."""


class Private:
    """At most one process, with its state in `directory`."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._number = 0

    @property
    def runs(self) -> bool:
        """Whether it is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers; raise Unavailable if it does not come up."""
        self.stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(PATIENCE)
        self._control = ours
        self._number = 0
        number = theirs.fileno()
        command = [sys.executable, "-m", "holdfast.drills.plane", str(number), self._directory]
        # A group of its own: Ctrl-C is the drill's to hear, which then needs the control plane to clean up.
        with undisturbed(), theirs, open(os.path.join(self._directory, _LOG), "ab") as log:
            self._process = subprocess.Popen(
                command, pass_fds=(number,), stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )
        try:
            self._answer(ours, object)
        except Ended:
            raise Unavailable(f"The private control plane did not start: {self._last_words()}") from None

    def ask(self, kind: type[T], verb: str, **args: Any) -> T:
        """The answer to a question; raises the error that it is answered with, or Ended."""
        if self._control is None:
            raise Ended
        self._number += 1
        try:
            self._control.send(msgspec.json.encode(Question(self._number, verb, args)))
        except OSError:
            raise Ended from None
        return self._answer(self._control, kind)

    def _answer(self, control: socket.socket, kind: type[T]) -> T:
        while True:
            try:
                said = control.recv(MOST)
            except TimeoutError:
                self.kill()
                raise Failed(f"the control plane did not answer within {PATIENCE:g} s") from None
            except OSError:
                said = b""
            if not said:
                raise Ended
            answer = msgspec.json.decode(said, type=Answer)
            if answer.number == self._number:
                break
        if answer.problem is not None:
            raise raised(answer.problem)
        return msgspec.convert(answer.value, kind)

    def was_killed(self) -> bool:
        """Wait for its end; whether it died of SIGKILL."""
        return self._process is not None and self._process.wait(PATIENCE) == -signal.SIGKILL

    def stop(self) -> None:
        """End it: in order, or by force if it does not follow."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError), open(os.path.join(self._directory, _LOG), "rb") as log:
            return log.read().decode(errors="replace").strip()[-500:]
        return ""
