"""The conformance suite of children: what each piece of work of `holdfast.host.work` and `tools` does and answers.

Subclass the classes of `SUITE` in a test module, and provide a fixture `machine`: a `WorkHarness`. The fork server's
children and the simulated machine's are held to the same expectations.
"""

from holdfast.testing.conformance.kernel.work_care import CareWorkConformance
from holdfast.testing.conformance.kernel.work_copies import CopyWorkConformance
from holdfast.testing.conformance.kernel.work_devices import DeviceWorkConformance
from holdfast.testing.conformance.kernel.work_formats import FormatWorkConformance
from holdfast.testing.conformance.kernel.work_groups import GroupWorkConformance
from holdfast.testing.conformance.kernel.work_images import ImageWorkConformance
from holdfast.testing.conformance.kernel.work_mounts import MountWorkConformance

SUITE: tuple[type, ...] = (
    MountWorkConformance, ImageWorkConformance, DeviceWorkConformance, FormatWorkConformance, CareWorkConformance,
    CopyWorkConformance, GroupWorkConformance,
)  # fmt: skip

__all__ = ["SUITE"]
