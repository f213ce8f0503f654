"""Convolutions of slices, computed as what they are.

Networks of slices keep five axes with a depth of one, and their kernels are flat. Left as volume convolutions, PyTorch
2.13 gives undefined gradients for some of them in bfloat16 on processors with AMX (32 channels on planes of 64 x 64,
for one), or crashes. The same numbers through ``conv2d`` are sound. Weights keep their names and shapes.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class PlanarConv(nn.Conv3d):
    """A flat convolution (1, h, w): the slices of the batch, one beside the other, through ``conv2d``."""

    def forward(self, x: Tensor) -> Tensor:
        """(B,F,D,H,W) -> (B,F',D,H',W'); no copy where the layout is channels-last."""
        assert not isinstance(self.padding, str)
        count, channels, depth = x.shape[:3]
        slices = x.movedim(2, 1).reshape(count * depth, channels, *x.shape[3:])
        stride, padding, dilation = self.stride[1:], self.padding[1:], self.dilation[1:]
        maps = F.conv2d(slices, self.weight.squeeze(2), self.bias, stride, padding, dilation, self.groups)
        return maps.unflatten(0, (count, depth)).movedim(1, 2)


def make_planar(network: nn.Module) -> None:
    """Let every flat convolution inside ``network`` be computed so; for networks of slices."""
    for module in network.modules():
        if type(module) is nn.Conv3d and module.kernel_size[0] == 1 and module.stride[0] == 1:
            module.__class__ = PlanarConv
