"""A SegFormer of random numbers in the format of the published ones, a few thousand of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


def save_tiny_segformer(folder: Path) -> str:
    """Writes config.json and weights into ``folder``; skips the test where the extra "mn" is not installed."""
    library = pytest.importorskip("transformers", reason="the extra 'mn' is not installed: no transformers")
    pytest.importorskip("peft", reason="the extra 'mn' is not installed: no peft")
    torch.manual_seed(0)
    config = library.SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2],
        sr_ratios=[4, 2, 1, 1], decoder_hidden_size=12, num_labels=5, mlp_ratios=[2, 2, 2, 2],
    )
    library.SegformerForSemanticSegmentation(config).save_pretrained(folder)
    return str(folder)
