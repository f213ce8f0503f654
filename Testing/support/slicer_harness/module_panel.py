"""Where Slicer shows a module: an area that scrolls up and down only, and that is as wide as the module would like."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets


class ModulePanel(QtWidgets.QScrollArea):
    """With ``module`` in it, as ``qSlicerModulePanel::addModule`` and ``minimumSizeHint`` have it."""

    def __init__(self, module: QtWidgets.QWidget, width: int = 500) -> None:
        super().__init__()
        self.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        inside = QtWidgets.QWidget()
        module.layout().setContentsMargins(0, 0, 0, 0)
        QtWidgets.QVBoxLayout(inside).addWidget(module, 1)
        module.setSizePolicy(QtWidgets.QSizePolicy.Policy.Minimum, module.sizePolicy().verticalPolicy())
        self.setWidget(inside)
        self.resize(width, 900)
        self.show()

    def least_width(self) -> int:
        """Slicer's window makes so much room, whatever the person had chosen; the views get the rest."""
        for _ in range(3):
            QtWidgets.QApplication.processEvents()
        return self.widget().minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()

    def empty(self) -> None:
        """Give the module back, hidden, as when another module is chosen."""
        module = self.widget().layout().takeAt(0).widget()
        module.setVisible(False)
        module.setParent(None)
