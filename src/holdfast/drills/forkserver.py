"""The fork server of a drill: the daemon's own, but its children meet the same ill devices as the control plane."""

import os
import signal
import socket
import sys
from typing import Any

import msgspec

from holdfast.drills.kernel import SickLinux
from holdfast.drills.sickness import Chart
from holdfast.host import tools, work
from holdfast.host.forkserver import Server
from holdfast.host.kernel import Kernel
from holdfast.host.tools import Tool
from holdfast.host.work import Work

# What a tool is called with in place of a device that is gone.
GONE = "/nonexistent"


def _over(kernel: Kernel, act: Work) -> Work:
    return lambda _linux, args, fds: act(kernel, args, fds)


def _called(chart: Chart, tool: Tool) -> Tool:
    """A tool is the real one, and knows of no chart; its target is its last argument."""

    def command(args: dict[str, Any], fds: tuple[int, ...]) -> list[str]:
        found = tool.command(args, fds)
        return [*found[:-1], GONE] if chart.ails(fds[0]) == "gone" else found

    return msgspec.structs.replace(tool, command=command)


def main() -> None:
    """Serve at the socket that is the first argument, by the chart that is the second, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.setpgid(0, 0)
    chart = Chart(sys.argv[2])
    kernel = SickLinux(chart)
    work.TABLE.update({name: _over(kernel, act) for name, act in work.TABLE.items()})
    tools.TOOLS.update({name: _called(chart, tool) for name, tool in tools.TOOLS.items()})
    Server(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
