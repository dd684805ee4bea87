"""The host as steps and drivers get it: one object per daemon."""

from holdfast.host.children import Children
from holdfast.host.files import Files
from holdfast.runtime.api import Runtime


class Host:
    """`private` are canonical paths of the daemon's own directories: nothing is ever mounted or pooled there."""

    def __init__(self, runtime: Runtime, children: Children, private: tuple[str, ...]) -> None:
        self.runtime = runtime
        self.children = children
        self.files = Files(runtime)
        self.private = private
