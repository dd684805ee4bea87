"""Wires the daemon and its faces: logging, start, serve, stop."""

import logging
import os

import structlog

from holdfast.control.daemon import Daemon, Settings
from holdfast.faces.rest import server
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.failpoints import armed


def serve(state: str, run: str, listen: str) -> None:
    """Start, serve until SIGTERM, stop. Mounts stay; unfinished operations resume at the next start."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    runtime = ThreadRuntime()
    daemon = Daemon(runtime, Settings(state=state, run=run))
    runtime.hook = armed(os.environ.get("HOLDFAST_FAILPOINT", ""))
    path = listen.removeprefix("unix:")
    listener = server.bind(path)  # before any other thread runs: binding narrows the process's umask for a moment
    try:
        daemon.start()
        server.serve(daemon, listener, path)
    finally:
        daemon.stop()
