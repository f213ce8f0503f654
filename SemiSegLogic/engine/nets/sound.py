"""Volume convolutions in bfloat16 on a processor, except where PyTorch's are not sound.

With AMX, PyTorch 2.13 (oneDNN) writes beyond its buffers in the gradient of a convolution's kernel when the volume is
shallow and its planes large: 2 or 4 deep with 32 channels on planes of 64 x 64 the gradient is no number, on 96 x 96
the program dies; 8 deep that begins between 128 x 128 and 192 x 192. Neither is an error that could be caught. So
shallow volumes with large planes are convolved in float32 while a network learns: slower, and right.

What steps along the width until one voxel is left, and what grows from one, uses memory there that nobody wrote, for
slices as well: values half as large again as the right ones, or no numbers, while learning and while predicting. Those
are convolved in float32 too; they are small.

With bfloat16 but without AMX (AMD's processors since Zen 4), the gradient of a kernel that is deeper than its volume
(2 deep under a kernel of 3; 2 to 4 under one of 5) holds memory that nobody wrote: no numbers, or others than the
right ones. So does what a kernel deeper than one slice makes of it where the image has one channel. Both in float32.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

LARGEST_PLANE = 18_000
"""Numbers in a plane (voxels times channels) for each voxel of depth. The smallest that failed had 32,768 (4 deep);
twenty shapes at this edge, of 16 to 256 channels and 2 to 16 deep, were right.
"""


class SoundConv(nn.Conv3d):
    """A convolution of volumes."""

    def forward(self, x: Tensor) -> Tensor:
        """(B,F,D,H,W) -> (B,F',D',H',W'), as nn.Conv3d."""
        large = _is_unsound(x, max(self.in_channels, self.out_channels))
        if not (large or is_narrow(self, x) or _is_deeper_than(self, x)):
            return super().forward(x)
        return in_float32(super().forward, x)


class SoundUp(nn.ConvTranspose3d):
    """A transposed convolution of volumes."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B,F,D,H,W) -> (B,F',D',H',W'), as nn.ConvTranspose3d; the volume that counts is the larger one, which comes
        out.
        """
        assert output_size is None
        wider = self.stride[1] * self.stride[2]
        if not (is_narrow(self, x) or _is_unsound(x, wider * max(self.in_channels, self.out_channels))):
            return super().forward(x)
        return in_float32(super().forward, x)


def make_sound(network: nn.Module) -> None:
    """Let every convolution of volumes inside ``network`` be computed so."""
    for module in network.modules():
        module.__class__ = SOUND.get(type(module), type(module))


SOUND: dict[type[nn.Module], type[nn.Module]] = {nn.Conv3d: SoundConv, nn.ConvTranspose3d: SoundUp}


def in_float32(convolve: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """``convolve`` of ``x`` (B,F,D,H,W) without autocast."""
    with torch.autocast("cpu", enabled=False):
        return convolve(x.float())


def is_narrow(convolution: nn.Conv3d | nn.ConvTranspose3d, x: Tensor) -> bool:
    """Whether the coarser side of a ``convolution`` of ``x`` (B,F,D,H,W) that steps along W would be one voxel wide, in
    bfloat16 on a processor.
    """
    if convolution.stride[2] == 1 or not _in_half_on_processor(x):
        return False
    if isinstance(convolution, nn.ConvTranspose3d):
        return x.shape[4] == 1
    assert not isinstance(convolution.padding, str)
    kernel = convolution.dilation[2] * (convolution.kernel_size[2] - 1) + 1
    return x.shape[4] + 2 * convolution.padding[2] - kernel < convolution.stride[2]


def _is_deeper_than(convolution: nn.Conv3d, x: Tensor) -> bool:
    """Whether the kernel of ``convolution`` is so much deeper than ``x`` (B,F,D,H,W) that it would not be sound."""
    if convolution.kernel_size[0] <= x.shape[2] or not _in_half_on_processor(x):
        return False
    return torch.is_grad_enabled() if x.shape[2] > 1 else convolution.in_channels == 1


def _is_unsound(x: Tensor, channels: int) -> bool:
    """Whether the gradient of a kernel of ``channels`` over ``x`` (B,F,D,H,W) would not be sound."""
    if not (torch.is_grad_enabled() and _in_half_on_processor(x)):
        return False
    _, _, depth, height, width = x.shape
    return height * width * channels > LARGEST_PLANE * depth


def _in_half_on_processor(x: Tensor) -> bool:
    return x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
