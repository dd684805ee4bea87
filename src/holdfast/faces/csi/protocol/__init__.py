"""The messages of CSI v1.12.0, generated from csi.proto by lab/csi/stubs.

Source: github.com/container-storage-interface/spec, Copyright of its contributors, Apache License 2.0.
"""
