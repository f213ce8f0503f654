"""Pictures of the panel at work for the README: real data, real training, real MRML; drawn offscreen, without Slicer.

``python Testing/slicer/make_screenshots.py DATA OUT [seconds]`` with DATA the folder Task04_Hippocampus (imagesTr,
labelsTr). The Segment Editor is Slicer's own widget; here it is drawn schematically.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "SemiSegExtension")]
PANEL, VIEW = 440, 470


class Camera:
    """Takes the panel and the three slice views together, as Slicer shows them."""

    def __init__(self, panel: Any, out: Path) -> None:
        import slicer

        from Testing.support.slicer_harness.render import SliceView

        self.panel, self.out = panel, out
        self.views = [SliceView(slicer.harness, name, (VIEW, VIEW)) for name in ("Red", "Yellow", "Green")]

    def take(self, name: str, *folded: Any, models: bool = False) -> None:
        """One picture; the sections ``folded`` are closed on it, and that of the models unless it is asked for."""
        import slicer
        from PySide6 import QtGui

        from Testing.support.clinician import settle

        for section in (self.panel.cases, self.panel.label, self.panel.train, self.panel.review, self.panel.export):
            section.header.collapsed = False
            section.refresh()
            section.header.collapsed = section in folded
        self.panel.models.header.collapsed = not models
        settle(self.panel)
        root = self.panel.root.real
        root.show()
        for _ in range(6):
            slicer.app.processEvents()
            root.resize(PANEL, max(2 * VIEW + 8, root.layout().totalSizeHint().height() + 20))
        left = root.grab().toImage()
        height = max(left.height(), 2 * VIEW + 8)
        picture = QtGui.QImage(PANEL + 2 * VIEW + 16, height, QtGui.QImage.Format.Format_RGB32)
        picture.fill(QtGui.QColor(24, 26, 30))
        painter = QtGui.QPainter(picture)
        painter.fillRect(0, 0, PANEL, height, root.palette().window())
        painter.drawImage(0, 0, left)
        for number, view in enumerate(self.views):
            view.fit()
            spot = (PANEL + 8 + (VIEW + 8) * (number % 2), (VIEW + 8) * (number // 2))
            painter.drawImage(*spot, self._image(view))
        painter.end()
        picture.save(str(self.out / f"{name}.png"))

    def _image(self, view: Any) -> Any:
        from PySide6 import QtGui

        pixels = view.picture()
        rows, columns, _ = pixels.shape
        return QtGui.QImage(pixels.tobytes(), columns, rows, 3 * columns, QtGui.QImage.Format.Format_RGB888).copy()


def make_panel(folder: Path) -> Any:
    from Testing.support.clinician import FakeInstaller
    from Testing.support.slicer_harness.app import boot

    slicer = boot()
    import qt

    from SemiSegLib.panel import Panel

    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    panel = Panel(root.layout(), FakeInstaller(folder / "environment"))
    panel.root = root
    panel.enter()
    return panel


def beat(panel: Any, until: Any, seconds: float = 600.0) -> None:
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        panel.tick()
        time.sleep(0.1)
    from Testing.support.clinician import settle

    settle(panel, 60)


def main(data: Path, out: Path, seconds: float) -> None:
    from Testing.support.slicer_harness.render import can_render

    if not can_render():
        sys.exit("No OpenGL for offscreen rendering here.")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        os.environ["SEMISEG_JOBS"], os.environ["HOME"] = f"{name}/jobs", name
        scenes(make_panel(Path(name)), data, Path(name), out, seconds)


def scenes(panel: Any, data: Path, folder: Path, out: Path, seconds: float) -> None:
    from SemiSegLib.panel import choices as section
    from SemiSegLogic.sample import list_cases
    from SemiSegLogic.sample.building import Annotation, build_study
    from Testing.support.clinician import settle

    made = build_study(folder / "hippocampus", list_cases(data)[0][:24], annotation=Annotation(6), copy=True)
    camera = Camera(panel, out)
    camera.take("begin", panel.label, panel.train, panel.review, panel.export)
    panel.controller.open_study(made.study.folder)
    settle(panel)
    ids = [row.id for row in panel.controller.rows]
    panel.cases.on_case(ids.index(made.annotated[0]))
    settle(panel)
    camera.take("label", panel.review, panel.export)
    importing(panel, made.study.case(made.annotated[1]), camera, folder)
    section.TIMES = (seconds,) * 4
    train(panel, camera, "train")
    review(panel, camera)
    panel.train.choices.go_on.checked = True
    train(panel, None, "")
    again(panel, camera, folder / "exported")
    print(panel.training.look.status)
    panel.close()


def importing(panel: Any, other: Any, camera: Camera, folder: Path) -> None:
    """A mask of another program, asked about."""
    from SemiSegLogic.study import Structure, write_seg_nrrd
    from Testing.support.clinician import settle

    theirs = [Structure(1, "Anterior"), Structure(2, "tail of hippocampus")]
    write_seg_nrrd(folder / "colleague.seg.nrrd", other.labels(), other.grid, theirs)
    panel.label.masks.look_at(folder / "colleague.seg.nrrd")
    settle(panel)
    camera.take("import", panel.cases, panel.train, panel.review, panel.export)
    panel.label.masks.on_cancel()


def train(panel: Any, camera: Camera | None, name: str) -> None:
    before = panel.training.job
    panel.train.on_train()
    beat(panel, lambda: panel.training.job not in ("", before) and panel.training.look is not None)
    if camera is not None:
        beat(panel, lambda: panel.training.look.status.fraction > 0.6 or panel.training.look.status.ended)
        camera.take(name, panel.export)
    beat(panel, lambda: panel.training.look.status.ended)


def review(panel: Any, camera: Camera) -> None:
    from Testing.support.clinician import settle

    panel.review.on_next()
    settle(panel)
    panel.tick()
    panel.review.uncertainty.checked = True
    camera.take("review", panel.train, panel.export)
    panel.review.uncertainty.checked = False


def again(panel: Any, camera: Camera, exported: Path) -> None:
    """After a second round: what changed, then accepted and exported."""
    from Testing.support.clinician import settle

    panel.review.on_next()
    settle(panel)
    panel.review.earlier.checked = True
    settle(panel)
    panel.review.refresh()
    camera.take("compare", panel.label, panel.train, panel.export)
    panel.review.earlier.checked = False
    panel.review.on_accept()
    settle(panel)
    panel.export.folder.text = str(exported)
    panel.export.on_export()
    settle(panel)
    camera.take("export", panel.label, panel.train)
    camera.take("models", panel.cases, panel.label, panel.review, panel.export, models=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 60.0)
