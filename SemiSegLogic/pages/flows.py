"""What flows where in every method, for the figures: the parts of its losses, and which network teaches which."""

from __future__ import annotations

from .drawing import Box, Flow


def data(text: str, column: float, row: float) -> Box:
    """What is given: images, labels."""
    return Box("data", text, column, row)


def step(text: str, column: float, row: float) -> Box:
    """What is done with it."""
    return Box("step", text, column, row)


def network(text: str, column: float, row: float) -> Box:
    """A network that learns by gradient."""
    return Box("network", text, column, row)


def teacher(text: str, column: float, row: float) -> Box:
    """A network that does not."""
    return Box("teacher", text, column, row)


def loss(text: str, column: float, row: float) -> Box:
    """A term of the loss."""
    return Box("loss", text, column, row)


KNOWN, FREE = "labelled patches|a few slices judged", "unlabelled patches"
AVERAGE = "teacher|average; predicts"
MIXES = ("x > in", "u > in", "x > out", "u > out", "in > net", "out > net")

FLOWS: dict[str, Flow] = {
    "supervised": Flow(
        "Only voxels that somebody judged are learned from; the averaged weights predict.",
        {
            "x": data(KNOWN, 0, 0), "net": network("network", 1, 0),
            "sup": loss("cross-entropy + Dice|judged voxels", 2, 0),
            "avg": teacher("average|predicts", 1, 1),
        },
        ("x > net", "net > sup", "net ~ avg"),
    ),
    "mean_teacher": Flow(
        "The average of past weights labels clean unlabelled patches; the student learns them disturbed.",
        {
            "x": data(KNOWN, 0, 0), "aug": step("disturbed|grey values", 1, 1), "u": data(FREE, 0, 2),
            "net": network("student", 2, 0.5), "avg": teacher(AVERAGE, 2, 2),
            "pseudo": step("pseudo-label|where sure", 3, 2),
            "sup": loss("cross-entropy + Dice|judged voxels", 3, 0), "con": loss("cross-entropy|sure voxels", 3, 1),
        },
        ("x > net", "u > aug", "aug > net", "u ~ avg", "net > sup", "net > con", "net ~ avg", "avg ~ pseudo",
         "pseudo ~ con"),
    ),
    "bcp": Flow(
        "Boxes of unlabelled patches are pasted into labelled ones, and the other way round; a voxel keeps its label.",
        {
            "x": data(KNOWN, 0, 0), "in": step("labelled frame|unlabelled box", 1, 1),
            "out": step("unlabelled frame|labelled box", 1, 2), "u": data(FREE, 0, 3),
            "net": network("student", 2, 0.5),
            "avg": teacher(AVERAGE, 2, 3), "pseudo": step("pseudo-label|largest piece", 3, 3),
            "plain": loss("judged voxels|of whole patches", 3, 0), "mix": loss("labels, and|pseudo-labels at w", 3, 2),
        },
        (*MIXES, "x > net", "net > plain", "net > mix", "u ~ avg", "net ~ avg", "avg ~ pseudo", "pseudo ~ mix"),
    ),
    "spcl": Flow(
        "Slices of one level, or of one patient, are pulled together; the doubtful pairs count last.",
        {
            "x": data(KNOWN, 0, 0), "u": data("slices|level, patient known", 0, 1.5), "one": step("view 1", 1, 1),
            "two": step("view 2", 1, 2), "enc": network("encoder", 2, 0.5), "dec": network("decoder", 3, 0),
            "proj": network("projections|one per meta-label", 3, 1),
            "sup": loss("cross-entropy + Dice|judged voxels", 4, 0),
            "con": loss("contrast|easy pairs first", 4, 1), "avg": teacher("average|predicts", 3, 2),
        },
        ("x > enc", "u > one", "u > two", "one > enc", "two > enc", "enc > dec", "enc > proj", "dec > sup",
         "proj > con", "enc ~ avg"),
    ),
    "mn": Flow(
        "A network of slices and a network of volumes learn from labels and from each other's probabilities.",
        {
            "x": data(KNOWN, 0, 0), "u": data("unlabelled patches|ever more of them", 0, 2),
            "two": network("slice network|pre-trained", 1, 0), "three": network("volume network|predicts", 1, 2),
            "p2": step("its probabilities", 2, 1), "p3": step("its probabilities", 2, 3),
            "l2": loss("Dice + KL|slice network", 3, 0), "l3": loss("Dice + KL|volume network", 3, 2),
        },
        ("x > two", "u > two", "x > three", "u > three", "two > l2", "three > l3", "two ~ p2", "three ~ p3", "p2 ~ l3",
         "p3 ~ l2"),
    ),
    "ersr": Flow(
        "The teacher's maps are turned into ellipses; halves and their mirror images must be segmented alike.",
        {
            "x": data("labelled slices|judged", 0, 0), "mirror": step("one half|and its mirror image", 3, 1),
            "u": data("unlabelled slices", 0, 1), "net": network("student", 4, 0.5), "avg": teacher(AVERAGE, 1, 2),
            "filter": step("filter|smooth outlines stay", 2, 2), "fit": step("ellipse|and its long axis", 3, 2),
            "sup": loss("cross-entropy, Dice,|focal; judged", 5, 0), "sym": loss("symmetry", 5, 1),
            "seg": loss("squared error|to the ellipse", 5, 2),
        },
        ("x > net", "u > mirror", "mirror > net", "u ~ avg", "avg ~ filter", "filter ~ fit", "fit ~ mirror",
         "fit ~ seg", "net > sup", "net > sym", "net > seg"),
    ),
    "m3hl": Flow(
        "A mosaic exchanges tiles; deepest and last features of the mixes follow the teacher's of the whole images.",
        {
            "x": data(KNOWN, 0, 0), "in": step("unlabelled|labelled tiles", 1, 1),
            "out": step("labelled|unlabelled tiles", 1, 2), "u": data(FREE, 0, 3), "net": network("student", 2, 0.5),
            "avg": teacher(AVERAGE, 2, 3), "plain": loss("judged voxels|of whole patches", 3, 0),
            "mix": loss("labels, and|pseudo-labels at w", 3, 1), "high": loss("deepest features|cosine", 3, 2),
            "low": loss("last features|difference", 3, 3),
        },
        (*MIXES, "x > net", "net > plain", "net > mix", "net > high", "net > low", "u ~ avg", "net ~ avg", "avg ~ mix",
         "avg ~ high", "avg ~ low"),
    ),
    "c3s3": Flow(
        "Two different networks see two views; whoever does better on the labels teaches the other.",
        {
            "x": data(KNOWN, 0, 0), "u": data(FREE, 0, 2), "views": step("two views|one geometry", 1, 1),
            "a": network("network A", 2, 0), "b": network("network B", 2, 2),
            "win": step("who is better|on the labels?", 3, 3),
            "sup": loss("cross-entropy + Dice|judged voxels", 3, 0), "cos": loss("consistency|of all four", 3, 1),
            "con": loss("contrast|at the borders", 3, 2), "comp": loss("the loser follows|the winner", 4, 3),
        },
        ("x > views", "u > views", "views > a", "views > b", "a > sup", "b > sup", "a > cos", "b > cos", "a > con",
         "b > con", "b ~ win", "a ~ win", "win ~ comp"),
    ),
    "transmedseg": Flow(
        "Copy and paste as in bcp; and every class's features are moved to where unlabelled images have them.",
        {
            "x": data(KNOWN, 0, 0), "in": step("labelled frame|unlabelled box", 1, 1),
            "out": step("unlabelled frame|labelled box", 1, 2), "u": data(FREE, 0, 3),
            "net": network("student", 2, 0.5),
            "avg": teacher(AVERAGE, 2, 3), "stat": step("mean and spread|of every class", 3, 2.2),
            "pseudo": step("pseudo-label|largest piece", 3, 3.2), "plain": loss("judged voxels|of whole patches", 4, 0),
            "tsa": loss("expected loss of|moved features", 4, 2), "mix": loss("labels, and|pseudo-labels at w", 4, 1),
        },
        (*MIXES, "x > net", "net > plain", "net > tsa", "net > mix", "net ~ stat", "avg ~ stat", "stat ~ tsa",
         "u ~ avg", "net ~ avg", "avg ~ pseudo", "pseudo ~ mix"),
    ),
    "medl": Flow(
        "Two different networks report evidence; what both together believe, as far as it is firm, teaches each.",
        {
            "x": data(KNOWN, 0, 0), "u": data(FREE, 0, 2), "a": network("network 1", 1, 0),
            "b": network("network 2", 1, 2),
            "ev": step("evidence|belief and doubt", 2, 1), "fuse": step("both together|pseudo-label, trust", 3, 1),
            "sup": loss("cross-entropy + Dice|sure voxels first", 4, 0),
            "pse": loss("pseudo-label|as far as trusted", 4, 1),
            "fis": loss("evidential", 4, 2),
        },
        ("x > a", "x > b", "u > a", "u > b", "a > ev", "b > ev", "ev ~ fuse", "a > sup", "fuse ~ pse", "b > fis",
         "fuse ~ fis"),
    ),
    "cad": Flow(
        "Two students on two views of the mixes; their least sure region gives way to a sure one of the other view.",
        {
            "x": data(KNOWN, 0, 1), "u": data(FREE, 0, 2), "avg": teacher("teacher|average of student 1", 1, 0),
            "weak": step("mixes|weak view", 1, 1), "strong": step("mixes|strong view", 1, 2),
            "one": network("student 1", 2, 1), "two": network("student 2", 2, 2),
            "swap": step("least sure region|becomes a sure window", 2, 3),
            "mixed": loss("labels, and|pseudo-labels at w", 3, 0),
            "plain": loss("judged voxels|of whole patches", 3, 1), "cross": loss("agreement|on the mixes", 3, 2),
            "moved": loss("agreement|where displaced", 3, 3),
        },
        ("x > weak", "u > weak", "x > strong", "u > strong", "weak > one", "strong > two", "one > mixed",
         "two > mixed", "one > cross", "two > cross", "one > plain", "two > plain", "two ~ swap", "swap > moved",
         "u ~ avg", "avg ~ mixed"),
    ),
}
"""By the name under which a method is asked for."""
