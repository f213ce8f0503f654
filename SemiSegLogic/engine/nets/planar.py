"""Convolutions of slices, computed as what they are.

Networks of slices keep five axes with a depth of one, and their kernels are flat. Left as volume convolutions, PyTorch
2.13 gives undefined gradients for some of them in bfloat16 on processors with AMX (32 channels on planes of 64 x 64,
for one), or crashes; so it does for transposed ones (32 channels to 2 on planes of 136 x 132). The same numbers through
``conv2d`` and ``conv_transpose2d`` are sound, but for the narrowest (see sound.py). Weights keep names and shapes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .sound import in_float32, is_narrow


class PlanarConv(nn.Conv3d):
    """A flat convolution (1, h, w): the slices of the batch, one beside the other, through ``conv2d``."""

    def forward(self, x: Tensor) -> Tensor:
        """(B,F,D,H,W) -> (B,F',D,H',W'); no copy where the layout is channels-last."""
        if is_narrow(self, x):
            return in_float32(self.forward, x)
        assert not isinstance(self.padding, str)
        stride, padding, dilation = self.stride[1:], self.padding[1:], self.dilation[1:]
        maps = F.conv2d(to_slices(x), self.weight.squeeze(2), self.bias, stride, padding, dilation, self.groups)
        return to_volumes(maps, len(x))


class PlanarUp(nn.ConvTranspose3d):
    """A flat transposed convolution (1, h, w), through ``conv_transpose2d``."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B,F,D,H,W) -> (B,F',D,H',W'); as :class:`PlanarConv`."""
        assert output_size is None
        if is_narrow(self, x):
            return in_float32(self.forward, x)
        assert not isinstance(self.padding, str)
        stride, padding, dilation = self.stride[1:], self.padding[1:], self.dilation[1:]
        maps = F.conv_transpose2d(to_slices(x), self.weight.squeeze(2), self.bias, stride, padding,
                                  self.output_padding[1:], self.groups, dilation)
        return to_volumes(maps, len(x))


def make_planar(network: nn.Module) -> None:
    """Let every flat convolution inside ``network`` be computed so; for networks of slices."""
    for module in network.modules():
        planar = PLANAR.get(type(module))
        if planar and module.kernel_size[0] == 1 and module.stride[0] == 1:  # type: ignore[index]
            module.__class__ = planar


PLANAR: dict[type[nn.Module], type[nn.Module]] = {nn.Conv3d: PlanarConv, nn.ConvTranspose3d: PlanarUp}


def to_slices(volumes: Tensor) -> Tensor:
    """(B,C,D,H,W) -> (B D,C,H,W), the slices of a volume one after the other; a view where the layout allows it."""
    return volumes.movedim(2, 1).flatten(0, 1)


def to_volumes(slices: Tensor, count: int) -> Tensor:
    """(B D,C,H,W) -> (B,C,D,H,W): the inverse of :func:`to_slices` for ``count`` = B volumes."""
    return slices.unflatten(0, (count, -1)).movedim(1, 2)
