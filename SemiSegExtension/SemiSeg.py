"""SemiSeg in 3D Slicer: label a few slices, train on all your volumes, review what the model proposes.

The module is a shell. The panel is in SemiSegLib, made when the module is first opened; nothing heavy is imported
before. There is no class SemiSegLogic here: that is the name of the package with everything that needs no Slicer.
"""

import sys
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

HERE = Path(__file__).resolve().parent
OLDEST_PYTHON = (3, 11)
"""Slicer 5.10 brings 3.12, Slicer 5.8 had 3.9."""
HOMEPAGE = "https://github.com/SemiSeg/SlicerSemiSeg"
SAMPLE = "https://msd-for-monai.s3-us-west-2.amazonaws.com/Task04_Hippocampus.tar"
SAMPLE_MD5 = "9d24dba78a72977dbd1d2e110310f31b"
"""As in SemiSegLogic.sample.download (a test holds them equal), which Slicer must not load each time it starts."""


class SemiSeg(ScriptedLoadableModule):
    """What Slicer shows in its module list."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("SemiSeg")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Segmentations", "SubjectHierarchy", "Plots"]
        parent.contributors = ["SemiSeg developers"]
        parent.helpText = _(
            "Draw your structures on a few slices, press <i>Train on my labels</i>, and get a suggested segmentation "
            "of every volume in your study, and the slices that are worth a look. Everything you draw is kept in a "
            "study folder."
        )
        parent.helpText += f' <a href="{HOMEPAGE}#in-3d-slicer">' + _("Documentation and tutorial") + "</a>"
        parent.acknowledgementText = _(
            "Built on 3D Slicer, PyTorch and MONAI, and on the published methods it names. Sample data: Medical "
            "Segmentation Decathlon, Task04 Hippocampus, CC BY-SA 4.0 (Simpson et al. 2019; Antonelli et al. 2022)."
        )
        slicer.app.connect("startupCompleted()", registerSampleData)


class SemiSegWidget(ScriptedLoadableModuleWidget):
    """Slicer's side of the panel: when it comes, is shown, is left, and goes."""

    def __init__(self, parent=None):
        self.panel = None  # first: without a parent Slicer's class makes one, and calls setup() at once
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        if sys.version_info < OLDEST_PYTHON:
            self.layout.addWidget(qt.QLabel(_("SemiSeg needs Slicer 5.10 or newer.")))
            return
        find_package()
        from SemiSegLib.panel import Panel

        self.panel = Panel(self.layout)
        slicer.app.connect("aboutToQuit()", self.cleanup)
        if getattr(self.parent, "isEntered", False):  # after a reload nobody calls enter()
            self.panel.enter()

    def enter(self):
        if self.panel is not None:
            self.panel.enter()

    def exit(self):
        if self.panel is not None:
            self.panel.leave()

    def cleanup(self):
        self._close(scene_closes=True)

    def _close(self, scene_closes):
        if self.panel is not None:
            panel, self.panel = self.panel, None
            slicer.app.disconnect("aboutToQuit()", self.cleanup)
            panel.close(scene_closes)

    def onReload(self):
        """For developers: also reload our packages."""
        self._close(scene_closes=False)
        for name in [name for name in sys.modules if name.split(".")[0] in ("SemiSegLib", "SemiSegLogic")]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)


class SemiSegTest(ScriptedLoadableModuleTest):
    """Slicer's self-test: drawing on a made volume, into a study and back, without network, dialogs or training."""

    def runTest(self):
        find_package()
        from SemiSegLib.selftest import run

        run()


def registerSampleData():
    """Slicer's Sample Data module shows the sample; a click there makes a study of it here."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="SemiSeg",
        sampleName="SemiSegHippocampus",
        thumbnailFileName=str(HERE / "Resources" / "Icons" / "SemiSeg.png"),
        uris=SAMPLE,
        fileNames="Task04_Hippocampus.tar",
        checksums="MD5:" + SAMPLE_MD5,
        loadFiles=False,
        customDownloader=trySample,
    )


def trySample(source=None):
    """Open the module and offer the sample study there: it asks before anything is downloaded."""
    slicer.util.selectModule("SemiSeg")
    panel = slicer.util.getModuleWidget("SemiSeg").panel
    if panel is not None:
        panel.sample.on_try()


def find_package():
    """In the source tree the package SemiSegLogic lies one folder up; installed, it lies beside this file."""
    if not (HERE / "SemiSegLogic").is_dir() and str(HERE.parent) not in sys.path:
        sys.path.insert(0, str(HERE.parent))
