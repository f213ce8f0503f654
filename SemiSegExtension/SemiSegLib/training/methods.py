"""The methods as a person reads them: one sentence each."""

from __future__ import annotations

from ..words import _

WORDS = {
    "recommended": (
        _("Recommended"),
        _(
            "Learns from your slices. With enough slices and time, it also tests whether your other volumes help, and "
            "tells you."
        ),
    ),
    "mean_teacher": (
        _("Confident answers (mean teacher)"),
        _("Learns from your slices and from its own confident answers everywhere else."),
    ),
    "supervised": (
        _("My slices only"),
        _("Learns only from the slices you drew; quick, for comparison."),
    ),
    "bcp": (
        _("Copy and paste (BCP)"),
        _("Pastes parts of labelled volumes into unlabelled ones, and vice versa."),
    ),
    "medl": (_("Two opinions (MEDL)"), _("Two networks teach each other, after weighing how sure each of them is.")),
    "mn": (
        _("Photographs help (M&N)"),
        _("A network pre-trained on photographs and a 3D network teach each other."),
    ),
    "spcl": (
        _("Position contrast (SPCL)"),
        _("First learns what looks alike at the same level in different patients."),
    ),
    "ersr": (_("Outlines in ultrasound (ERSR)"), _("For round structures in 2D ultrasound, such as fetal heads.")),
    "transmedseg": (
        _("Feature exchange (TransMedSeg)"),
        _("Makes the network see labelled and unlabelled volumes more alike."),
    ),
    "c3s3": (_("Competing networks (C3S3)"), _("Two networks compete; sharper borders.")),
    "cad": (_("Adaptive mixing (CAD)"), _("Replaces regions it is unsure about with regions it is sure about.")),
    "m3hl": (_("Mosaics (M3HL)"), _("Mixes labelled and unlabelled volumes into a mosaic.")),
}
"""Name of a method -> what it is called and what it does."""


def method_words() -> dict[str, tuple[str, str]]:
    """Name of a method -> what it is called and what it does, the recommended one first. The settings of the methods
    are not loaded for that: opening the panel would wait for them.
    """
    return dict(WORDS)


TIMES = (180.0, 900.0, 1800.0, 0.0)


def time_words() -> list[str]:
    """What the person chooses between, in the order of TIMES."""
    return [_("a few minutes"), _("a quarter of an hour"), _("half an hour"), _("as long as it helps")]
