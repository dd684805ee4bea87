"""The host as steps and drivers get it: one object per daemon."""

from holdfast.host.children import Children
from holdfast.host.files import Files
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.runtime.api import Runtime


class Host:
    """`private` are canonical paths of the daemon's own directories: nothing is ever mounted or pooled there."""

    def __init__(self, runtime: Runtime, children: Children, private: tuple[str, ...], kernel: Kernel = LINUX) -> None:
        self.runtime = runtime
        self.children = children
        self.kernel = kernel
        self.files = Files(runtime, kernel)
        self.private = private
