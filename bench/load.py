"""The load: one client in this process, or several in processes of their own, each with one connection."""

import multiprocessing
import resource
import signal
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import NamedTuple, Protocol, TypeVar

from bench.face import BenchError


class Connected(Protocol):
    """A client's connection."""

    def answers(self) -> bool:
        """Whether the peer does."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...


F = TypeVar("F", bound=Connected)
CLIENTS = 8
LONGEST = 7200.0


class Load(NamedTuple):
    """When each request began and ended, in seconds of the monotonic clock, ordered by their ends."""

    requests: list[tuple[float, float]]
    client_cpu: float  # seconds that the clients themselves worked

    @property
    def rate(self) -> float:
        """Requests per second, from the first begin to the last end."""
        return len(self.requests) / (self.requests[-1][1] - min(begin for begin, _ in self.requests))

    @property
    def latencies(self) -> list[float]:
        """Seconds each."""
        return [end - begin for begin, end in self.requests]


def _each(face: F, verb: Callable[[F, str], object], names: Sequence[str]) -> list[tuple[float, float]]:
    done = []
    for name in names:
        begin = time.monotonic()
        verb(face, name)
        done.append((begin, time.monotonic()))
    return done


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def sequential(connect: Callable[[], F], verb: Callable[[F, str], object], names: Sequence[str]) -> Load:
    """One after the other."""
    face = connect()
    try:
        before = _cpu()
        return Load(_each(face, verb, names), _cpu() - before)
    finally:
        face.close()


def _ready(connect: Callable[[], F], gate: Barrier) -> F:
    """A connected client, once all are."""
    try:
        face = connect()
        if not face.answers():
            raise BenchError("the peer does not answer")
    except BaseException:
        gate.abort()  # nobody waits for this one
        raise
    gate.wait(LONGEST)
    return face


def _client(
    connect: Callable[[], F], verb: Callable[[F, str], object], names: Sequence[str], gate: Barrier, answer: Connection
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        face = _ready(connect, gate)
        before = _cpu()
        answer.send(Load(_each(face, verb, names), _cpu() - before))
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
        answer.send(f"{type(error).__name__}: {error}")


def parallel(
    connect: Callable[[], F], verb: Callable[[F, str], object], names: Sequence[str], clients: int = CLIENTS
) -> Load:
    """All clients at once, each with its share of the names. Raises BenchError if one of them failed."""
    # Processes: threads of one interpreter would wait for each other instead of for the peer.
    fork = multiprocessing.get_context("fork")
    gate = fork.Barrier(clients)
    pipes, workers = [], []
    for number in range(clients):
        ours, theirs = fork.Pipe(duplex=False)
        worker = fork.Process(target=_client, args=(connect, verb, names[number::clients], gate, theirs), daemon=True)
        worker.start()
        theirs.close()
        pipes.append(ours)
        workers.append(worker)
    try:
        return _together([_answer_of(pipe) for pipe in pipes])
    finally:
        for worker in workers:
            worker.terminate()  # nothing, where it ended
            worker.join()


def _answer_of(pipe: Connection) -> Load:
    try:
        found = pipe.recv()
    except EOFError:
        found = "it ended without a word"
    if not isinstance(found, Load):
        raise BenchError(f"a client failed: {found}")
    return found


def _together(loads: Sequence[Load]) -> Load:
    requests = sorted((request for load in loads for request in load.requests), key=lambda request: request[1])
    return Load(requests, sum(load.client_cpu for load in loads))
