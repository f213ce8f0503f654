"""The methods in words: what each does, and which data it suits."""

from __future__ import annotations

from dataclasses import dataclass

EVERY = "volumes and single images"


@dataclass(frozen=True)
class About:
    """``does`` one sentence; ``suits`` which data; ``paper`` where it was published."""

    does: str
    suits: str
    paper: str


ABOUT: dict[str, About] = {
    "supervised": About(
        "Learns from the drawn slices alone; the baseline that always runs first.", EVERY,
        "Cicek et al., MICCAI 2016"),
    "mean_teacher": About(
        "The average of past weights labels everything that is not drawn, where it is confident.", EVERY,
        "Tarvainen and Valpola, NeurIPS 2017"),
    "bcp": About(
        "Pastes boxes of unlabelled images into labelled ones and the other way round.", EVERY,
        "Bai et al., CVPR 2023"),
    "spcl": About(
        "First learns what slices at the same level in different patients have in common, doubtful pairs last.",
        f"{EVERY}; volumes with similar position", "Peng et al., NeurIPS 2021"),
    "mn": About(
        "A 2D network pre-trained on photographs and a 3D network learn from what was drawn, then from each other, "
        "too.",
        "volumes; needs pre-trained weights, or slice_network fast", "Yeung et al., MLMI 2025"),
    "ersr": About(
        "Fits ellipses to pseudo-labels and requires that mirror images are segmented alike.",
        "single images or slices of round structures, such as fetal heads", "Zhou et al., JBHI 2025"),
    "m3hl": About(
        "Mixes labelled and unlabelled images into a mosaic and compares deep and last features.", EVERY,
        "Liu et al., MICCAI 2025"),
    "c3s3": About(
        "Two different networks compete; contrast sharpens the borders on which they disagree.", EVERY,
        "He et al., ICME 2025"),
    "transmedseg": About(
        "Shifts deep features of labelled images towards the unlabelled ones, class by class, on top of bcp.", EVERY,
        "Wang et al., 2025 (rebuilt from the abstract)"),
    "medl": About(
        "Two different networks state how much evidence they have and teach each other where it is firm.", EVERY,
        "He et al., BIBM 2024"),
    "cad": About(
        "Replaces unsure regions with sure regions of the other view, adapting to each image, on top of bcp.", EVERY,
        "Xiao et al., 2025 (rebuilt from the abstract)"),
}
"""By the name under which a method is asked for."""
