"""The variants of ``what_each_part_costs.py``: by name, the method and its settings.

Each names all that it changes, since the defaults are what came out of this. ``AS_WAS`` is how bcp, and what builds
on it, stood before (a quarter of the run on pasted labels alone, only mixes seen); likewise M3HL_WAS and MN_WAS.
"""

from __future__ import annotations

from typing import Any

AS_WAS: dict[str, Any] = {"pretraining": 0.25, "plain": 0.0}
M3HL_WAS: dict[str, Any] = {"pretraining": 0.1, "plain": 0.0}
MIXES: dict[str, Any] = {"pretraining": 0.0, "plain": 0.0}
PLAIN: dict[str, Any] = {"pretraining": 0.0, "plain": 1.0}
MN_WAS: dict[str, Any] = {
    "slice_network": "fast", "means": "one", "learners": "one", "batch": 2, "least_labelled": 1,
}
MN_IS: dict[str, Any] = {"slice_network": "fast", "means": "two", "learners": "both", "batch": 3, "least_labelled": 2}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "supervised": ("supervised", {}),
    "supervised, half the labels per step": ("supervised", {"batch": 1}),
    "bcp": ("bcp", AS_WAS),
    "bcp, no pre-training": ("bcp", MIXES),
    "bcp, no pre-training, no pseudo-labels": ("bcp", {**MIXES, "unlabelled_weight": 0.0}),
    "bcp, no pre-training, all pieces": ("bcp", {**MIXES, "largest": False}),
    "bcp, no pre-training, student predicts": ("bcp", {**MIXES, "inference": "student"}),
    "bcp, no pre-training, two pairs": ("bcp", {**MIXES, "pairs": 2}),
    "bcp, no pre-training, box 1/3": ("bcp", {**MIXES, "box": 1 / 3}),
    "bcp, no pre-training, a third of the rate": ("bcp", {**MIXES, "learning_rate": 1e-3}),
    "bcp, no pre-training, plain": ("bcp", PLAIN),
    "bcp, no pre-training, plain twice": ("bcp", {**MIXES, "plain": 2.0}),
    "cad": ("cad", AS_WAS),
    "cad, no pre-training": ("cad", MIXES),
    "cad, no pre-training, no agreement": ("cad", {**MIXES, "cross": 0.0, "displaced": 0.0}),
    "cad, no pre-training, no holes": ("cad", {**MIXES, "cut_out": 0.0}),
    "cad, no pre-training, plain": ("cad", PLAIN),
    "m3hl": ("m3hl", M3HL_WAS),
    "m3hl, no pre-training": ("m3hl", MIXES),
    "m3hl, no pre-training, no feature losses": ("m3hl", {**MIXES, "features": 0.0}),
    "m3hl, no pre-training, teacher at rest": ("m3hl", {**MIXES, "teacher": "inference"}),
    "m3hl, no pre-training, plain": ("m3hl", PLAIN),
    "transmedseg": ("transmedseg", AS_WAS),
    "transmedseg, no pre-training": ("transmedseg", MIXES),
    "transmedseg, no pre-training, no augmentation": ("transmedseg", {**MIXES, "augmentation": 0.0}),
    "transmedseg, no pre-training, plain": ("transmedseg", PLAIN),
    "mn": ("mn", MN_WAS),
    "mn, labels and pseudo-labels apart": ("mn", {**MN_WAS, "means": "two"}),
    "mn, both learn in every step": ("mn", {**MN_WAS, "learners": "both"}),
    "mn, two labelled patches": ("mn", {**MN_WAS, "batch": 3, "least_labelled": 2}),
    "mn, all of these": ("mn", MN_IS),
}
