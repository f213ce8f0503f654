"""The help pages: what is committed is what the code says, and the figures are whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from SemiSegLogic.pages import FLOWS, draw, pages, write_pages
from SemiSegLogic.pages.drawing import FILL, Box, Flow
from SemiSegLogic.settings import ABOUT, METHOD_SETTINGS
from SemiSegLogic.settings.costs import costs

COMMITTED = Path(__file__).resolve().parents[2] / "Resources" / "help" / "methods"
SVG = "{http://www.w3.org/2000/svg}"


def test_the_committed_pages_are_those_that_the_code_makes() -> None:
    made = pages()
    assert {path.name for path in COMMITTED.iterdir()} == made.keys()
    old = [name for name, text in made.items() if (COMMITTED / name).read_text(encoding="utf-8") != text]
    assert old == [], "make them anew: python -m SemiSegLogic methods --pages Resources/help/methods"


def test_every_method_has_a_page_and_a_figure_that_the_page_shows(tmp_path: Path) -> None:
    names = {path.name for path in write_pages(tmp_path)}
    assert names == {"index.md", *(f"{name}.{kind}" for name in METHOD_SETTINGS for kind in ("md", "svg"))}
    for name in METHOD_SETTINGS:
        assert f"]({name}.svg)" in (tmp_path / f"{name}.md").read_text(encoding="utf-8")
        assert f"({name}.md)" in (tmp_path / "index.md").read_text(encoding="utf-8")


def test_a_page_has_the_idea_the_equations_the_differences_and_every_setting() -> None:
    text = pages()["bcp.md"]
    assert text.startswith("# BCP: bidirectional copy-paste\n")
    for part in ("CVPR\n2023", "Idea: labelled and", "    (3)  inward", "Where we differ and why", ABOUT["bcp"].does):
        assert part in text
    line = next(line for line in text.splitlines() if line.startswith("| `pretraining`"))
    assert line.split(" | ")[2:5] == ["0", "0.1176", "0.25"]  # clinical, the paper on LA, the paper on ACDC
    assert all(f"| `{name}` |" in text for name in METHOD_SETTINGS["bcp"]().to_dict())


@pytest.mark.parametrize("name", list(FLOWS))
def test_a_figure_shows_every_box_once_and_no_two_in_one_place(name: str) -> None:
    flow = FLOWS[name]
    root = ElementTree.fromstring(draw(flow))
    words = [item.text for item in root.iter(f"{SVG}text")]
    assert all(words.count(line) >= 1 for box in flow.boxes.values() for line in box.lines)
    places = [(box.column, box.row) for box in flow.boxes.values()]
    near = [(a, b) for a in places for b in places if a < b and abs(a[0] - b[0]) < 1 and abs(a[1] - b[1]) < 1]
    assert near == []
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for item in root.iter(f"{SVG}rect"):
        x, y = float(item.get("x", 0)), float(item.get("y", 0))
        assert 0 <= x <= x + float(item.attrib["width"]) <= width
        assert 0 <= y <= y + float(item.attrib["height"]) <= height


@pytest.mark.parametrize("name", list(FLOWS))
def test_arrows_join_boxes_that_exist_and_lead_from_data_to_every_loss(name: str) -> None:
    flow = FLOWS[name]
    pairs = [tuple(end.strip() for end in arrow.replace("~", ">").split(">")) for arrow in flow.arrows]
    assert len(set(pairs)) == len(pairs)
    reached = {box for box, shown in flow.boxes.items() if shown.kind == "data"}
    for _ in flow.boxes:
        reached |= {end for start, end in pairs if start in reached}
    assert reached == flow.boxes.keys()
    assert all(box.kind in FILL for box in flow.boxes.values())


def test_a_solid_arrow_stands_for_a_gradient_and_a_dashed_one_for_none() -> None:
    boxes = {"a": Box("data", "a", 0, 0), "b": Box("network", "b", 1, 0)}
    dashes = [draw(Flow("", boxes, (arrow,))).count("stroke-dasharray") for arrow in ("a > b", "a ~ b")]
    assert dashes == [0, 2]  # the arrow, and the legend that explains it


def test_words_are_safe_in_a_figure() -> None:
    flow = Flow("a < b & c", {"a": Box("data", "x < y|& z", 0, 0)}, ())
    assert "x < y" in [item.text for item in ElementTree.fromstring(draw(flow)).iter(f"{SVG}text")]


def test_every_method_was_measured_on_a_processor_beside_supervised() -> None:
    for name in METHOD_SETTINGS:
        found = [cost for cost in costs(name) if cost.kind == "cpu"]
        assert found
        assert all(cost.time > 0.5 and cost.memory > 0 and cost.date.startswith("20") for cost in found)
    assert all(0.8 < cost.time < 1.25 for cost in costs("supervised"))
    assert {cost.dims for cost in costs("ersr")} == {2}
    assert {cost.dims for cost in costs("mn")} == {3}
    assert costs("no such method") == []


def test_pages_cost_no_torch() -> None:
    program = "import sys, SemiSegLogic.pages as p; p.pages(); assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=COMMITTED.parents[2], check=True)
