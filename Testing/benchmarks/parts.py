"""The variants of ``what_each_part_costs``: by name, the method and the settings that differ from its defaults."""

from __future__ import annotations

from typing import Any

U_NET: dict[str, Any] = {"slice_network": "fast"}
CLINICAL_MN: dict[str, Any] = {"means": "two", "learners": "both", "batch": 3, "least_labelled": 2}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "supervised": ("supervised", {}),
    "supervised, half the labels per step": ("supervised", {"batch": 1}),
    "bcp": ("bcp", {}),
    "bcp, no pre-training": ("bcp", {"pretraining": 0.0}),
    "bcp, no pre-training, no pseudo-labels": ("bcp", {"pretraining": 0.0, "unlabelled_weight": 0.0}),
    "bcp, no pre-training, all pieces": ("bcp", {"pretraining": 0.0, "largest": False}),
    "bcp, no pre-training, student predicts": ("bcp", {"pretraining": 0.0, "inference": "student"}),
    "bcp, no pre-training, two pairs": ("bcp", {"pretraining": 0.0, "pairs": 2}),
    "bcp, no pre-training, box 1/3": ("bcp", {"pretraining": 0.0, "box": 1 / 3}),
    "bcp, no pre-training, a third of the rate": ("bcp", {"pretraining": 0.0, "learning_rate": 1e-3}),
    "bcp, no pre-training, plain": ("bcp", {"pretraining": 0.0, "plain": 1.0}),
    "bcp, no pre-training, plain twice": ("bcp", {"pretraining": 0.0, "plain": 2.0}),
    "cad, no pre-training": ("cad", {"pretraining": 0.0}),
    "cad, no pre-training, no agreement": ("cad", {"pretraining": 0.0, "cross": 0.0, "displaced": 0.0}),
    "cad, no pre-training, no holes": ("cad", {"pretraining": 0.0, "cut_out": 0.0}),
    "cad, no pre-training, plain": ("cad", {"pretraining": 0.0, "plain": 1.0}),
    "m3hl, no pre-training": ("m3hl", {"pretraining": 0.0}),
    "m3hl, no pre-training, no feature losses": ("m3hl", {"pretraining": 0.0, "features": 0.0}),
    "m3hl, no pre-training, teacher at rest": ("m3hl", {"pretraining": 0.0, "teacher": "inference"}),
    "m3hl, no pre-training, plain": ("m3hl", {"pretraining": 0.0, "plain": 1.0}),
    "transmedseg, no pre-training": ("transmedseg", {"pretraining": 0.0}),
    "transmedseg, no pre-training, no augmentation": ("transmedseg", {"pretraining": 0.0, "augmentation": 0.0}),
    "transmedseg, no pre-training, plain": ("transmedseg", {"pretraining": 0.0, "plain": 1.0}),
    "mn": ("mn", U_NET),
    "mn, labels and pseudo-labels apart": ("mn", {**U_NET, "means": "two"}),
    "mn, both learn in every step": ("mn", {**U_NET, "learners": "both"}),
    "mn, two labelled patches": ("mn", {**U_NET, "batch": 3, "least_labelled": 2}),
    "mn, all of these": ("mn", {**U_NET, **CLINICAL_MN}),
}
