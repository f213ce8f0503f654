"""Clustering of deep features as a graph (Aflalo et al.: DeepCut, 2023; GraphCL, ICML 2025)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def affinity(nodes: Tensor, temperature: float = 2.0) -> Tensor:
    """F F^T - max(F F^T) / temperature for unit rows (N,F): attraction above the threshold, repulsion below."""
    gram = nodes @ nodes.T
    return gram - gram.max() / temperature


def cut_loss(weights: Tensor, clusters: Tensor) -> Tensor:
    """-Tr(W S S^T) / N^2 for affinities (N,N) and soft clusters (N,K'): a number that knows no batch or patch size."""
    return -((weights @ clusters) * clusters).sum() / len(weights) ** 2


def propagated(gram: Tensor, nodes: Tensor) -> Tensor:
    """D^-1/2 A D^-1/2 X with A = the non-negative part of ``gram`` (N,N), ``nodes`` (N,F)."""
    edges = gram.clamp_min(0)
    scale = edges.sum(1).clamp_min(1e-6).rsqrt()
    return scale[:, None] * (edges @ (scale[:, None] * nodes))


class GraphClustering(nn.Module):
    """One graph convolution, a small perceptron, soft clusters; the loss is how badly they cut the graph."""

    def __init__(
        self, inside: int, clusters: int, temperature: float = 2.0, hidden: int = 64, most: int = 1024
    ):
        super().__init__()
        self.convolution = nn.Linear(inside, hidden)
        self.assign = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, clusters))
        self.temperature, self.most = temperature, most

    def forward(self, maps: Tensor) -> Tensor:
        """(B,F,d,h,w) -> scalar float32, on at most ``most`` random voxels of the batch."""
        with torch.autocast(maps.device.type, enabled=False):
            nodes = maps.float().flatten(2).transpose(1, 2).flatten(0, 1)
            if len(nodes) > self.most:
                nodes = nodes[torch.randint(len(nodes), (self.most,), device=nodes.device)]
            nodes = F.normalize(nodes, dim=1)
            hidden = F.relu(self.convolution(propagated(nodes @ nodes.T, nodes)))
            return cut_loss(affinity(nodes, self.temperature), torch.softmax(self.assign(hidden), 1))
