"""The parts of a drill: who falls ill, when the control plane dies, what is shown."""

import errno
import mmap
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from holdfast.cli.local import drill as cli
from holdfast.drills import catalogue
from holdfast.drills.kernel import SickLinux
from holdfast.drills.orders import Order, Orders
from holdfast.drills.sickness import Chart, Illness, Sickness
from holdfast.host import loops
from holdfast.host.linux import LINUX
from holdfast.host.loops import backing_of
from holdfast.host.signatures import Blank, Holds, probe
from holdfast.model.observations import Unknown
from holdfast.runtime.threads import ThreadRuntime
from tests.daemon import BIN, scratch, wait_until
from tests.drills.place import command, environment, processes, tools
from tests.needs import need_root


@pytest.fixture
def chart(tmp_path: Path) -> Chart:
    return Chart(str(tmp_path / "chart"))


@pytest.fixture
def image(tmp_path: Path) -> Iterator[int]:
    yield from _image(tmp_path / "image")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[int]:
    yield from _image(tmp_path / "other")


def _image(path: Path) -> Iterator[int]:
    path.write_bytes(b"data" * 1024 + bytes(1 << 20))
    fd = os.open(path, os.O_RDWR)
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    ("kind", "shows"),
    [
        ("gone", Unknown(f"it cannot be opened for reading: {os.strerror(errno.ENXIO)}")),
        ("zeros", Blank()),
        ("ENODATA", Unknown(f"a read failed: {os.strerror(errno.ENODATA)}")),
        ("EIO", Unknown(f"a read failed: {os.strerror(errno.EIO)}")),
        ("unmountable", Holds("unknown data")),
    ],
)
def test_an_ill_image_shows_its_illness_and_no_other_does(
    chart: Chart, image: int, other: int, kind: Illness, shows: object
) -> None:
    kernel, well = SickLinux(chart), Holds("unknown data")
    chart.put(Sickness(kind, backing_of(image)))
    assert (probe(image, kernel), probe(other, kernel), probe(image, LINUX)) == (shows, well, well)
    chart.put(Sickness(kind))
    assert (probe(other, kernel), probe(other, LINUX)) == (shows, well)
    chart.clear()
    assert probe(image, kernel) == well


@pytest.mark.root
def test_a_loop_device_is_as_ill_as_its_image(chart: Chart, image: int, other: int) -> None:
    need_root()
    kernel = SickLinux(chart)
    chart.put(Sickness("EIO", backing_of(image)))
    for fd, ill in ((image, True), (other, False)):
        device = loops.attach(fd, autoclear=True)
        try:
            assert isinstance(probe(device, kernel), Unknown) == ill
        finally:
            os.close(device)


@pytest.mark.usefixtures("other")
def test_what_is_gone_cannot_be_opened_by_its_name(chart: Chart, tmp_path: Path, image: int) -> None:
    kernel = SickLinux(chart)
    chart.put(Sickness("gone", backing_of(image)))
    with pytest.raises(OSError, match="No such device"):
        kernel.open(str(tmp_path / "image"), os.O_RDONLY)
    directory = kernel.open(str(tmp_path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(OSError, match="No such device"):
            kernel.openat2(directory, "image", os.O_RDONLY, 0)
        os.close(kernel.openat2(directory, "other", os.O_RDONLY, 0))
    finally:
        os.close(directory)


def test_zeros_are_as_many_as_there_are_bytes(chart: Chart, image: int) -> None:
    chart.put(Sickness("zeros", backing_of(image)))
    with mmap.mmap(-1, 8) as memory, memoryview(memory) as view:
        assert SickLinux(chart).preadv(image, [view[:4], view[4:]], os.fstat(image).st_size - 4) == 4
        assert LINUX.preadv(image, [view], 0) == 8
        assert bytes(view) == b"datadata"


def test_an_order_is_carried_out_at_its_time_once(chart: Chart) -> None:
    orders = Orders(ThreadRuntime(), chart)
    orders.give([Order("act", nth=2, sickness=Sickness("zeros"), after="undo")])
    for passed in ("act", "act", "undo", "other", "act"):
        orders(passed)
        assert chart.now() is None
    orders("act")
    assert chart.now() == Sickness("zeros")
    chart.clear()
    orders("act")
    assert chart.now() is None


def test_the_shell_completes_the_names_of_drills() -> None:
    script = subprocess.run([BIN, "completion", "bash"], capture_output=True, text=True, check=True).stdout
    words = "COMP_WORDS=(holdfast drill run lxd-12); COMP_CWORD=3"
    ask = f'PATH={BIN.parent}:$PATH; {words}; _holdfast; echo "${{COMPREPLY[*]}}"'
    done = subprocess.run(["bash", "-c", f"{script}\n{ask}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "lxd-12624", done


@pytest.mark.root
def test_a_drill_that_needs_what_the_driver_lacks_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tools()
    strange = msgspec.structs.replace(catalogue.DRILLS[0], needs=("block", "tape"))
    monkeypatch.setattr(cli, "DRILLS", (strange,))
    cli.run(all_=True)
    assert capsys.readouterr().out.splitlines()[-1] == "skipped: the driver dir offers no tape volumes"


@pytest.mark.root
def test_a_drill_that_is_killed_leaves_no_process() -> None:
    tools()
    with scratch() as root:
        env = environment(root / "tmp")
        process = subprocess.Popen(command("run", "longhorn-14042"), env=env, stdout=subprocess.DEVNULL)
        named = str(root / "tmp")
        wait_until(lambda: any("drills.plane" in found for found in processes(named)), "its control plane runs")
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until(lambda: not processes(named), "its processes end by themselves")
