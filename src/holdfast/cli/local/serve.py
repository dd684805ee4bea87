"""`holdfast serve`: the daemon in the foreground."""

import logging
import os

import structlog

from holdfast.faces.rest.server import serve
from holdfast.runtime.threads import ThreadRuntime
from holdfast.service import Daemon, Settings
from holdfast.testing.failpoints import armed


def run(state: str, run_dir: str, listen: str) -> None:
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
    daemon = Daemon(runtime, Settings(state=state, run=run_dir))
    runtime.hook = armed(os.environ.get("HOLDFAST_FAILPOINT", ""))
    daemon.start()
    try:
        serve(daemon, listen.removeprefix("unix:"))
    finally:
        daemon.stop()
