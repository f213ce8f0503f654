"""Finding the sample data: named folders, archives, the cache, the network, and phantoms when all fails."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from SemiSegLogic.sample import SampleError, download, find, list_cases, source
from SemiSegLogic.sample.folders import TASK, dataset_in, unpack, user_cache

MAKE_BELIEVE = {
    f"{TASK}/imagesTr/C:elsewhere.nii.gz": b"on another drive, in Windows",
    f"{TASK}/dataset.json": b"{}",
    f"{TASK}/imagesTr/a_001.nii.gz": b"image",
    f"{TASK}/imagesTr/._a_001.nii.gz": b"left by a Mac",
    f"{TASK}/labelsTr/a_001.nii.gz": b"label",
    f"{TASK}/imagesTs/a_002.nii.gz": b"never needed",
    "../imagesTr/../../escape.nii": b"out of the folder",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own, and no data named in the surroundings."""
    monkeypatch.setenv("SEMISEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEMISEG_DATA", raising=False)
    monkeypatch.setattr(source, "PHANTOM_COUNT", 2)
    return tmp_path / "cache"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small tar in the shape of the real one."""
    path = tmp_path / "given" / f"{TASK}.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as tar:
        for name, content in MAKE_BELIEVE.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def server(archive: Path) -> Iterator[str]:
    """Serves the archive on this machine; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = archive.read_bytes()
            self.send_response(200 if self.path == "/data.tar" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/data.tar"
    running.shutdown()
    running.server_close()


def files(folder: Path) -> set[str]:
    """Relative names of all files."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_an_archive_gives_its_images_and_labels_and_nothing_else(archive: Path, cache: Path) -> None:
    folder = unpack(archive, cache)
    assert files(folder) == {"imagesTr/a_001.nii.gz", "labelsTr/a_001.nii.gz"}
    assert [entry.name for entry in cache.iterdir()] == [folder.name]


def test_an_archive_is_unpacked_once(archive: Path, cache: Path) -> None:
    folder = unpack(archive, cache)
    (folder / "mark").touch()
    assert unpack(archive, cache) == folder
    assert (folder / "mark").exists()


def test_an_interrupted_unpacking_leaves_no_folder_that_looks_whole(
    archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("SemiSegLogic.sample.folders._put_in_place", die)
    with pytest.raises(KeyboardInterrupt):
        unpack(archive, cache)
    assert dataset_in(cache, cache) is None
    assert list(cache.iterdir()) == []


def test_a_damaged_archive_is_named_with_a_remedy(tmp_path: Path, cache: Path) -> None:
    bad = tmp_path / f"{TASK}.tar"
    bad.write_bytes(b"not a tar")
    with pytest.raises(SampleError, match=rf"{TASK}\.tar.*get it again"):
        unpack(bad, cache)


@pytest.mark.parametrize("how", ["folder above", "folder itself", "folder with the tar", "the tar"])
def test_the_data_is_found_however_it_is_named(how: str, archive: Path, tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "plain" / TASK
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    named = {
        "folder above": folder.parent, "folder itself": folder, "folder with the tar": archive.parent,
        "the tar": archive,
    }[how]
    found = find(named, network=False)
    assert not found.phantom
    assert (found.folder / "imagesTr").is_dir()


def test_a_folder_given_without_the_data_is_an_error_not_a_guess(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=r"holds neither .*medicaldecathlon"):
        find(tmp_path)


def test_the_variable_is_used_and_a_wrong_one_is_told(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEMISEG_DATA", str(archive.parent))
    assert "SEMISEG_DATA" in find(network=False).notes[-1]
    monkeypatch.setenv("SEMISEG_DATA", str(tmp_path / "nowhere"))
    found = find(network=False)
    assert found.phantom
    assert "contains no Task04" in found.notes[0]


def test_without_data_and_network_phantoms_stand_in_and_say_so() -> None:
    found = find(network=False)
    assert found.phantom
    assert "phantoms" in found.notes[-1]
    assert "Phantom" in found.name
    assert "Phantom" in found.structures[0].name
    assert "CC BY-SA" not in found.attribution
    assert len(list_cases(found.folder)[0]) == 2


def test_without_phantoms_the_error_says_what_to_do_in_the_panel_too(cache: Path) -> None:
    with pytest.raises(SampleError, match=rf"not on this computer.*put it into the folder {cache}") as lacking:
        find(network=False, phantoms=False)
    assert "--data" not in str(lacking.value)
    assert "--data" in lacking.value.whole


def test_what_was_put_into_the_folder_that_the_error_names_is_found(cache: Path, archive: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"{TASK}.tar").write_bytes(archive.read_bytes())
    assert not find(network=False, phantoms=False).phantom


def test_a_download_is_checked_unpacked_and_found_the_next_time(
    server: str, archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(source, "official_source", lambda: (server, md5))
    told: list[tuple[int, int]] = []
    found = find(progress=lambda done, size: told.append((done, size)))
    assert not found.phantom
    assert told[-1] == (archive.stat().st_size, archive.stat().st_size)
    monkeypatch.setattr(source, "official_source", lambda: pytest.fail("asked the network twice"))
    assert find().folder == found.folder
    assert {entry.name for entry in cache.iterdir()} == {f"{TASK}.tar", found.folder.name}


def test_a_download_with_a_wrong_checksum_leaves_nothing_behind(server: str, cache: Path) -> None:
    with pytest.raises(SampleError, match="not the expected file"):
        download.download(server, "0" * 32, cache / f"{TASK}.tar")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/data.tar", "http://no-such-host.invalid/data.tar"])
def test_no_network_is_told_and_phantoms_stand_in(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "official_source", lambda: (address, "0" * 32))
    found = find()
    assert found.phantom
    assert address in found.notes[0]


def test_the_official_source_is_the_one_that_monai_names() -> None:
    datasets = pytest.importorskip("monai.apps").DecathlonDataset
    assert download.official_source() == (datasets.resource[TASK], datasets.md5[TASK])


def test_a_missing_file_on_the_server_is_told(server: str, cache: Path) -> None:
    with pytest.raises(SampleError, match="404"):
        download.download(server.replace("data.tar", "gone.tar"), "0" * 32, cache / "x.tar")


def test_the_cache_follows_the_systems_customs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEMISEG_CACHE")
    monkeypatch.setattr("SemiSegLogic.sample.folders.sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path / "semiseg"
    monkeypatch.setattr("SemiSegLogic.sample.folders.sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert user_cache() == tmp_path / "SemiSeg" / "Cache"
