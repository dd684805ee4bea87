"""`make bench-csi`: what the calls of CSI take, beside the reference host-path driver's recorded multiples of a Probe.

That driver's Go module cannot be fetched everywhere. What it takes was recorded as multiples of what a Probe takes on
the same machine: CreateVolume 2.7, and the cycle of stage, publish, unpublish and unstage 72. So a server in Go that
answers Probe and nothing else is measured in the same run, by the same client, and multiplied. JSON, and a table.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bench import bars, machine, ours, report
from bench.bars import Bar
from bench.daemon import Peer, scratch
from bench.face import BenchError
from bench.load import parallel
from bench.round import Measures
from holdfast.faces.csi.protocol import csi_pb2 as csi

LONGEST, PATIENCE = 900, 60.0
SIZE = 1 << 20
# The host-path driver's, in Probes.
CREATE, CYCLE = 2.7, 72.0
CALLS = ("NodeStageVolume", "NodePublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume")
BARS = (
    Bar("the cycle, alone, p50", "cycle_p50_s", "host_path_cycle_s", False, 0.2),
    Bar("CreateVolume, 8 clients", "create_rate_per_s", "host_path_create_rate_per_s", True, 0.8),
)
PROBE = Path(__file__).parents[1] / "lab/csi/probe"
_TICKS = os.sysconf("SC_CLK_TCK")


class CsiFace:
    """One connection, made where it is used: a channel does not outlive a fork."""

    def __init__(self, path: str) -> None:
        import grpc

        self._channel = grpc.insecure_channel(f"unix:{path}")
        self._calls: dict[str, Callable[..., Any]] = {}

    def ask(self, call: str, **fields: Any) -> Any:
        """Its answer."""
        if call not in self._calls:
            service = "Node" if call.startswith("Node") else "Identity" if call == "Probe" else "Controller"
            self._calls[call] = self._channel.unary_unary(
                f"/csi.v1.{service}/{call}", request_serializer=lambda asked: asked.SerializeToString(),
                response_deserializer=getattr(csi, f"{call}Response").FromString,
            )  # fmt: skip
        return self._calls[call](getattr(csi, f"{call}Request")(**fields), timeout=PATIENCE)

    def answers(self) -> bool:
        """Whether somebody does."""
        import grpc

        with contextlib.suppress(grpc.RpcError):
            return bool(self.ask("Probe") is not None)
        return False

    def close(self) -> None:
        """Hang up."""
        self._channel.close()


def probe(face: CsiFace, _name: str) -> None:
    """The least that a call can be."""
    face.ask("Probe")


def create(face: CsiFace, name: str) -> str:
    """A directory volume; its id."""
    capacity = csi.CapacityRange(required_bytes=SIZE)
    made = face.ask("CreateVolume", name=name, capacity_range=capacity, volume_capabilities=[_capability()])
    return str(made.volume.volume_id)


def _capability() -> Any:
    mode = csi.VolumeCapability.AccessMode(mode="SINGLE_NODE_WRITER")
    return csi.VolumeCapability(mount=csi.VolumeCapability.MountVolume(), access_mode=mode)


def _percentile(found: list[float], part: float) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * part))]


def timed(name: str, acts: list[Callable[[], object]]) -> Measures:
    """p50 and p99 in seconds."""
    found = []
    for act in acts:
        begin = time.monotonic()
        act()
        found.append(time.monotonic() - begin)
    return {f"{name}_p50_s": statistics.median(found), f"{name}_p99_s": _percentile(found, 0.99)}


def _cpu(pid: int) -> float:
    """Seconds of a daemon, its children, and those of them that ended."""
    used = 0
    for each in machine.family(pid):
        with contextlib.suppress(FileNotFoundError):
            used += sum(map(int, Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return used / _TICKS


@contextlib.contextmanager
def go_probe(root: Path) -> Iterator[str]:
    """A server in Go; its socket."""
    go = shutil.which("go", path=f"{os.environ.get('PATH', '')}:/usr/local/go/bin")
    if go is None:
        raise BenchError("Go is not installed, and the peer's Probe is in Go")
    subprocess.run([go, "build", "-o", str(root / "probe"), "."], cwd=PROBE, check=True)
    path = str(root / "go.sock")
    process = subprocess.Popen([str(root / "probe"), path])
    try:
        face = CsiFace(path)
        end = time.monotonic() + PATIENCE
        while not face.answers():
            if time.monotonic() > end:
                raise BenchError("the server in Go does not answer")
            time.sleep(0.01)
        face.close()
        yield path
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def holdfast(root: Path) -> Iterator[tuple[Peer, str]]:
    """A daemon that serves CSI, with a pool; and its socket."""
    peer, at, path = ours.peer(root), root / "kubelet", str(root / "csi.sock")
    (root / "holdfast.toml").write_text(f'listen.csi = "{path}"\ncsi.kubelet = "{at}"\n')
    at.mkdir()
    shared = f'mount --bind {at} {at}; mount --make-shared {at}; exec "$@"'
    peer.command = ["sh", "-ec", shared, "sh", *peer.command, "--config", str(root / "holdfast.toml")]
    peer.start()
    try:
        face = peer.face()
        face.make_pool(str(peer.source))
        face.close()
        yield peer, path
    finally:
        peer.stop()


def _go(path: str, times: int) -> Measures:
    face = CsiFace(path)
    found = timed("go_probe", [partial(probe, face, "")] * times)
    face.close()
    rate = parallel(partial(CsiFace, path), probe, [str(number) for number in range(times * 8)]).rate
    alone = found["go_probe_p50_s"]
    return {
        **found, "go_probe_rate_per_s": rate, "host_path_cycle_s": CYCLE * alone, "host_path_create_s": CREATE * alone,
        "host_path_create_rate_per_s": rate / CREATE,
    }  # fmt: skip


def _ours(peer: Peer, path: str, root: Path, times: int) -> Measures:
    face = CsiFace(path)
    found = timed("probe", [partial(probe, face, "")] * times)
    uid = create(face, "cycled")
    cycle = [partial(face.ask, call, **_fields(call, uid, root / "kubelet")) for call in CALLS]
    for each in (*cycle, *cycle):  # not counted
        each()
    takes: dict[str, list[float]] = {call: [] for call in ("cycle", *CALLS)}
    before = _cpu(peer.pid)
    for _ in range(times):
        begin = last = time.monotonic()
        for call, act in zip(CALLS, cycle, strict=True):
            act()
            now = time.monotonic()
            takes[call].append(now - last)
            last = now
        takes["cycle"].append(last - begin)
    found["cycle_cpu_s"] = (_cpu(peer.pid) - before) / times
    for call, seconds in takes.items():
        found |= {f"{call}_p50_s": statistics.median(seconds), f"{call}_p99_s": _percentile(seconds, 0.99)}
    before = _cpu(peer.pid)
    found |= timed("create", [partial(create, face, f"alone-{number}") for number in range(times)])
    found["create_cpu_s"] = (_cpu(peer.pid) - before) / times
    face.close()
    found["create_rate_per_s"] = parallel(
        partial(CsiFace, path), create, [f"together-{number}" for number in range(times * 8)]
    ).rate
    return found


def _fields(call: str, uid: str, at: Path) -> dict[str, Any]:
    (at / "staging").mkdir(exist_ok=True)
    staging, target = {"staging_target_path": str(at / "staging")}, {"target_path": str(at / "target")}
    capable = {"volume_id": uid, "volume_capability": _capability()}
    return {
        "NodeStageVolume": {**capable, **staging},
        "NodePublishVolume": {**capable, **staging, **target},
        "NodeUnpublishVolume": {"volume_id": uid, **target},
        "NodeUnstageVolume": {"volume_id": uid, **staging},
    }[call]


def compare(asked: argparse.Namespace) -> int:
    """0 if every bar is met, else 1."""
    rounds: list[Measures] = []
    for number in range(asked.rounds):
        print(f"round {number + 1} …", file=sys.stderr, flush=True)
        with scratch(asked.scratch) as root:
            with go_probe(root) as path:
                found = _go(path, asked.times)
            with holdfast(root) as (peer, path):
                found |= _ours(peer, path, root, asked.times)
            rounds.append(found)
        os.sync()
    medians = {key: statistics.median(found[key] for found in rounds) for key in rounds[0]}
    judged = [bars.judge(bar, medians[bar.ours], medians[bar.theirs]) for bar in BARS]
    rows = [("measure", "")] + [(key, bars.shown(key, value)) for key, value in medians.items()]
    table = [("bar", "ours", "host-path", "ratio", "wanted", "")]
    for bar, result in zip(BARS, judged, strict=True):
        pair = bars.shown(bar.ours, result.ours), bars.shown(bar.theirs, result.theirs)
        table.append((result.what, *pair, f"{result.ratio:.3f}", result.bar, bars.verdict(result.met)))
    document: dict[str, object] = {
        "machine": machine.about(asked.scratch), "medians": medians, "rounds": rounds,
        "bars": [result._asdict() for result in judged],
    }  # fmt: skip
    met = all(result.met for result in judged)
    return report.emit(document, f"{bars.table(rows)}\n\n{bars.table(table)}", asked.json, met=met)


def main(arguments: list[str] | None = None) -> int:
    """0: every bar is met. 1: some are not. 2: it could not be measured."""
    parser = argparse.ArgumentParser(prog="bench.csi", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of all (3)")
    parser.add_argument("--times", type=int, default=200, help="of each call in a round (200)")
    parser.add_argument("--scratch", type=Path, default=Path("/var/tmp"), help="where; on a disk (/var/tmp)")
    parser.add_argument("--json", type=Path, help="the file for the JSON document (standard output)")
    asked = parser.parse_args(arguments)
    return report.bounded(LONGEST, lambda: compare(asked))


if __name__ == "__main__":
    sys.exit(main())
