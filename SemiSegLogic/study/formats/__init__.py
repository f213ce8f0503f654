"""Image and mask files: everything that enters or leaves a study passes here, grid and values checked."""

from .masks import HeaderSegment, LayeredMask, Mask, MaskSegment, read_layers, read_mask
from .volumes import read_image
from .writing import write_image, write_labelmap, write_seg_nrrd

__all__ = ["HeaderSegment", "LayeredMask", "Mask", "MaskSegment", "read_image", "read_layers", "read_mask",
           "write_image", "write_labelmap", "write_seg_nrrd"]
