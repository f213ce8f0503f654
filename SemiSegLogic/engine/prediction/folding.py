"""Batch normalisation folded into the convolution before it: the same function with fewer passes over memory."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

Child = tuple[nn.Sequential, int]
"""A module by its parent and its number there."""


def folded(network: nn.Module) -> nn.Module:
    """``network`` for prediction: a copy in which every normalisation that directly follows a convolution in a
    Sequential is part of it; ``network`` itself, as it is, when there is none.
    """
    if not _pairs(network):
        return network
    copied = copy.deepcopy(network).eval()
    for (above, n), (below, m) in _pairs(copied):
        _fold(above[n], below[m])  # type: ignore[arg-type]
        below[m] = nn.Identity()
    return copied


def _fold(convolution: nn.Conv3d | nn.ConvTranspose3d, norm: nn.BatchNorm3d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    convolution.weight, convolution.bias = fuse_conv_bn_weights(
        convolution.weight, convolution.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias,
        transpose=isinstance(convolution, nn.ConvTranspose3d),
    )


def _pairs(network: nn.Module) -> list[tuple[Child, Child]]:
    """Every convolution with its normalisation, once: Sequentials inside of Sequentials belong to the outer one."""
    nested = {id(part) for outer in network.modules() if isinstance(outer, nn.Sequential) for part in outer}
    chains = [m for m in network.modules() if isinstance(m, nn.Sequential) and id(m) not in nested]
    return [
        (first, second) for chain in chains for first, second in pairwise(_links(chain))
        if isinstance(first[0][first[1]], nn.Conv3d | nn.ConvTranspose3d)
        and getattr(second[0][second[1]], "running_mean", None) is not None
    ]


def _links(chain: nn.Sequential) -> Iterator[Child]:
    for number, part in enumerate(chain):
        if isinstance(part, nn.Sequential):
            yield from _links(part)
        else:
            yield chain, number
