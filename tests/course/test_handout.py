"""The lessons on their way out: in a wheel, in a checkout, and never over anybody's work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minigooglenet.cli import main
from minigooglenet.course import doctor, handout

ROOT = Path(__file__).parents[2]
FILTER = {"filter": "data"} if sys.version_info >= (3, 12) else {}


@pytest.fixture
def two_lessons(tmp_path, monkeypatch):
    origin = tmp_path / "origin"
    origin.mkdir()
    for name in ("00_start.ipynb", "01_next.ipynb"):
        (origin / name).write_text(f"{name} as it came\n", encoding="utf-8")
    monkeypatch.setattr(handout, "folder", lambda: origin)
    monkeypatch.setattr(doctor, "look", lambda short: [])
    return origin


def test_a_copy_is_whole_and_a_second_one_changes_nothing(two_lessons, tmp_path):
    first = handout.copy(tmp_path / "my" / "course")
    assert [path.name for path in first.new] == ["00_start.ipynb", "01_next.ipynb"]
    assert first.new[0].read_bytes() == (two_lessons / "00_start.ipynb").read_bytes()
    again = handout.copy(tmp_path / "my" / "course")
    assert (again.new, len(again.same), again.kept) == ([], 2, [])


def test_what_a_student_changed_stays_and_is_said(two_lessons, tmp_path, capsys):
    place = tmp_path / "my" / "00_start.ipynb"
    place.parent.mkdir()
    place.write_text("my work", encoding="utf-8")
    assert main(["lessons", str(tmp_path / "my"), "--no-open"]) == 0
    out = capsys.readouterr().out
    assert "1 files copied" in out
    assert "kept your version, which differs from the original lesson" in out
    assert "00_start.ipynb" in out
    assert place.read_text(encoding="utf-8") == "my work"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_is_not_written_through(two_lessons, tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "00_start.ipynb").symlink_to(tmp_path / "nowhere")
    assert [path.name for path in handout.copy(tmp_path / "my").kept] == ["00_start.ipynb"]
    assert not (tmp_path / "nowhere").exists()


def test_solutions_come_on_request_and_to_a_second_folder(two_lessons, tmp_path, capsys):
    mine, hidden = tmp_path / "my", tmp_path / "sources"
    assert hidden / "03_gradients.py" in handout.copy(mine, hidden).new
    assert not [path for path in mine.rglob("*") if "BEGIN SOLUTION" in path.read_text(encoding="utf-8")]
    for folder in (mine, mine / "src"):
        assert main(["lessons", str(mine), "--no-open", "--solutions", str(folder)]) == 1
        assert "which students get; name a folder next to it" in capsys.readouterr().err
    assert main(["lessons", str(mine), "--no-open", "--sources"]) == 1
    assert "--sources is now --solutions SOURCES" in capsys.readouterr().err
    assert not (mine / "src").exists()


def test_the_lessons_own_folder_is_refused(two_lessons, capsys):
    assert main(["lessons", str(two_lessons)]) == 1
    assert "Pass another" in capsys.readouterr().err


def test_jupyterlab_is_opened_there_or_its_absence_said(two_lessons, tmp_path, capsys, monkeypatch):
    started = []

    def run(command, cwd, env, check):
        started.append((command[1], command[-1], cwd))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert main(["lessons", str(tmp_path / "my")]) == 0
    assert started == [("-I", "00_start.ipynb", str(tmp_path / "my"))]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["lessons", str(tmp_path / "my")]) == 1
    assert "JupyterLab is not installed. Run pip install jupyterlab" in capsys.readouterr().out


def test_what_is_wrong_with_the_set_up_is_said_before_jupyterlab_starts(two_lessons, tmp_path, capsys, monkeypatch):
    finding = doctor.Finding(False, "numpy is not installed", "pip install numpy")
    monkeypatch.setattr(doctor, "look", lambda short: [finding])
    assert main(["lessons", str(tmp_path / "my"), "--no-open"]) == 0
    assert "WRONG  numpy is not installed\n       what to do: pip install numpy" in capsys.readouterr().out


def _build(kind, tree, place):
    """Return what hatchling makes of a tree, unpacked: "sdist" or "wheel"."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(place)]
    done = subprocess.run(build, cwd=tree, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (made,) = (path for path in place.iterdir() if path.suffix in (".gz", ".whl"))
    shutil.unpack_archive(made, place, "zip" if kind == "wheel" else "gztar", **({} if kind == "wheel" else FILTER))
    return place if kind == "wheel" else next(path for path in place.iterdir() if path.is_dir())


def test_a_wheel_from_the_sdist_has_the_lessons(tmp_path):
    pytest.importorskip("hatchling")
    tree = tmp_path / "tree"
    for name in ("minigooglenet", "lessons"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    (tree / "lessons" / "98_test.ipynb").write_text("{}\n", encoding="utf-8")
    site = _build("wheel", _build("sdist", tree, tmp_path / "sdist"), tmp_path / "site")
    names = {path.relative_to(site).as_posix() for path in site.rglob("*.*")}
    data = {
        path.relative_to(ROOT).as_posix()
        for ending in ("py", "tsv", "safetensors")
        for path in ROOT.glob(f"minigooglenet/lessons/**/*.{ending}")
    }
    assert len(data) > 14 * 3
    notebooks = "minigooglenet/lessons/notebooks"
    assert {f"{notebooks}/98_test.ipynb", f"{notebooks}/README.md", *data} <= names
    assert not any("solutions" in name or name.startswith(("lessons", "tests")) for name in names)
    ask = "from minigooglenet.course import handout; print(handout.folder(), len(handout.sources()), sep='\\n')"
    env = {**os.environ, "PYTHONPATH": str(site)}
    told = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    folder, count = told.stdout.splitlines()
    assert Path(folder).samefile(site / notebooks)
    assert count == "14"
