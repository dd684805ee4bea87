"""Tells the service manager how the daemon is: the protocol of sd_notify(3), without its library.

Nothing here raises: a daemon whose manager cannot be told goes on, and its log says so.
"""

import os
import socket

import structlog

log = structlog.get_logger()
# The manager's queue may be full for a moment; what it never takes is not worth more.
_PATIENCE = 5.0


class Notifier:
    """One per daemon. Without an address every call does nothing."""

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        self._address = address
        self._watchdog = watchdog

    @classmethod
    def from_environment(cls) -> "Notifier":
        """As the manager started us; to be called before the first child is, which must not see the variables.

        NOTIFY_SOCKET is a path, or @NAME for an abstract socket (unix(7)).
        """
        address = os.environ.pop("NOTIFY_SOCKET", "")
        usec, pid = os.environ.pop("WATCHDOG_USEC", ""), os.environ.pop("WATCHDOG_PID", "")
        ours = not pid or pid == str(os.getpid())
        seconds = int(usec) / 2e6 if ours and usec.isascii() and usec.isdigit() else 0.0
        if address and address[0] not in "/@":
            log.warning("NOTIFY_SOCKET is no path and no abstract name; nothing is sent", address=address)
            address = ""
        return cls(address, seconds or None)

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds between calls of `alive`: half of what the manager waits (sd_watchdog_enabled(3)); None: none."""
        return self._watchdog if self._address else None

    def ready(self, status: str = "") -> None:
        """The daemon serves."""
        self._send("READY=1", status)

    def status(self, status: str) -> None:
        """One line for people, shown by `systemctl status`."""
        self._send("", status)

    def stopping(self, status: str = "") -> None:
        """The daemon ends; mounts stay."""
        self._send("STOPPING=1", status)

    def alive(self) -> None:
        """The daemon is not stuck."""
        self._send("WATCHDOG=1", "")

    def _send(self, state: str, status: str) -> None:
        if not self._address:
            return
        said = f"STATUS={' '.join(status.split())}" if status else ""  # a newline would begin another assignment
        message = "\n".join(part for part in (state, said) if part).encode("utf-8", "backslashreplace")
        address = f"\0{self._address[1:]}" if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.settimeout(_PATIENCE)
                manager.sendto(message, os.fsencode(address))
        except OSError as error:
            log.warning("the service manager could not be told", state=state or said, error=str(error))
