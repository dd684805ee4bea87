"""The configuration of the daemon: read from TOML, checked, and described. What there is stands in `model.config`."""

from holdfast.config.checking import problems, socket_path
from holdfast.config.describing import example, reference
from holdfast.config.reading import DEFAULT_PATH, load, override

__all__ = ["DEFAULT_PATH", "example", "load", "override", "problems", "reference", "socket_path"]
