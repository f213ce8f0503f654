"""The sample study: real hippocampus MRI with experts' labels, or phantoms where it cannot be had."""

from .building import PHANTOM_STRUCTURES, STRUCTURES, Annotation, SampleStudy, build_study
from .folders import SampleError
from .hippocampus import ATTRIBUTION, SampleCase, choose, list_cases, read_reference, split
from .phantom import Phantom, make_phantom, write_phantoms
from .slices import broadest_axis, spread_slices
from .source import Source, find

__all__ = [
    "ATTRIBUTION",
    "PHANTOM_STRUCTURES",
    "STRUCTURES",
    "Annotation",
    "Phantom",
    "SampleCase",
    "SampleError",
    "SampleStudy",
    "Source",
    "broadest_axis",
    "build_study",
    "choose",
    "find",
    "list_cases",
    "make_phantom",
    "read_reference",
    "split",
    "spread_slices",
    "write_phantoms",
]
