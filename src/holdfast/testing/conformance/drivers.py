"""The conformance suite of drivers: every verb of `holdfast.drivers.contract`, and how Unknown and Foreign arise.

Subclass `PoolConformance`, `VolumeConformance`, `CopyConformance` and `ImportConformance` in a test module, and provide
a fixture `harness` (a `holdfast.testing.conformance.harness.Harness`) and a fixture `kind`, one of its kinds.
"""

from holdfast.testing.conformance.copies import CopyConformance
from holdfast.testing.conformance.imports import ImportConformance
from holdfast.testing.conformance.pools import PoolConformance
from holdfast.testing.conformance.volumes import VolumeConformance

__all__ = ["CopyConformance", "ImportConformance", "PoolConformance", "VolumeConformance"]
