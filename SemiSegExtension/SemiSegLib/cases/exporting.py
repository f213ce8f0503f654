"""Results as files: every case for itself, one that has none leaves the others alone, and one account at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.files import write_json

from ..ports import DICOM_SEG, Segmented, structures_of
from ..words import _, in_words

if TYPE_CHECKING:
    from SemiSegLogic.study import Case, ExportedFile

    from ..controller import Controller

logger = logging.getLogger(__name__)

NAMED = 3
"""So many cases that were left out are named in the line at the top; the others are counted."""


@dataclass
class Exported:
    """What was written and verified; why other cases (by id) were not, or not in every format; what is to be known of
    some that were (``remarks``, by id); names of those that were left out because a model's suggestion is all there is
    of them, and nobody has accepted it. ``names`` of the cases by id: files are called by the id, in plain letters, so
    that of names in other letters nothing but a number may be left.
    """

    folder: Path
    names: Mapping[str, str] = field(default_factory=dict)
    files: list[ExportedFile] = field(default_factory=list)
    of_case: dict[Path, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    unaccepted: Sequence[str] = ()
    remarks: dict[str, str] = field(default_factory=dict)

    def name_of(self, case_id: str) -> str:
        """What people call a case."""
        return self.names.get(case_id, case_id)

    def lines(self) -> list[str]:
        """Case by case and file by file. What was left out comes first: it is what the person has to look at."""
        left = [f"✖ {self.name_of(case)}: {why}" for case, why in self.left_out.items()]
        left += [f"✎ {self.name_of(case)}: {remark}" for case, remark in self.remarks.items()]
        left += [f"○ {case}: " + _("not accepted yet") for case in self.unaccepted]
        return [*left, *(f"✔ {self._called(file.path)}: " + _("verified") for file in self.files)]

    def wrote(self, files: Sequence[ExportedFile], case_id: str) -> None:
        """These files are there, of this case."""
        self.files += files
        self.of_case |= {file.path: case_id for file in files}

    def _called(self, path: Path) -> str:
        """A file, and whose it is where its name does not say so."""
        case_id = self.of_case[path]
        return path.name if self.name_of(case_id) == case_id else f"{self.name_of(case_id)}: {path.name}"

    @property
    def level(self) -> str:
        """How the account is shown."""
        if self.left_out:
            return "warning" if self.files else "error"
        return "warning" if self.remarks else "good"

    def in_words(self) -> str:
        """The account, about all cases."""
        said = [_("Files written to {folder} and verified: {n}.").format(n=len(self.files), folder=self.folder)]
        if self.left_out:
            failed = [f"{self.name_of(case)}: {why}" for case, why in self.left_out.items()]
            said += [_("Not exported:"), some(failed, " ")]
        if self.remarks:
            said += [some([f"{self.name_of(case)}: {remark}" for case, remark in self.remarks.items()], " ")]
        if self.unaccepted:
            said += [unaccepted_words(self.unaccepted)]
        return " ".join(said)


def unaccepted_words(names: Sequence[str]) -> str:
    """Which cases wait for somebody to accept them."""
    text = _("Left out, because nobody has accepted their suggestions: {cases}.")
    return text.format(cases=some(names, ", "))


def some(words: Sequence[str], between: str) -> str:
    """The first few, and how many more there are."""
    rest = [_("and {n} more").format(n=len(words) - NAMED)] if len(words) > NAMED else []
    return between.join(words[:NAMED]) + "".join(f" {more}" for more in rest)


class Exporting:
    """One export. Of a case: read and written on the thread, the DICOM SEG by Slicer, read again on the thread."""

    def __init__(
        self, controller: Controller, account: Exported, formats: Sequence[str], done: Callable[[Exported], None]
    ) -> None:
        """``account`` is filled in and handed to ``done``."""
        self._controller, self._study = controller, controller.need_study()
        self._plain, self._dicom = [name for name in formats if name != DICOM_SEG], DICOM_SEG in formats
        self._done, self._awaited, self._account = done, 0, account

    def begin(self, case_ids: Sequence[str]) -> None:
        """Write these cases, one after the other."""
        self._awaited = len(case_ids)
        for case_id in case_ids:
            self._controller.disk.run(
                _("Export {name}").format(name=case_id),
                lambda case_id=case_id: self._write(self._study.case(case_id)),
                self._written,
                lambda error, case_id=case_id: self._failed(case_id, error),
            )

    def _write(self, case: Case) -> tuple[Case, list[ExportedFile], str]:
        from SemiSegLogic.study import export_case

        remark = mended(case)
        files = export_case(case, self._account.folder, self._plain)
        write_json(self._account.folder / f"{case.id}-provenance.json", provenance_of(case, files))
        return case, files, remark

    def _written(self, found: tuple[Case, list[ExportedFile], str]) -> None:
        case, files, remark = found
        self._account.wrote(files, case.id)
        if remark:
            self._account.remarks[case.id] = remark
        if not self._dicom:
            self._one_less()
            return
        self._controller.disk.run(
            _("DICOM SEG of {name}").format(name=case.id),
            lambda: self._for_dicom(case),
            lambda result: self._write_dicom(case.id, result),
            lambda error: self._failed(case.id, error),
        )

    def _for_dicom(self, case: Case) -> Segmented:
        """The structures are those of the case's own study: another one may be open."""
        return Segmented(case.name, case.result(), case.grid, structures_of(self._study), case.series)

    def _write_dicom(self, case_id: str, result: Segmented) -> None:
        try:
            path = self._controller.screen.write_dicom_seg(result, self._account.folder)
        except Exception as error:  # whatever Slicer's plugin says, the other cases go on, and this one is told
            self._failed(case_id, error)
            return

        def verified() -> ExportedFile:
            from SemiSegLogic.study import ExportedFile

            from . import dicom_seg

            return ExportedFile(path, DICOM_SEG, dicom_seg.verify(path, result), verified=True)

        def kept(file: ExportedFile) -> None:
            self._account.wrote([file], case_id)
            self._one_less()

        self._controller.disk.run(
            _("Verify {name}").format(name=path.name), verified, kept, lambda error: self._failed(case_id, error)
        )

    def _failed(self, case_id: str, error: Exception) -> None:
        if not isinstance(error, SemiSegError | ValueError):
            logger.error("Export of %s failed", case_id, exc_info=error)
        self._account.left_out[case_id] = in_words(error)
        self._one_less()

    def _one_less(self) -> None:
        """At the last one: the account."""
        self._awaited -= 1
        if not self._awaited:
            if self._account.remarks:
                self._controller.results.reload_suggestion()
            self._controller.say(self._account.in_words(), self._account.level)
            self._done(self._account)


def mended(case: Case) -> str:
    """Of a case of which only the record of its suggestion is damaged: that it was begun anew, or why not; else ""."""
    text = _("It is not known which model made its suggestion: the record was damaged.")
    try:
        kept = case.mend_provenance()
    except SemiSegError as error:
        return f"{text} {in_words(error)}"
    return f"{text} " + _(
        "A new record was started; a copy of the damaged one is kept as {file}."
    ).format(file=kept) if kept else ""


def provenance_of(case: Case, files: list[ExportedFile]) -> dict[str, Any]:
    """What a person drew and when, what a model proposed and from which run, and where that stands; of the patient
    nothing but the name that somebody gave the case.
    """
    return {
        "case": case.id,
        "name": case.name,
        "status": case.status,
        "files": {file.path.name: {"verified": file.verified, "voxels": file.voxels} for file in files},
        "judged_slices": [item.to_dict() for item in case.annotated],
        "suggestion": _told_of_suggestion(case),
        "versions": [{"name": item.name, "author": item.author, "note": item.note} for item in case.versions()],
    }


def _told_of_suggestion(case: Case) -> dict[str, Any] | None:
    """None without a suggestion, and where its damaged record could not be begun anew."""
    from SemiSegLogic.study import LabelError

    try:
        return case.provenance() if case.has_suggestion else None
    except LabelError:
        return None
