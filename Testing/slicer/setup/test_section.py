"""The set-up page: what it says in every state, the three Pythons, offline bundles, and the sample."""

from __future__ import annotations

import sys
import threading
import time
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest

from SemiSegLib.cases import sample as sample_study
from SemiSegLib.setup import other_pythons, pythons
from SemiSegLib.setup.interpreters import CHOSEN, PRIVATE, SLICERS, Interpreters, Kept
from SemiSegLib.setup.process import State
from SemiSegLib.setup.pythons import Told, Verdict, judge, python_slicer, suitable_pythons
from SemiSegLogic.environment.requirements import oldest_versions
from Testing.support.clinician import FakeInstaller, settle
from Testing.support.wheels import make_wheel, no_network, script

ALL = dict.fromkeys(oldest_versions(), "99.0")


def told(**changes: Any) -> Told:
    return Told(**{"version": (3, 12), "wide": True, "machine": "arm64", "packages": ALL, **changes})


# --- which Python ---------------------------------------------------------------------------------------------


def test_this_very_python_is_judged_by_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = judge(sys.executable, {})
    assert verdict.good
    assert "PyTorch 2" in verdict.text
    monkeypatch.setattr(pythons, "oldest_versions", lambda: {"torch": "2.4", "no-such-package": "1.0", "numpy": "99"})
    verdict = judge(sys.executable, {})
    assert not verdict.good
    assert "no-such-package" in verdict.text
    assert "numpy (only" in verdict.text
    assert "-m pip install -r" in verdict.text
    assert verdict.lacking == ("no-such-package>=1.0", "numpy>=99")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (told(version=(3, 9)), "too old"), (told(version=(3, 16)), "too new"), (told(wide=False), "64-bit"),
        (told(packages={}), "does not have"), (told(packages=ALL | {"torch": "2.3.1+cpu"}), "torch (only 2.3.1+cpu)"),
    ],
)  # fmt: skip
def test_a_python_that_will_not_do_is_told_why(answer: Told, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "ask", lambda *_: answer)
    verdict = judge(sys.executable, {})
    assert not verdict.good
    assert words in verdict.text


def test_an_intel_python_on_a_mac_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons.sys, "platform", "darwin")
    monkeypatch.setattr(pythons, "ask", lambda *_: told(machine="x86_64"))
    assert "python.org" in judge(sys.executable, {}).text


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
def test_what_is_no_python_is_told(tmp_path: Path) -> None:
    assert "does not exist" in judge(str(tmp_path / "nothing"), {}).text
    assert "does not work as Python" in judge(str(script(tmp_path / "tool", "echo hello\n")), {}).text
    (tmp_path / "text").write_text("no program")
    assert "does not work as Python" in judge(str(tmp_path / "text"), {}).text


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
def test_the_right_version_is_looked_for_on_path_and_slicers_own_comes_last(tmp_path: Path) -> None:
    old = 'echo \'{"version": [3, 9], "wide": true, "machine": "x", "packages": {}, "makes": true}\'\n'
    script(tmp_path / "bin" / "python3", old)
    mine = script(tmp_path / "bin" / "python3.12", old.replace("9]", "12]").replace('"x"', '"arm64"'))
    slicers = script(tmp_path / "PythonSlicer", old.replace("9]", "13]").replace('"x"', '"arm64"'))
    found = suitable_pythons({"PATH": f"{tmp_path / 'bin'}"}, [str(slicers)])
    assert found == [str(mine), str(slicers)]
    assert suitable_pythons({"PATH": f"{tmp_path / 'bin'}"}, [str(slicers)], "3.13") == [str(slicers)]


@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
def test_a_python_that_can_make_no_environment_is_passed_over(tmp_path: Path) -> None:
    """Ubuntu's, as it comes, has neither ensurepip nor pip: it was taken before Slicer's own, and the set-up failed."""
    (tmp_path / "taken out").mkdir()
    (tmp_path / "taken out" / "ensurepip.py").write_text("raise ImportError('apt install python3-venv')")
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    bare = f'PYTHONPATH="{tmp_path / "taken out"}" exec "{sys.executable}" -S "$@"\n'
    ubuntus = script(tmp_path / "bin" / name, bare)
    slicers = script(tmp_path / "PythonSlicer", f'exec "{sys.executable}" "$@"\n')
    assert not pythons.ask(str(ubuntus), {}).makes
    assert suitable_pythons({"PATH": str(tmp_path / "bin")}, [str(slicers)]) == [str(slicers)]


@pytest.mark.parametrize(("python", "system", "expected"), [
    ("/usr/bin/python3", "darwin", True), ("/opt/homebrew/bin/python3.13", "darwin", False),
    ("/usr/bin/python3", "linux", False),
    (r"C:\Users\Ada\AppData\Local\Microsoft\WindowsApps\python3.exe", "win32", True),
])  # fmt: skip
def test_what_would_open_a_shop_or_ask_for_developer_tools_is_never_started(
    python: str, system: str, expected: bool
) -> None:
    assert pythons._is_stand_in(python, system) is expected


def test_a_python_that_takes_too_long_is_told_without_our_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "PATIENCE_S", 0.001)
    text = judge(sys.executable, {}).text
    assert "did not answer within" in text
    assert "import" not in text


def test_slicers_python_is_found_beside_slicer_when_path_lacks_it(tmp_path: Path) -> None:
    name = "PythonSlicer.exe" if sys.platform == "win32" else "PythonSlicer"
    assert python_slicer(str(tmp_path), executable="") == ""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / name).touch()
    assert python_slicer(str(tmp_path), executable="") == str(tmp_path / "bin" / name)


def test_on_windows_slicers_variables_are_found_however_windows_spells_them(
    slicer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SemiSegLib.panel.interpreters import make_interpreters
    from SemiSegLib.panel.preferences import Preferences

    program = tmp_path / "Python312" / "python.exe"
    program.parent.mkdir()
    program.touch()
    as_qt_tells = {"Path": "bin", "ProgramFiles": str(tmp_path)}
    monkeypatch.setattr(slicer.util, "startupEnvironment", lambda: as_qt_tells)
    assert make_interpreters(Preferences(), FakeInstaller(tmp_path / "e")).surroundings == as_qt_tells, "not on Windows"
    monkeypatch.setattr(pythons.sys, "platform", "win32")
    found = make_interpreters(Preferences(), FakeInstaller(tmp_path / "e")).surroundings
    assert found["PATH"] == "bin"
    assert program in list(pythons._usual_places(found))
    managed = tmp_path / "Python" / "bin" / "python3.13.exe"
    assert managed in list(pythons._usual_places({"LOCALAPPDATA": str(tmp_path)})), "of Python's install manager"


# --- the three interpreters ------------------------------------------------------------------------------------


def interpreters(tmp_path: Path, has_extension: bool = True, **kept: str) -> Interpreters:
    made = Kept(lambda key: kept.get(key, ""))
    return Interpreters(made, {}, sys.executable, lambda: has_extension, FakeInstaller(tmp_path / "environment"))


def test_a_chosen_python_is_checked_once_and_again_when_it_changed(tmp_path: Path) -> None:
    python = interpreters(tmp_path, place=CHOSEN, python=sys.executable).current
    assert python.look().kind == "absent"
    assert "Check my computer" in python.look().text
    assert python.judge().good
    assert python.look().kind == "ready"
    assert python.python[-1] == sys.executable
    again = interpreters(tmp_path, place=CHOSEN, python=sys.executable, **{"python-good": python._fingerprint()})
    assert again.current.look().kind == "ready", "the next Slicer need not start it"
    changed = interpreters(tmp_path, place=CHOSEN, python=sys.executable, **{"python-good": "as it was before"})
    assert changed.current.look().kind == "absent"


def test_what_is_remembered_is_written_by_the_main_thread_only() -> None:
    kept, written = Kept(lambda key: ""), {}
    kept.set("place", CHOSEN)
    assert written == {}
    kept.flush(written.__setitem__)
    assert written == {"place": CHOSEN}
    kept.flush(lambda *_: pytest.fail("written twice"))


def test_slicers_own_python_needs_the_extension_first(tmp_path: Path) -> None:
    python = interpreters(tmp_path, has_extension=False, place=SLICERS).current
    assert "Extensions Manager" in python.look().text
    with pytest.raises(Exception, match="Extensions Manager"):
        python.start(tmp_path)


def test_slicers_own_python_gets_what_it_lacks_in_a_process_and_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PythonSlicer is a virtual environment here, light-the-torch a small package that calls pip."""
    import subprocess

    from SemiSegLogic.environment import slicers
    from Testing.support.wheels import quick_python

    shelf = tmp_path / "shelf"
    make_wheel(shelf, "numpy", "1.0")
    make_wheel(shelf, "numpy", "2.0")
    make_wheel(shelf, "torch", "2.5", needs=["numpy"])
    make_wheel(shelf, "monai", "1.6", needs=["numpy>=1.0"])
    make_wheel(shelf, "light_the_torch", "0.9")
    with zipfile.ZipFile(shelf / "light_the_torch-0.9-py3-none-any.whl", "a") as wheel:
        code = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-m', 'pip', *sys.argv[1:]]))"
        wheel.writestr("light_the_torch/__main__.py", code)
    no_network(monkeypatch, PIP_FIND_LINKS=str(shelf))
    home = tmp_path / "Slicer"
    subprocess.run([str(quick_python(tmp_path / "base" / "python")), "-m", "venv", str(home)], check=True)
    python = str(home / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "numpy==1.0"], check=True)
    (tmp_path / "list.txt").write_text("numpy>=1.0\ntorch>=2.4\nmonai>=1.5\n")
    monkeypatch.setattr(slicers, "LIST", tmp_path / "list.txt")
    slicers.add_packages(python)
    listed = subprocess.run([python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True).stdout
    assert {"numpy==1.0", "torch==2.5", "monai==1.6"} <= set(listed.split())
    assert "light_the_torch" not in sys.modules, "the process did it, not this one"


# --- the page -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words", "button"),
    [
        ("absent", "one download", "Set up"), ("unfinished", "interrupted", "Repair"), ("ready", "Ready to", "Repair"),
        ("outdated", "renewed", "Repair"), ("failed", "did not work. The disk is full", "Repair"),
    ],
)  # fmt: skip
def test_every_state_has_its_sentence_and_its_button(panel: Any, kind: str, words: str, button: str) -> None:
    panel.installer.kind, panel.installer.text = kind, "The disk is full" if kind == "failed" else ""
    panel.setup.refresh()
    assert words in panel.setup.state.text
    assert panel.setup.install.text == button


def test_the_bar_shows_how_far_a_download_is(panel: Any) -> None:
    panel.installer.look = lambda: State("installing", "Downloading torch (190 MB)", 0.25)
    panel.setup.refresh()
    assert (panel.setup.bar.value, panel.setup.bar.maximum) == (25, 100)
    panel.installer.look = lambda: State("installing", "Unpacking")
    panel.setup.refresh()
    assert panel.setup.bar.maximum == 0
    assert panel.setup.doing.text == "Unpacking"


def test_another_python_is_chosen_checked_and_used(panel: Any) -> None:
    panel.setup.choices.interpreter.currentIndex = 1
    assert panel.interpreters.kind == CHOSEN
    panel.setup.choices.python.text = sys.executable
    panel.setup.choices.on_python()
    settle(panel, 60)
    panel.setup.refresh()
    assert panel.installer.look().kind == "ready"
    assert "Ready to train" in panel.setup.state.text
    panel.setup.choices.interpreter.currentIndex = 0
    assert panel.interpreters.kind == PRIVATE


def test_slicers_python_is_changed_only_after_a_yes(panel: Any, slicer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    python = panel.interpreters.slicers
    monkeypatch.setattr(type(python), "start", lambda self, root: begun.append(root))
    panel.setup.choices.interpreter.currentIndex = 2
    slicer.harness.answers["confirm"] = False
    panel.setup.on_install()
    assert begun == []
    assert "Change Slicer's Python?" in slicer.harness.asked[-1][1]
    slicer.harness.answers["confirm"] = True
    panel.setup.on_install()
    assert len(begun) == 1


@pytest.fixture
def slicers(panel: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Slicer's own Python, chosen, with the extension; ``verdicts`` are what it is found to be, ``threads`` where."""
    python = panel.interpreters.slicers
    python.path, python._has_extension = sys.executable, lambda: True
    made = types.SimpleNamespace(python=python, verdicts=[], threads=[])

    def judged(*_: Any) -> Verdict:
        time.sleep(0.1)  # the panel looks meanwhile
        made.threads.append(threading.current_thread())
        return made.verdicts.pop(0)

    monkeypatch.setattr(other_pythons, "judge", judged)
    monkeypatch.setattr(other_pythons, "_WORK", 'print("READY")')
    panel.setup.choices.interpreter.currentIndex = 2
    return made


def install(panel: Any) -> None:
    """Press the button, and let the seconds go by until nothing is going on any more."""
    panel.setup.on_install()
    end = time.monotonic() + 60
    while panel.installer.look().kind == "installing":
        assert time.monotonic() < end
        panel.controller.poll()
        panel.setup.refresh()
        time.sleep(0.02)
    settle(panel)
    panel.setup.refresh()


GOOD = Verdict(True, "Python 3.12 with PyTorch 2.13.")
BAD = Verdict(False, "This Python 3.12 does not have monai.", ("monai>=1.5",))


def test_after_installing_into_slicers_python_the_panel_finds_out_by_itself_that_it_is_ready(
    panel: Any, slicers: Any
) -> None:
    slicers.verdicts = [BAD, GOOD]
    slicers.python.judge()
    panel.setup.refresh()
    assert "no PyTorch yet" in panel.setup.state.text
    install(panel)
    assert panel.installer.look().kind == "ready"
    assert "Ready to train. Python 3.12 with PyTorch" in panel.setup.state.text
    assert panel.controller.notice == ("Setting up is finished: you can train now.", "good")
    assert panel.setup.install.real.isHidden()
    assert len(slicers.threads) == 2
    assert slicers.threads[1] is not threading.main_thread()


def test_what_is_still_missing_after_installing_into_slicers_python_is_told(panel: Any, slicers: Any) -> None:
    slicers.verdicts = [BAD]
    install(panel)
    assert panel.installer.look().kind == "failed"
    assert "does not have monai" in panel.setup.state.text
    assert not panel.setup.install.real.isHidden()


def test_a_good_check_outweighs_an_installation_that_failed(
    panel: Any, slicers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_pythons, "_WORK", 'import sys; sys.exit("PROBLEM: The disk is full.")')
    install(panel)
    assert "The disk is full" in panel.setup.state.text
    assert slicers.threads == [], "nothing was installed that had to be looked at"
    slicers.verdicts = [GOOD]
    slicers.python.judge()
    panel.setup.refresh()
    assert panel.installer.look().kind == "ready"
    assert "Ready to train" in panel.setup.state.text


def test_a_bundle_is_told_before_it_is_used_and_a_wrong_file_is_refused(
    panel: Any, slicer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SemiSegLogic.environment import bundling

    make_wheel(tmp_path / "shelf", "leaf")
    no_network(monkeypatch, PIP_FIND_LINKS=str(tmp_path / "shelf"))
    monkeypatch.setattr(bundling, "index_of", lambda *_: None)
    version = ".".join(map(str, sys.version_info[:2]))
    bundle = bundling.make(tmp_path / "b.zip", bundling.Target("linux", version, "cpu"), ["leaf"]).place
    panel.setup.choices._base.text = sys.executable
    panel.installer.kind = "absent"
    slicer.harness.answers["files"] = (str(bundle),)
    panel.setup.choices.on_bundle()
    settle(panel)
    assert f"1 packages, 0.0 GB, for Python {version}" in slicer.harness.asked[-1][1]
    assert panel.installer.calls == [(sys.executable, bundle)]
    (tmp_path / "photo.zip").write_bytes(b"no zip")
    slicer.harness.answers["files"] = (str(tmp_path / "photo.zip"),)
    panel.setup.choices.on_bundle()
    settle(panel)
    assert "no offline bundle" in panel.controller.notice[0]


def test_a_running_training_keeps_its_environment(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(panel.training), "running", True)
    panel.setup.on_remove()
    assert "Stop it first" in panel.controller.notice[0]
    panel.setup.refresh()
    panel.setup.on_install()
    assert panel.installer.kind == "ready"


def test_no_python_at_all_is_told_with_where_to_get_one(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from SemiSegLib.panel import setup

    monkeypatch.setattr(setup, "suitable_pythons", lambda *_: [])
    panel.installer.kind = "absent"
    panel.setup.refresh()
    panel.setup.on_install()
    settle(panel)
    assert "python.org" in panel.controller.notice[0]


def test_set_up_pressed_twice_begins_once(panel: Any, slicer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from SemiSegLib.panel import setup

    monkeypatch.setattr(setup, "suitable_pythons", lambda *_: [sys.executable])
    panel.installer.kind = "absent"
    panel.setup.refresh()
    panel.setup.on_install()
    assert not panel.setup.install.enabled
    assert not panel.setup.choices.offline.enabled
    panel.setup.on_install()
    panel.setup.set_up()
    settle(panel)
    assert panel.installer.calls == [[sys.executable]]
    assert len(slicer.harness.asked) == 1
    assert panel.setup.install.enabled


def test_after_a_search_that_failed_set_up_can_be_pressed_again(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from SemiSegLib.panel import setup

    monkeypatch.setattr(setup, "suitable_pythons", lambda *_: (_ for _ in ()).throw(OSError("no disk")))
    panel.installer.kind = "absent"
    panel.setup.on_install()
    settle(panel)
    assert panel.controller.notice == ("Look for Python: no disk", "error")
    panel.setup.choices._base.text = sys.executable
    panel.setup.on_install()
    settle(panel)
    assert panel.installer.calls == [[sys.executable]]


def test_what_is_set_up_is_the_place_that_was_asked_for(panel: Any) -> None:
    private = panel.installer
    private.kind = "absent"
    panel.setup.choices._base.text = sys.executable
    panel.setup.on_install()
    panel.setup.choices.interpreter.currentIndex = 1
    settle(panel)
    assert private.calls == [[sys.executable]]


def test_a_full_disk_at_the_start_is_a_sentence(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    panel.installer.start = full
    panel.setup.choices._base.text = sys.executable
    panel.setup.on_install()
    settle(panel)
    assert "disk is full" in panel.controller.notice[0]


# --- the sample -----------------------------------------------------------------------------------------------


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The phantoms stand for the data set; the study goes into a scratch folder."""
    from SemiSegLogic.sample import write_phantoms

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEMISEG_DATA", str(write_phantoms(tmp_path / "Task04_Hippocampus", 7)))
    return tmp_path / "SemiSeg sample"


def test_one_click_makes_the_sample_study_and_opens_it(panel: Any, slicer: Any, sample: Path) -> None:
    panel.sample.on_try()
    settle(panel, 60)
    assert "CC BY-SA 4.0" in slicer.harness.asked[0][1]
    assert panel.controller.study.folder == sample
    assert len(panel.controller.rows) == 7
    assert sum(row.drawn for row in panel.controller.rows) == 6 * 3
    assert panel.sample._box.real.isHidden()
    slicer.harness.asked.clear()
    panel.sample.on_try()
    settle(panel)
    assert slicer.harness.asked == [], "it is there already"


def test_without_a_network_the_sample_says_so_and_leaves_nothing(
    panel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SemiSegLogic.sample import source

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEMISEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SEMISEG_DATA", raising=False)
    monkeypatch.setattr(source, "official_source", lambda: ("http://no-such-host.invalid/x.tar", "0" * 32))
    panel.sample.on_try()
    settle(panel, 60)
    assert "Connect to the internet" in panel.controller.notice[0]
    assert panel.sample.button.enabled
    assert not (tmp_path / "SemiSeg sample").exists()


def test_an_interrupted_sample_is_made_again_from_nothing(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: float) -> None:
        if done > 0.9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sample_study.make_sample(sample, stop)
    assert not sample.exists()
    assert sample_study.make_sample(sample, lambda _: None) == sample


def test_the_sample_data_module_is_told_with_a_checksum(slicer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[dict[str, Any]] = []

    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(
            category: str = "Custom", sampleName: Any = None, uris: Any = None, fileNames: Any = None,
            nodeNames: Any = None, customDownloader: Any = None, thumbnailFileName: Any = None,
            loadFileType: Any = None, loadFiles: Any = None, loadFileProperties: Any = None, checksums: Any = None,
        ) -> None:  # fmt: skip
            registered.append(locals())

    stand_in = types.ModuleType("SampleData")
    stand_in.SampleDataLogic = SampleDataLogic  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "SampleData", stand_in)
    from Testing.support.slicer_harness.app import load_module

    module, _instance = load_module(Path(__file__).resolve().parents[3] / "SemiSegExtension" / "SemiSeg.py")
    module.registerSampleData()
    (entry,) = registered
    from SemiSegLogic.sample.download import ADDRESS, MD5

    assert entry["uris"] == ADDRESS
    assert entry["checksums"] == f"MD5:{MD5}"
    assert Path(entry["thumbnailFileName"]).is_file()
    assert entry["customDownloader"] is module.trySample
    assert slicer.app.slots["startupCompleted()"][-1] is module.registerSampleData
