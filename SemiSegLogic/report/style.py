"""How the report's pictures look: one type, few colours, and pictures without matplotlib's global state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, GREY, LINE = "#1b1f24", "#5d6670", "#d0d7de"
LEFT = 0.018  # margin, as a share of the width
DOTS_PER_INCH = 150
TYPE: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": LINE,
    "xtick.color": GREY, "ytick.color": GREY, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlelocation": "left",
}


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """A white figure of ``width`` x ``height`` inches that is written to ``path`` (PNG) when the block ends well."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(TYPE):
        figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, facecolor="white")
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(path)


def heading(figure: Figure, title: str, below: str, left: float = LEFT) -> None:
    """The title and one grey line, at the top of ``figure``; distances are kept in inches for any height."""
    height = figure.get_figheight()
    figure.text(left, 1 - 0.16 / height, title, size=15, weight="bold", va="top")
    figure.text(left, 1 - 0.50 / height, below, size=9.5, color=GREY, va="top")
