"""Pictures of the set-up page in its states, drawn offscreen.

``python Testing/slicer/make_setup_screenshots.py OUT``
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "SemiSegExtension")]
WIDTH = 460


def states(panel: Any) -> dict[str, Any]:
    """Name of a picture -> what brings the page into its state."""
    from SemiSegLib.setup.process import State
    from SemiSegLib.training.preflight import Finding

    def show(kind: str, text: str = "", fraction: float = -1.0, more: int = -1) -> None:
        panel.interpreters.private.look = lambda: State(kind, text, fraction)
        panel.setup.header.collapsed = False
        panel.setup.choices.more.checked = more >= 0
        panel.setup.choices.interpreter.currentIndex = max(more, 0)
        panel.setup.refresh()
        panel.setup.header.collapsed = False

    def findings() -> None:
        show("ready")
        panel.setup.show_findings([
            Finding("warning", "The driver of Quadro RTX 4000 (version 470) is too old for PyTorch, which needs 527 or "
                    "newer. Update it, then press Repair; until then the processor is used."),
            Finding("good", "Linux x86_64, 16 processor cores, 32 GB of memory."),
            Finding("good", "The computing environment is ready (PyTorch 2.13.0+cpu)."),
        ])  # fmt: skip

    return {
        "absent": lambda: show("absent"),
        "installing": lambda: show("installing", "Downloading torch (190.1 MB)", 0.42),
        "unpacking": lambda: show("installing", "Unpacking the packages; this takes a few minutes"),
        "failed": lambda: show("failed", "The disk is full (environment /home/ada/.semiseg/environment). Free about "
                               "6 GB, or choose another folder."),
        "outdated": lambda: show("outdated", "It was made by another version of SemiSeg, or its Python is gone."),
        "more": lambda: show("absent", more=0),
        "chosen": lambda: show("ready", more=1),
        "slicers": lambda: show("ready", more=2),
        "findings": findings,
    }  # fmt: skip


def main(out: Path) -> None:
    from Testing.support.clinician import FakeInstaller
    from Testing.support.slicer_harness.app import boot

    slicer = boot()
    import qt

    from SemiSegLib.panel import Panel

    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = slicer.qMRMLWidget()
        root.setLayout(qt.QVBoxLayout())
        panel = Panel(root.layout(), FakeInstaller(Path(folder) / "environment"))
        for part in (panel.cases, panel.label, panel.train, panel.review, panel.export):
            part.header.visible = False
        for name, show in states(panel).items():
            show()
            root.real.show()
            for _ in range(6):
                slicer.app.processEvents()
                root.real.resize(WIDTH, root.real.layout().totalSizeHint().height())
            root.real.grab().save(str(out / f"setup-{name}.png"))
        panel.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
