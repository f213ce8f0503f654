"""The only place that touches MRML: arrays with their grid go in and come out, voxel for voxel."""

from .screen import Screen

__all__ = ["Screen"]
