"""The largest connected piece of each structure: pseudo-labels of structures that are known to be one piece.

On a processor scipy counts the pieces, about 10 ms for a million voxels. On a GPU the labels would have to travel there
and back; so every voxel takes the name of its first neighbour (a 3x3x3 maximum), then the name of the voxel that it is
named after, until nothing changes. Naming after a name doubles the reach each time, so a few rounds do. Both give the
same.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

LAST_NAME = 2**24  # float32 tells whole numbers apart up to here, and a maximum over neighbours exists for floats only
ROUNDS = 4  # between two looks at whether anything changed, each of which makes the host wait


def hard_labels(scores: Tensor, in_one_piece: bool) -> Tensor:
    """The best class of every voxel, (B,D,H,W) int64, of ``scores`` (B,K,D,H,W), logits or probabilities;
    ``in_one_piece``: of each structure the largest piece alone.
    """
    label = scores.max(1).indices
    return largest_components(label, scores.shape[1]) if in_one_piece else label


@torch.no_grad()
def largest_components(label: Tensor, classes: int) -> Tensor:
    """``label`` (B,D,H,W) int64 with only the largest connected piece of each foreground class in each image.

    Neighbours touch by face, edge or corner; of two pieces of one size the one that begins first stays; what is dropped
    becomes background. Labels carry no gradient. Not for structures that come in several pieces.
    """
    if label.device.type != "cpu" and label[0].numel() < LAST_NAME:
        return _kept_on_gpu(label, classes)
    kept = label.to(torch.uint8).cpu().numpy().copy()
    for image in kept:
        for value in range(1, classes):
            _keep_largest(_part_with(image, value), value)
    return torch.from_numpy(kept).to(label.device, torch.int64)


def _part_with(image: NDArray[np.uint8], value: int) -> NDArray[np.uint8]:
    """The smallest box of ``image`` with every ``value``, a view: pieces are counted in it several times faster."""
    inside = image == value
    axes = range(image.ndim)
    seen = [np.flatnonzero(inside.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
    return image[tuple(slice(where[0], where[-1] + 1) if len(where) else slice(0) for where in seen)]


def _keep_largest(image: NDArray[np.uint8], value: int) -> None:
    inside = image == value
    pieces, count = ndimage.label(inside, ndimage.generate_binary_structure(image.ndim, image.ndim))
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        image[inside & (pieces != sizes.argmax())] = 0


def _kept_on_gpu(label: Tensor, classes: int) -> Tensor:
    for value in range(1, classes):
        inside = label == value
        label = label.masked_fill(inside & ~_largest_piece(inside), 0)
    return label


def _largest_piece(inside: Tensor) -> Tensor:
    """(B,D,H,W) bool: the largest piece of each image of the same shape."""
    voxels = inside[0].numel()
    own = torch.arange(voxels, 0, -1, dtype=torch.float32, device=inside.device).view(1, 1, *inside.shape[1:])
    name = _named(own * inside[:, None])
    which = (voxels - name).flatten(1).long()  # the voxel that a piece is named after; of the background: one beyond
    sizes = torch.zeros(len(inside), voxels + 1, dtype=torch.int64, device=inside.device)
    sizes.scatter_add_(1, which, torch.ones_like(which))
    return (which == sizes[:, :voxels].argmax(1, keepdim=True)).view(inside.shape) & inside


def _named(name: Tensor) -> Tensor:
    """(B,1,D,H,W): every voxel with the highest ``name`` of its piece, which is that of its first voxel; 0 stays."""
    inside, voxels = name > 0, name[0].numel()
    while True:
        before = name
        for _ in range(ROUNDS):
            name = F.max_pool3d(name, 3, 1, 1) * inside
            named_after = (voxels - name).flatten(1).long().clamp_max(voxels - 1)
            name = name.flatten(1).gather(1, named_after).view(name.shape) * inside
        if torch.equal(before, name):
            return name
