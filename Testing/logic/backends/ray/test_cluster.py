"""A cluster as its file describes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from SemiSegLogic.backends.description import PlaceError
from SemiSegLogic.backends.ray.cluster import Cluster


@pytest.mark.parametrize(("content", "words"), [
    ("{", "damaged"), ("[]", "describes no cluster"), ('{"ray": "http://127.0.0.1:1"}', "does not say token, jobs"),
    ('{"ray": "a", "token": "b", "jobs": "c", "gpu": 1}', "no setting 'gpu'"),
    ('{"ray": "a", "token": "b", "jobs": "c", "gpus": -1}', "gpus is -1"),
])
def test_a_file_that_describes_no_cluster_is_named_with_the_value(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "cluster.json"
    path.write_text(content)
    with pytest.raises(PlaceError, match=words) as caught:
        Cluster.read(path)
    assert str(path) in caught.value.text


def test_a_job_is_placed_where_the_disk_is_there() -> None:
    there = Cluster(ray="a", token="b", jobs="/here", jobs_there="/disk of all/jobs", python="python3.11", cpus=4)
    words = there.entrypoint("2026-01", second=False)
    assert words == ("ls -d '/disk of all/jobs/2026-01' && mkdir -p '/disk of all/jobs/2026-01' && exec env "
                     "OMP_NUM_THREADS=4 PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 PYTHONUTF8=1 python3.11 -m "
                     "SemiSegLogic.run '/disk of all/jobs/2026-01' --placed >> '/disk of all/jobs/2026-01/log.txt' "
                     "2>&1")
    assert there.entrypoint("2026-01", second=True).endswith("--second >> '/disk of all/jobs/2026-01/beside/log.txt' "
                                                              "2>&1")


@pytest.mark.parametrize(("gpus", "cpus", "expected"), [(1, 1, 3), (2, 1, 1), (0, 4, 4), (1, 8, 2), (0, 32, 0)])
def test_places_are_counted_computer_by_computer(gpus: int, cpus: int, expected: int) -> None:
    has = [{"CPU": 8.0, "GPU": 2.0, "memory": 1e9}, {"CPU": 8.0, "GPU": 1.0}, {"CPU": 2.0}]
    assert Cluster(gpus=gpus, cpus=cpus).places(has) == expected
