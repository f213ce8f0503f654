"""The learning curve as Slicer plot nodes."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

TABLE, CHART = "SemiSeg learning curve (table)", "SemiSeg learning curve"


def show_curves(columns: dict[str, list[float]]) -> None:
    """Put the curves (first column: x; all of one length) into one chart, made when absent."""
    table = _named("vtkMRMLTableNode", TABLE)
    table.RemoveAllColumns()
    for name, values in columns.items():
        column = vtk.vtkFloatArray()
        column.SetName(name)
        column.SetNumberOfValues(len(values))
        for place, value in enumerate(values):
            column.SetValue(place, value)
        table.AddColumn(column)
    chart = _named("vtkMRMLPlotChartNode", CHART)
    chart.RemoveAllPlotSeriesNodeIDs()
    x, *curves = list(columns)
    chart.SetXAxisTitle(x)
    for number, name in enumerate(curves):
        chart.AddAndObservePlotSeriesNodeID(_series(table, x, name, number).GetID())


def open_chart() -> None:
    """Switch to a layout with a plot view and show the chart there."""
    chart = slicer.mrmlScene.GetFirstNode(CHART, "vtkMRMLPlotChartNode")
    if chart is not None:
        slicer.modules.plots.logic().ShowChartInLayout(chart)


def plot_nodes() -> list[Any]:
    """The nodes of the curve, to be removed with ours."""
    kinds = ("vtkMRMLTableNode", "vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode")
    scene = slicer.mrmlScene
    every = [scene.GetNthNodeByClass(n, kind) for kind in kinds for n in range(scene.GetNumberOfNodesByClass(kind))]
    return [node for node in every if node.GetAttribute("SemiSeg.Role") == "curve"]


def _series(table: Any, x: str, name: str, number: int) -> Any:
    node = _named("vtkMRMLPlotSeriesNode", f"SemiSeg {name}")
    node.SetAndObserveTableNodeID(table.GetID())
    node.SetXColumnName(x)
    node.SetYColumnName(name)
    node.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    node.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleNone)
    node.SetUniqueColor() if number >= len(_COLOURS) else node.SetColor(*_COLOURS[number])
    return node


_COLOURS = ((0.10, 0.45, 0.80), (0.90, 0.50, 0.10), (0.20, 0.60, 0.30), (0.70, 0.25, 0.60))


def _named(kind: str, name: str) -> Any:
    node = slicer.mrmlScene.GetFirstNode(name, kind)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass(kind, name)
        node.SetAttribute("SemiSeg.Role", "curve")
    return node
