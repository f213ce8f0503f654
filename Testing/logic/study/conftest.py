"""A study with two structures, and images to put into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from SemiSegLogic.study import Case, Structure, Study, write_image
from Testing.support.volumes import grid_of, picture


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A new study with the structures anterior = 1 and posterior = 2."""
    return Study.create(tmp_path / "study", "hippocampus", [Structure(1, "anterior"), Structure(2, "posterior")])


@pytest.fixture
def image_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes an image file and gives its path."""
    def write(name: str = "ann.nrrd", kind: str = "oblique", seed: int = 0) -> Path:
        write_image(tmp_path / name, picture(seed=seed), grid_of(kind))
        return tmp_path / name

    return write


@pytest.fixture
def case(study: Study, image_file: Callable[..., Path]) -> Case:
    """A case with a copied oblique image and nothing drawn."""
    return study.add_case(image_file())
