"""The recipes, by name: ``clinical`` (the defaults: minutes behind a first mask) and ``paper`` (as published).

Each row of ``PAPER`` holds what a paper does otherwise than our defaults. Where a paper and its released code differ,
or the code is broken, the method's own file says which one we follow and why; a row says "published in 2D" or "ours"
where a paper does not cover the dimension, so that nobody mistakes it for the authors' numbers.

What no recipe sets is ours in both: where patches are cut and how they are turned and perturbed, normalised grey
values, gradients clipped to a norm of 12 (engine/training/stepping.py); and ``semiseg train`` puts 200 supervised steps
before a paper's, and keeps no slice aside while it trains as a paper did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .fields import Settings, SettingsError
from .methods import METHOD_SETTINGS

RECIPES = ("clinical", "paper")
LA_PATCH, ACDC_PATCH, PLANE_224 = (80, 112, 112), (1, 256, 256), (1, 224, 224)
SGD: dict[str, Any] = {"optimiser": "sgd", "learning_rate": 0.01, "weight_decay": 1e-4}


@dataclass(frozen=True)
class Published:
    """What a paper trains on: ``network`` a key of ``engine.nets.NETWORKS`` (methods with two networks add its
    partner), ``patch`` (D, H, W) voxels, ``steps`` in all phases together, ``changes`` against our defaults.
    """

    network: str
    patch: tuple[int, int, int]
    steps: int
    source: str
    changes: dict[str, Any] = field(default_factory=dict)


def _bcp(dims: int, **more: Any) -> dict[str, Any]:
    """Bai et al. 2023, section 4.1 and released code, on which three methods build."""
    sizes = {"pretraining": 2000 / 17_000, "pairs": 2, "schedule": "steps"} if dims == 3 else {
        "pretraining": 0.25, "pairs": 6, "schedule": "constant"}
    return {**SGD, **sizes, "ema": 0.99, "plain": 0.0, "inference": "student", **more}


def _bcp_family(source: str, elsewhere: str, **more: Any) -> dict[int, Published]:
    """LA as published by BCP in 3D, ACDC in 2D; ``elsewhere`` is said of the 3D row."""
    return {
        3: Published("vnet", LA_PATCH, 17_000, f"{source}; {elsewhere}", _bcp(3, **more)),
        2: Published("unet", ACDC_PATCH, 40_000, f"{source}; ACDC", _bcp(2, **more)),
    }


def _m3hl(**more: Any) -> dict[str, Any]:
    return {**SGD, "pretraining": 0.0, "ema": 0.99, "plain": 0.0, "inference": "student", **more}


MEDL_PAPER: dict[str, Any] = {**SGD, "schedule": "steps", "batch": 2, "unlabelled": 2, "ramp_pseudo": False}
C3S3_PAPER: dict[str, Any] = {**SGD, "schedule": "poly", "batch": 1, "unlabelled": 1, "views": "same"}
SPCL_PAPER: dict[str, Any] = {
    "pretraining": 16_000 / 28_000, "optimiser": "radam", "learning_rate": 6e-5, "weight_decay": 1e-5, "ema": 0.0,
    "dice": 0.0, "batch": 5, "contrasted": 5, "contrasted_first": 30, "join": False,
}
ERSR_PAPER: dict[str, Any] = {
    **SGD, "pretraining": 0.5, "schedule": "poly", "ema": 0.99, "batch": 8, "unlabelled": 8, "consistency": 1.0,
    "ramp": 1.0, "overlap": 0.0, "slender": 1e6, "roundest": 1.0, "whole_slice": True, "inference": "student",
}
# 32,000 steps of each network: 4000 of both together, then 28,000 of each in turns
MN_PAPER: dict[str, Any] = {
    "optimiser": "adamw", "learning_rate": 1e-4, "together": 4000 / 60_000, "learners": "one", "means": "one",
    "batch": 5, "least_labelled": 1, "slices": 0, "rounding": "floor",
}

PAPER: dict[str, dict[int, Published]] = {
    "supervised": {
        3: Published("vnet", LA_PATCH, 6000, "the V-Net rows of the LA tables (Yu et al. 2019)",
                     {**SGD, "schedule": "steps", "ema": 0.0, "batch": 4}),
        2: Published("unet", ACDC_PATCH, 30_000, "the U-Net rows of the ACDC tables (Luo, SSL4MIS)",
                     {**SGD, "schedule": "poly", "ema": 0.0, "batch": 24}),
    },
    "mean_teacher": {
        3: Published("vnet", LA_PATCH, 6000, "schedule of Yu et al. 2019; the loss on unlabelled patches is ours",
                     {**SGD, "schedule": "steps", "ema": 0.99, "ramp": 1.0}),
        2: Published("unet", ACDC_PATCH, 30_000, "schedule of SSL4MIS; the loss on unlabelled patches is ours",
                     {**SGD, "schedule": "poly", "ema": 0.99, "ramp": 1.0, "batch": 12, "unlabelled": 12}),
    },
    "bcp": _bcp_family("section 4.1", "LA"),
    "transmedseg": _bcp_family("schedule of BCP; the augmentation's numbers are ours", "LA", memory=0.99),
    "cad": _bcp_family("schedule of ABD on BCP; the displacement's numbers are ours", "published in 2D", ramp=0.0),
    "m3hl": {
        3: Published("vnet", LA_PATCH, 15_000, "released code, LA", _m3hl(pairs_per_step=2, schedule="steps")),
        2: Published("unet", ACDC_PATCH, 30_000, "released code, ACDC", _m3hl(pairs_per_step=6, schedule="constant")),
    },
    "medl": {
        3: Published("vnet", LA_PATCH, 6000, "section IV.A", MEDL_PAPER),
        2: Published("unet", ACDC_PATCH, 6000, "section IV.A; the second network in 2D is ours", MEDL_PAPER),
    },
    "c3s3": {
        3: Published("vnet", LA_PATCH, 2500, "released code, LA", C3S3_PAPER),
        2: Published("unet", ACDC_PATCH, 2500, "published in 3D", C3S3_PAPER),
    },
    "spcl": {
        3: Published("vnet", LA_PATCH, 28_000, "published in 2D", SPCL_PAPER),
        2: Published("unet", PLANE_224, 28_000, "released code, ACDC", SPCL_PAPER),
    },
    "ersr": {2: Published("unet", PLANE_224, 20_000, "released code", ERSR_PAPER)},
    "mn": {3: Published("instance", (64, 160, 160), 60_000, "released code, LA", MN_PAPER)},
}
"""By method and dimensions."""


def published(method: str, dims: int) -> Published:
    """What the paper of ``method`` does with volumes (``dims`` 3) or slices (2).

    Raises SettingsError when the method does not exist or does not work in these dimensions.
    """
    if method not in PAPER:
        raise SettingsError(f"There is no method '{method}'; there are {', '.join(PAPER)}.")
    if dims not in PAPER[method]:
        only = " and ".join(f"{known}D" for known in PAPER[method])
        raise SettingsError(f"{method} works in {only} only. In {dims}D choose m3hl or bcp.")
    return PAPER[method][dims]


def recipe(method: str, name: str = "clinical", dims: int = 3) -> Settings:
    """The settings of ``method`` by the recipe ``name``, ``clinical`` or ``paper``, for 3D or 2D.

    Raises SettingsError when there is no such recipe, or as :func:`published`.
    """
    if name not in RECIPES:
        raise SettingsError(f"There is no recipe '{name}'; there are {' and '.join(RECIPES)}.")
    paper = published(method, dims)
    return METHOD_SETTINGS[method].from_dict(paper.changes if name == "paper" else {})
