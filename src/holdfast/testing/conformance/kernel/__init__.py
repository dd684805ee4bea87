"""The conformance suite of kernels: every call of `holdfast.host.kernel.Kernel`, what it answers and how it fails.

Subclass the classes of `SUITE` in a test module, and provide a fixture `machine`: a `KernelHarness`. The same
expectations then hold Linux and the simulated machine, so that the simulation cannot drift into proving itself.
"""

from holdfast.testing.conformance.kernel.beneath import BeneathConformance
from holdfast.testing.conformance.kernel.binds import BindConformance
from holdfast.testing.conformance.kernel.content import ContentConformance
from holdfast.testing.conformance.kernel.copying import CopyConformance
from holdfast.testing.conformance.kernel.descriptors import DescriptorConformance
from holdfast.testing.conformance.kernel.device_bytes import DeviceBytesConformance
from holdfast.testing.conformance.kernel.device_users import DeviceUserConformance
from holdfast.testing.conformance.kernel.devices import DeviceConformance
from holdfast.testing.conformance.kernel.filesystems import FileSystemConformance
from holdfast.testing.conformance.kernel.guarding import GuardConformance
from holdfast.testing.conformance.kernel.looking import LookingConformance
from holdfast.testing.conformance.kernel.names import NamesConformance
from holdfast.testing.conformance.kernel.opening import OpeningConformance
from holdfast.testing.conformance.kernel.subvolumes import SubvolumeConformance
from holdfast.testing.conformance.kernel.table import TableConformance

SUITE: tuple[type, ...] = (
    OpeningConformance, DescriptorConformance, BeneathConformance, ContentConformance, NamesConformance,
    LookingConformance, BindConformance, TableConformance, GuardConformance, FileSystemConformance, DeviceConformance,
    DeviceUserConformance, DeviceBytesConformance, CopyConformance, SubvolumeConformance,
)  # fmt: skip

__all__ = ["SUITE"]
