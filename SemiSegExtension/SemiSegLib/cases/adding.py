"""Images become cases of the study: from files, from DICOM series, from the scene; one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..words import _

if TYPE_CHECKING:
    from SemiSegLogic.study import Case, Study

    from ..controller import Controller


class Adding:
    """The first case that comes is shown, unless one is on screen; the list is read again after the last."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._left = 0  # cases that are still being read

    def files(self, paths: Sequence[Path], copy: bool = True) -> None:
        """Take image files or DICOM folders into the study."""
        study = self._controller.need_study()
        for path in paths:
            self._add(study, path.name, lambda path=path: study.add_case(path, copy))

    def series(self, series: Sequence[tuple[str, Sequence[Path]]]) -> None:
        """Take DICOM series into the study: what people call each, and its files."""
        study = self._controller.need_study()
        for words, files in series:
            if not files:
                text = _(
                    "Some files of {name} are missing on this computer. Import the series again in the DICOM module."
                )
                self._controller.say(text.format(name=words), "warning")
                continue
            self._add(study, words, lambda files=files: study.add_series(files))

    def from_scene(self, node_id: str) -> None:
        """Take the voxels that a volume in the scene has now into the study; a file of it is not needed. Raises
        ValueError in words when it cannot be a case.
        """
        study = self._controller.need_study()
        volume, series = self._controller.screen.scene_volume(node_id), self._controller.screen.scene_series(node_id)
        self._left += 1

        def whole() -> None:
            self._left -= 1
            self._add(study, volume.name, lambda: study.add_volume(volume.voxels, volume.grid, volume.name, series))

        self._controller.copied(volume.copy_on, whole, self._not_added)

    def _add(self, study: Study, name: str, work: Callable[[], Case]) -> None:
        self._left += 1
        task = _("Add {name}").format(name=name)
        self._controller.background.run(task, work, lambda case: self._added(study, case), self._not_added)

    def _not_added(self, error: Exception) -> None:
        self._left -= 1
        self._controller.say(str(error), "error")
        self._controller.refresh()

    def _added(self, study: Study, case: Case) -> None:
        self._left -= 1
        if not self._left:
            self._controller.refresh()
        showing, opened = self._controller.showing, self._controller.open_case
        if study is self._controller.study and opened is None and not showing.wanted:
            showing.show(case.id)
