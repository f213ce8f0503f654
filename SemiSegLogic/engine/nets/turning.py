"""Networks for volumes that lie otherwise than those from which they learned.

A convolution of a turned volume with a kernel that is turned alike is the turned convolution, exactly; so it is with
everything else in these networks, as long as they treat all axes alike. What a network knows need not be learned anew
only because the depth axis changed.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def turned(network: Mapping[str, Tensor], axes: tuple[int, int, int]) -> dict[str, Tensor]:
    """The state of ``network`` for volumes whose axes (D, H, W) were ``axes`` of those from which it learned. Kernels
    (F,F',d,h,w) that are no cubes get another shape: there is no such network.
    """
    if axes == (0, 1, 2):
        return dict(network)
    spatial = [2 + axis for axis in axes]
    return {name: value.permute(0, 1, *spatial) if value.dim() == 5 else value for name, value in network.items()}
