"""Figures of the data flow, as SVG, from a description: boxes on a grid of columns and rows, arrows between them."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

WIDTH, GAP_X, GAP_Y, MARGIN = 146, 56, 18, 18
LINE_HEIGHT, PADDING = 15, 11
INK, GREY = "#1b1f24", "#5d6670"
FILL = {  # fill, border of each kind of box
    "data": ("#eef2f6", "#8c99a6"),
    "step": ("#ffffff", "#8c99a6"),
    "network": ("#d9e8fb", "#2f6fb7"),
    "teacher": ("#e5f3e8", "#3c8a52"),
    "loss": ("#fdeedd", "#c2701c"),
}
MEANING = {"data": "data", "step": "operation", "network": "network that learns", "teacher": "network that does not",
           "loss": "loss"}


@dataclass(frozen=True)
class Box:
    """``text`` lines parted by a bar; ``kind`` a key of FILL; ``column``, ``row`` from the top left, also fractions."""

    kind: str
    text: str
    column: float
    row: float

    @property
    def lines(self) -> list[str]:
        """What is written in it."""
        return self.text.split("|")


@dataclass(frozen=True)
class Flow:
    """``boxes`` by name; ``arrows`` by those names, "a > b" (with gradient) or "a ~ b" (without)."""

    caption: str
    boxes: dict[str, Box]
    arrows: tuple[str, ...]


def draw(flow: Flow) -> str:
    """The figure as an SVG document."""
    tall = max(len(box.lines) for box in flow.boxes.values()) * LINE_HEIGHT + 2 * PADDING
    right = max(box.column for box in flow.boxes.values())
    low = max(box.row for box in flow.boxes.values())
    width = 2 * MARGIN + (right + 1) * WIDTH + right * GAP_X
    height = 2 * MARGIN + (low + 1) * tall + low * GAP_Y + 30
    parts = [*(_arrow(flow, arrow, tall) for arrow in flow.arrows),
             *(_box(box, tall) for box in flow.boxes.values()), _legend(flow, height)]
    return _document(width, height, flow.caption, parts)


def _document(width: float, height: float, caption: str, parts: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="DejaVu Sans, Verdana, Helvetica, sans-serif" font-size="11.5">'
    )
    return "\n".join([
        head, f"<title>{escape(caption)}</title>",
        f'<rect width="{width:g}" height="{height:g}" rx="10" fill="#ffffff"/>', *parts, "</svg>", "",
    ])


def _corner(box: Box, tall: float) -> tuple[float, float]:
    return MARGIN + box.column * (WIDTH + GAP_X), MARGIN + box.row * (tall + GAP_Y)


def _box(box: Box, tall: float) -> str:
    (x, y), (fill, border) = _corner(box, tall), FILL[box.kind]
    dashed = ' stroke-dasharray="5 3"' if box.kind == "teacher" else ""
    shape = (f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{tall:g}" rx="{_roundness(box.kind, tall):g}" '
             f'fill="{fill}" stroke="{border}" stroke-width="1.4"{dashed}/>')
    top = y + tall / 2 - (len(box.lines) - 1) * LINE_HEIGHT / 2 + 4
    words = [
        f'<text x="{x + WIDTH / 2:g}" y="{top + n * LINE_HEIGHT:g}" text-anchor="middle" '
        f'fill="{INK if n == 0 else GREY}">{escape(line)}</text>'
        for n, line in enumerate(box.lines)
    ]
    return "\n".join([shape, *words])


def _roundness(kind: str, tall: float) -> float:
    return {"loss": tall / 2, "step": 3}.get(kind, 8)


def _arrow(flow: Flow, arrow: str, tall: float) -> str:
    sign = ">" if ">" in arrow else "~"
    start, end = (flow.boxes[name.strip()] for name in arrow.split(sign))
    (x0, y0), (x1, y1) = _corner(start, tall), _corner(end, tall)
    if abs(start.column - end.column) < 0.5:  # one above the other: from edge to edge, straight
        down = y1 > y0
        a, b = (x0 + WIDTH / 2, y0 + tall * down), (x1 + WIDTH / 2, y1 + tall * (not down))
        path = f"M{a[0]:g} {a[1]:g} L{b[0]:g} {b[1]:g}"
    else:
        forward = x1 > x0
        a, b = (x0 + WIDTH * forward, y0 + tall / 2), (x1 + WIDTH * (not forward), y1 + tall / 2)
        bend = (b[0] - a[0]) / 2
        path = f"M{a[0]:g} {a[1]:g} C{a[0] + bend:g} {a[1]:g} {b[0] - bend:g} {b[1]:g} {b[0]:g} {b[1]:g}"
    dashed = "" if sign == ">" else ' stroke-dasharray="4 4"'
    return f'<path d="{path}" fill="none" stroke="{GREY}" stroke-width="1.3"{dashed}/>\n{_head(a, b, path)}'


def _head(start: tuple[float, float], end: tuple[float, float], path: str) -> str:
    """A small triangle that points the way the path arrives: level after a bend, else along the line."""
    x, y = end
    if "C" in path:
        back = -7 if end[0] > start[0] else 7
        corners = [(x, y), (x + back, y - 3.5), (x + back, y + 3.5)]
    else:
        back = -7 if end[1] > start[1] else 7
        corners = [(x, y), (x - 3.5, y + back), (x + 3.5, y + back)]
    points = " ".join(f"{a:g},{b:g}" for a, b in corners)
    return f'<polygon points="{points}" fill="{GREY}"/>'


def _legend(flow: Flow, height: float) -> str:
    kinds = [kind for kind in FILL if any(box.kind == kind for box in flow.boxes.values())]
    x, y, parts = float(MARGIN), height - 20, []
    for kind in kinds:
        fill, border = FILL[kind]
        parts.append(f'<rect x="{x:g}" y="{y - 9:g}" width="14" height="11" rx="3" fill="{fill}" stroke="{border}"/>')
        parts.append(f'<text x="{x + 20:g}" y="{y:g}" fill="{GREY}" font-size="10.5">{MEANING[kind]}</text>')
        x += 34 + 6.2 * len(MEANING[kind])
    if any("~" in arrow for arrow in flow.arrows):
        parts.append(f'<path d="M{x:g} {y - 4:g} h22" stroke="{GREY}" stroke-width="1.3" stroke-dasharray="4 4"/>')
        parts.append(f'<text x="{x + 28:g}" y="{y:g}" fill="{GREY}" font-size="10.5">no gradient</text>')
    return "\n".join(parts)
