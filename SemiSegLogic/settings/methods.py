"""Every number of every method on one page, each with its place in the paper: compare us here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .fields import Settings, SettingsError, choice, number, switch, text


@dataclass(frozen=True)
class MethodSettings(Settings):
    """The settings of a method, which tell how much one step takes.

    ``pastes``: parts of images are put into other images. Patches should show a structure whole then, lest another part
    of it is pasted beside the one that is there.
    """

    pastes: ClassVar[bool] = False

    @property
    def patches(self) -> int:
        """Patches that a step learns from, in the phase that learns from most."""
        raise NotImplementedError


@dataclass(frozen=True)
class Optimised(MethodSettings):
    """How the networks learn; the papers use SGD with momentum 0.9."""

    optimiser: str = choice("muon", "Optimiser", ("muon", "sgd"), source="papers sgd")
    learning_rate: float = number(3e-3, "Learning rate (AdamW or SGD)", low=0, high=1, source="papers 0.01 with sgd")
    weight_decay: float = number(1e-2, "Weight decay", low=0, high=1, source="papers 1e-4")
    schedule: str = choice(
        "one_cycle", "Learning rate over a phase", ("one_cycle", "poly", "steps", "constant"),
        source="papers steps, poly or constant",
    )


@dataclass(frozen=True)
class Supervised(Optimised):
    """Partial cross-entropy and Dice on annotated voxels only (Cicek 2016; Gotkowski 2024)."""

    ema: float = number(0.97, "Decay of the averaged weights", low=0, high=1)
    batch: int = number(2, "Labelled patches per step", low=1, high=64)

    @property
    def patches(self) -> int:
        """Labelled ones."""
        return self.batch


@dataclass(frozen=True)
class MeanTeacher(Optimised):
    """Tarvainen and Valpola 2017, with confident pseudo-labels of the teacher."""

    ema: float = number(0.97, "Decay of the teacher", low=0, high=1, source="paper 0.99, then 0.999")
    confidence: float = number(0.9, "Least confidence of a pseudo-label", low=0, high=1, source="ours; paper: none")
    consistency: float = number(0.5, "Weight of the unlabelled loss", low=0, high=100, source="paper: of another loss")
    ramp: float = number(0.5, "Share of the run until that weight is full", low=0, high=1, source="ours")
    batch: int = number(2, "Labelled patches per step", low=1, high=64)
    unlabelled: int = number(2, "Unlabelled patches per step", low=1, high=64)

    @property
    def patches(self) -> int:
        """Labelled and unlabelled ones."""
        return self.batch + self.unlabelled


@dataclass(frozen=True)
class SPCL(MethodSettings):
    """Peng et al. 2021. Defaults train within minutes; the published value stands in each source."""

    pretraining: float = number(0.1, "Share of the run for the encoder alone", low=0, high=0.95, source="paper 0.57")
    optimiser: str = choice("muon", "Optimiser", ("muon", "radam"), source="paper radam")
    learning_rate: float = number(3e-3, "Learning rate", low=0, high=1, source="paper 6e-5, ACDC, with radam")
    weight_decay: float = number(1e-2, "Weight decay", low=0, high=1, source="paper 1e-5")
    ema: float = number(0.97, "Decay of the averaged weights", low=0, high=1, source="paper 0: no average")
    dice: float = number(1.0, "Weight of the Dice loss", low=0, high=100, source="paper 0: cross-entropy alone")
    batch: int = number(2, "Labelled patches per step", low=1, high=64, source="paper 5")
    contrasted: int = number(4, "Contrasted patches per step", low=2, high=256, source="paper 5")
    contrasted_first: int = number(8, "Contrasted patches per pre-training step", low=2, high=256, source="paper 30")
    join: bool = switch(True, "Contrast labelled patches too", source="paper no; recommended")
    parts: int = number(3, "Stretches of a volume", low=2, high=64, source="code: ACDC 3, PROMISE12 and MMWHS 8")
    temperature: float = number(0.07, "Temperature of the similarities", low=0.01, high=10, source="released code")
    weight: float = number(0.1, "Weight of the contrast in training", low=0, high=100, source="grid 0.001 to 10")
    partition_weight: float = number(1.0, "Weight of the position contrast", low=0, high=100, source="eq. 4")
    patient_weight: float = number(0.1, "Weight of the patient contrast", low=0, high=100, source="grid 0.01 to 0.5")
    self_weight: float = number(0.0, "Weight of contrasting each patch with itself", low=0, high=100, source="SimCLR")
    pacing: str = choice("linear", "Weights of the pairs", ("linear", "hard"), source="eq. 3")
    first_age: float = number(3.0, "Pair loss trusted at the start", low=0.1, high=1e9, source="grid 1 to 5")
    partition_age: float = number(60.0, "Trusted at the end, position", low=0.1, high=1e9, source="grid 10 to 80")
    patient_age: float = number(50.0, "Trusted at the end, patient", low=0.1, high=1e9, source="grid 10 to 80")
    age_power: float = number(0.5, "Exponent of the growing trust", low=0.01, high=10, source="released code 0.5")
    restore: bool = switch(False, "Divide by the mean weight of the pairs", source="released code; not in the paper")

    @property
    def patches(self) -> int:
        """Two views of each that is contrasted, and labelled ones."""
        return max(2 * self.contrasted_first, self.batch + 2 * (self.contrasted + self.batch * self.join))


@dataclass(frozen=True)
class BCP(Optimised):
    """Bai et al. 2023. Defaults train within minutes; the published value stands in each source."""

    pastes: ClassVar[bool] = True

    pretraining: float = number(0.0, "Share of the run for labels alone", low=0, high=0.95, source="LA .12, ACDC .25")
    ema: float = number(0.97, "Decay of the teacher", low=0, high=1, source="paper 0.99")
    pairs: int = number(1, "Pairs of patches, labelled and unlabelled", low=1, high=64, source="paper LA 2, ACDC 6")
    box: float = number(2 / 3, "Side of the pasted box over side of the patch", low=0.05, high=1, source="section 4")
    unlabelled_weight: float = number(0.5, "Weight of pseudo-labels", low=0, high=10, source="eq. 5 and 6")
    plain: float = number(1.0, "Weight of labelled patches as they are", low=0, high=10, source="ours; paper 0")
    largest: bool = switch(True, "Each structure is one piece", source="section 3")
    inference: str = choice("teacher", "Network that predicts", ("teacher", "student"), source="paper student")

    @property
    def patches(self) -> int:
        """Of every pair of a, b and u, v: two mixes, and a and b as they are."""
        return 4 * self.pairs


@dataclass(frozen=True)
class ERSR(Optimised):
    """Zhou et al. 2025. Defaults train within minutes; the published value stands in each source."""

    pretraining: float = number(0.0, "Share of the run on labels alone", low=0, high=0.95, source="paper 0.5")
    ema: float = number(0.97, "Decay of the teacher", low=0, high=1, source="paper 0.99")
    batch: int = number(2, "Labelled slices per step", low=1, high=64, source="paper 8")
    unlabelled: int = number(4, "Unlabelled slices per step", low=1, high=64, source="paper 8")
    consistency: float = number(10.0, "Weight of the unlabelled losses", low=0, high=100, source="paper 1")
    ramp: float = number(0.1, "Share of training until that weight is full", low=0, high=1, source="paper 1")
    threshold: float = number(0.6, "Probability above which a pixel counts", low=0.5, high=0.99, source="paper 0.6")
    soft: bool = switch(False, "Keep probabilities in the refined map", source="released code no; abstract: soft")
    elliptical: str = text("all", "Elliptical structures: all, or values such as 1,2", source="paper: the head")
    score: str = choice("paper", "Scores of the filter", ("paper", "released"), source="released ranks poorly")
    pool: int = number(512, "Slices that the filter remembers", low=2, high=100_000, source="paper: an epoch")
    empty_below: float = number(0.1, "Absent where nothing is this likely", low=0, high=0.5, source="ours; paper 0.6")
    overlap: float = number(0.7, "Least overlap of ellipse and map", low=0, high=1, source="ours; paper 0")
    slender: float = number(3.0, "Greatest ratio of the axes", low=1, high=1e6, source="ours; paper: any")
    roundest: float = number(0.95, "Greatest ratio of axes to be mirrored", low=0, high=1, source="ours; paper 1")
    whole_slice: bool = switch(False, "Shrink whole slices to the patch", source="paper yes, 224 x 224")
    pixel_height: float = number(1.0, "Pixel height, times the image's own", low=0.01, high=100, source="ours")
    inference: str = choice("teacher", "Network that predicts", ("teacher", "student"), source="paper student")

    def elliptical_classes(self, values: Sequence[int]) -> list[int]:
        """Which of the classes 1, 2, ..., whose structures have the label ``values``, ``elliptical`` names. Raises
        SettingsError.
        """
        if self.elliptical.strip().lower() == "all":
            return list(range(1, len(values) + 1))
        named = {int(word) if word.strip().isdigit() else -1 for word in self.elliptical.split(",")}
        if not named <= set(values):
            there_are = ", ".join(map(str, values))
            raise SettingsError(f"ERSR.elliptical is '{self.elliptical}'; it takes all, or label values of structures: "
                                f"{there_are}.")
        return [number for number, value in enumerate(values, 1) if value in named]

    @property
    def patches(self) -> int:
        """Every unlabelled one as it is, and mirrored at its axis from either side."""
        return self.batch + 3 * self.unlabelled


@dataclass(frozen=True)
class TransMedSeg(BCP):
    """Wang et al. 2025, rebuilt from the abstract: settings of BCP, and those of the augmentation, chosen by us."""

    augmentation: float = number(0.1, "Weight of the augmented loss", low=0, high=100, source="not published")
    augmentation_ramp: float = number(0.1, "Share of the phase until it is full", low=0, high=1, source="our choice")
    strength: float = number(0.25, "Strength at the end of the run", low=0, high=10, source="TSA 0.25")
    memory: float = number(0.97, "Decay of class statistics", low=0, high=1, source="our choice; 0.99 for long runs")
    confidence: float = number(0.8, "Least confidence for the statistics", low=0, high=1, source="our choice")
    voxels: int = number(4096, "Voxels per class and step", low=32, high=1_000_000, source="our choice")
    least: int = number(32, "Least voxels of a class to learn from", low=1, high=100_000, source="our choice")
    margin: int = number(8, "Distance from the paste border", unit="voxels", low=0, high=64, source="our choice")
    limit: float = number(10.0, "Largest correction of a logit", low=0, high=1000, source="our choice")
    direction: str = choice("s2t", "Labelled to unlabelled, or back", ("s2t", "t2s"), source="unclear in the paper")
    use_mean: bool = switch(True, "Shift of the class means", source="for ablations")
    use_covariance: bool = switch(True, "Spread of the classes", source="for ablations")
    graph: bool = switch(False, "Graph clustering of GraphCL", source="base of the paper")
    graph_weight: float = number(0.01, "Weight of the graph clustering", low=0, high=10, source="GraphCL 0.01")
    clusters: int = number(4, "Clusters of the graph", low=2, high=64, source="not published")
    graph_temperature: float = number(2.0, "Threshold of the graph's attraction", low=1, high=100, source="GraphCL 2")


@dataclass(frozen=True)
class MEDL(Optimised):
    """He et al. 2024. Defaults train within minutes; the published value stands in each source."""

    batch: int = number(2, "Labelled patches per step", low=1, high=64, source="paper 2")
    unlabelled: int = number(2, "Unlabelled patches per step", low=0, high=64, source="paper 2")
    evidence: str = choice("softplus", "Evidence from a logit", ("softplus", "exp"), source="not published")
    class_aware: bool = switch(True, "Class-aware fusion", source="eq. 3; off: conventional fusion, fig. 4")
    own_share: float = number(0.5, "Share of a network's own doubt", low=0, high=1, source="eq. 5, table of lambda 1")
    curriculum: float = number(0.5, "Strength of the curriculum", low=0, high=1.3, source="eq. 6, value not published")
    fisher: float = number(0.01, "Weight of log |I|", low=0, high=10, source="eq. 7, value not published")
    evidential_weight: float = number(0.1, "Weight of the evidential loss", low=0, high=100, source="eq. 9, as in MCF")
    ramp: float = number(0.4, "Share of the run until pseudo-labels count in full", low=0, high=1, source="eq. 9")
    ramp_pseudo: bool = switch(True, "Ramp the pseudo-label loss too", source="paper no; recommended")
    fused_label_loss: bool = switch(False, "Teach the fused opinion on labels", source="table VI suggests it")

    @property
    def patches(self) -> int:
        """Labelled and unlabelled ones."""
        return self.batch + self.unlabelled


@dataclass(frozen=True)
class M3HL(Optimised):
    """Liu et al. 2025. Defaults train within minutes; the published value stands in each source."""

    pastes: ClassVar[bool] = True

    pretraining: float = number(0.0, "Share of the run on labels alone", low=0, high=0.95, source="paper 0")
    ema: float = number(0.97, "Decay of the teacher", low=0, high=1, source="paper 0.99")
    pairs_per_step: int = number(
        1, "Pairs of patches per step, labelled and unlabelled", low=1, high=64, source="paper LA 2, ACDC 6"
    )
    tiles: int = number(4, "Tiles of the mosaic along each axis", low=1, high=64, source="paper 4")
    masked: float = number(0.5, "Share of tiles that are exchanged", low=0, high=1, source="paper 0.5")
    unlabelled_weight: float = number(0.5, "Weight of pseudo-labels", low=0, high=10, source="released code 0.5")
    plain: float = number(1.0, "Weight of labelled patches as they are", low=0, high=10, source="ours; paper 0")
    features: float = number(0.5, "Weight of both feature losses", low=0, high=100, source="released code 0.5")
    pairs: str = choice("all", "Mixed and whole images compared", ("all", "own"), source="released code all")
    mask_low: bool = switch(False, "Compare last features where both show the same", source="ours; paper no")
    teacher: str = choice("training", "Mode of the teacher", ("training", "inference"), source="released code training")
    largest: bool = switch(True, "Each structure is one piece", source="paper yes")
    inference: str = choice("teacher", "Network that predicts", ("teacher", "student"), source="paper student")

    @property
    def patches(self) -> int:
        """As in BCP."""
        return 4 * self.pairs_per_step


@dataclass(frozen=True)
class CAD(BCP):
    """Xiao et al. 2025, rebuilt from the abstract: settings of BCP, and those of the displacement, chosen by us."""

    cross: float = number(1.0, "Weight of agreement between the students", low=0, high=100, source="ABD 1")
    displaced: float = number(1.0, "Weight of agreement on displaced images", low=0, high=100, source="ABD 1")
    ramp: float = number(1.0, "Share of the phase until agreement counts in full", low=0, high=1, source="ABD 0 on BCP")
    unsure: str = choice("threshold", "Unsure by", ("threshold", "quantile"), source="our choice")
    threshold_first: float = number(0.2, "Threshold at the start, relative", low=0, high=1, source="our choice")
    threshold_last: float = number(0.9, "Threshold at the end, relative", low=0, high=1, source="our choice")
    quantile_first: float = number(0.3, "Unsure share at the start", low=0.001, high=1, source="our choice")
    quantile_last: float = number(0.1, "Unsure share at the end", low=0.001, high=1, source="our choice")
    window_first: float = number(1 / 16, "Window's share of a side at the start", low=0, high=1, source="our choice")
    window_last: float = number(1 / 4, "Window's share of a side at the end", low=0, high=1, source="ABD 1/4")
    escalation: float = number(0.8, "Share of the phase until both are full", low=0, high=1, source="our choice")
    curve: str = choice("linear", "How threshold and window grow", ("linear", "late"), source="our choice")
    fewest: int = number(16, "Least size of an unsure region", unit="voxels", low=1, high=100_000, source="our choice")
    candidates: int = number(4, "Sure windows to choose from", low=1, high=64, source="ABD 4")
    regions: int = number(1, "Regions per image at the end", low=1, high=10, source="our choice")
    source: str = choice("displaced", "Where windows come from", ("displaced", "aligned"), source="ABD displaced")
    pseudo_view: str = choice("same", "View that pseudo-labels the strong one", ("same", "weak"), source="ABD same")
    cut_out: float = number(0.5, "Chance of a hole in the strong view", low=0, high=1, source="ABD 0.5")
    teacher_consistency: float = number(0.0, "Weight of agreement with the teacher", low=0, high=100, source="ABD off")


@dataclass(frozen=True)
class C3S3(Optimised):
    """He et al. 2025. Defaults train within minutes; the published value stands in each source."""

    batch: int = number(1, "Labelled patches per step", low=1, high=64, source="code 1")
    unlabelled: int = number(1, "Unlabelled patches per step", low=0, high=64, source="code 1")
    views: str = choice("perturbed", "The two views", ("perturbed", "same"), source="code same; recommended perturbed")
    score_share: float = number(0.8, "Share of cross-entropy in the score", low=0, high=1, source="LA .8, Pancreas .5")
    smoothing: float = number(0.0, "Decay of the averaged scores", low=0, high=0.999, source="code 0")
    temperature: float = number(0.1, "Temperature of the sharpening", low=0.01, high=1, source="code")
    competition: float = number(0.1, "Weight of the winner's pseudo-labels", low=0, high=100, source="code")
    ramp: float = number(0.4, "Share of the run until they count in full", low=0, high=1, source="code: never")
    consistency: float = number(1.0, "Weight of the cosine consistency", low=0, high=100, source="code")
    cosine: str = choice("both", "Cosine between", ("both", "view", "network", "depth"), source="paper network")
    contrast: float = number(0.1, "Weight of the contrast, per pair", low=0, high=100, source="code 2; not published")
    contrast_temperature: float = number(0.1, "Temperature of the contrast", low=0.01, high=10, source="code")
    anchors: int = number(256, "Anchors per class, space and image", low=1, high=100_000, source="our choice")
    negatives: int = number(512, "Negatives per class, space and image", low=2, high=100_000, source="our choice")

    @property
    def patches(self) -> int:
        """Labelled and unlabelled ones."""
        return self.batch + self.unlabelled


@dataclass(frozen=True)
class MN(MethodSettings):
    """M&N, Yeung et al. 2025. Defaults train within minutes; the published value stands in each source."""

    weights: str = text("", "Folder or hub name of a SegFormer", source="paper segformer-b2, ADE20K", advanced=False)
    slice_network: str = choice(
        "segformer", "Slice network", ("segformer", "unet", "fast"), source="paper segformer; others learn from scratch"
    )
    rank: int = number(64, "Rank of the low-rank updates", low=1, high=1024, source="released code 64")
    alpha: float = number(64.0, "Scale of the low-rank updates, times rank", low=0, high=1e4, source="released code 64")
    dropout: float = number(0.1, "Dropout before the low-rank updates", low=0, high=0.9, source="released code 0.1")
    optimiser: str = choice("muon", "Optimiser, volumes", ("muon", "adamw"), source="paper adamw")
    learning_rate: float = number(3e-3, "Learning rate, volumes", low=0, high=1, source="paper 1e-4 with adamw")
    slice_rate: float = number(1e-3, "Learning rate, slices (AdamW)", low=0, high=1, source="paper 1e-3")
    weight_decay: float = number(1e-2, "Weight decay", low=0, high=1, source="paper 0.01")
    together: float = number(0.2, "Share of the run on labels alone", low=0.01, high=0.95, source="paper 0.067")
    learners: str = choice("both", "Networks that learn in a step", ("both", "one"), source="paper one, in turns")
    means: str = choice("two", "Means over labels and pseudo-labels", ("two", "one"), source="ours; paper one mean")
    pseudo_weight: float = number(0.5, "Weight of the pseudo-labels' mean", low=0, high=10, source="ours")
    pseudo_ramp: float = number(0.5, "Share of the second stage until it is full", low=0, high=1, source="ours")
    least_labelled: int = number(2, "Labelled patches in every step, at least", low=1, high=63, source="paper 1")
    warm_up: float = number(0.1, "Share of the first stage to warm up", low=0.001, high=1, source="paper 0.1")
    swap: int = number(8, "Steps until the networks change places", unit="steps", low=1, high=10_000, source="paper 8")
    batch: int = number(3, "Patches per step", low=2, high=64, source="paper 5")
    slices: int = number(32, "Slices per step, drawn (0: all)", low=0, high=100_000, source="paper all, 320")
    growth: str = choice("progress", "Unlabelled share grows with", ("progress", "rate"), source="code progress")
    rounding: str = choice("spread", "Rounding of the count", ("spread", "floor"), source="released code floor")

    @property
    def patches(self) -> int:
        """Of the volume network."""
        return self.batch


METHOD_SETTINGS: dict[str, type[MethodSettings]] = {
    "supervised": Supervised,
    "mean_teacher": MeanTeacher,
    "bcp": BCP,
    "c3s3": C3S3,
    "medl": MEDL,
    "ersr": ERSR,
    "m3hl": M3HL,
    "mn": MN,
    "spcl": SPCL,
    "transmedseg": TransMedSeg,
    "cad": CAD,
}
"""Settings class of each method, by the name under which the method is asked for."""
