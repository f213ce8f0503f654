"""What is taken into a study, and under which id."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from SemiSegLogic.study import ImageError, Study, write_image
from Testing.support.volumes import grid_of, picture


@pytest.mark.parametrize(("change", "words"), [
    ({"spacing": (1.0, 1.0, 1e-30)}, r"a spacing of 1, 1, 1e-30 mm"),
    ({"spacing": (1.0, 1e6, 1.0)}, r"a spacing of 1, 1e\+06, 1 mm"),
    ({"origin": (0.0, 1e12, 0.0)}, r"an origin at 0, 1e\+12, 0 mm"),
])
def test_an_image_that_no_job_would_take_is_refused_before_anybody_draws_on_it(
    study: Study, tmp_path: Path, change: dict[str, tuple[float, float, float]], words: str
) -> None:
    write_image(tmp_path / "a.nrrd", picture(), replace(grid_of("upright"), **change))  # type: ignore[arg-type]
    with pytest.raises(ImageError, match=rf"a\.nrrd says that it has {words}.*Correct it"):
        study.add_case(tmp_path / "a.nrrd")
    assert study.cases == []
    assert list((study.folder / "cases").iterdir()) == []
