"""The lessons on their way out: in a wheel, in a checkout, and never over anybody's work."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from minigooglenet.cli import main
from minigooglenet.course import doctor, lessons

ROOT = Path(__file__).parents[2]


@pytest.fixture
def two_lessons(tmp_path, monkeypatch):
    origin = tmp_path / "origin"
    (origin / "src").mkdir(parents=True)
    for name in ("00_start.ipynb", "01_next.ipynb", "src/00_start.py"):
        (origin / name).write_text(f"{name} as it came\n", encoding="utf-8")
    monkeypatch.setattr(lessons, "folder", lambda: origin)
    monkeypatch.setattr(doctor, "look", lambda short: [])
    return origin


def test_a_copy_is_whole_and_a_second_one_changes_nothing(two_lessons, tmp_path):
    first = lessons.copy(tmp_path / "my" / "course")
    assert [path.name for path in first.new] == ["00_start.ipynb", "01_next.ipynb"]
    assert first.new[0].read_bytes() == (two_lessons / "00_start.ipynb").read_bytes()
    again = lessons.copy(tmp_path / "my" / "course")
    assert (again.new, len(again.same), again.kept) == ([], 2, [])


def test_what_a_student_changed_stays_and_is_said(two_lessons, tmp_path, capsys):
    place = tmp_path / "my" / "00_start.ipynb"
    place.parent.mkdir()
    place.write_text("my work", encoding="utf-8")
    assert main(["lessons", str(tmp_path / "my"), "--no-open"]) == 0
    out = capsys.readouterr().out
    assert "1 files copied" in out
    assert "left as it is" in out
    assert "00_start.ipynb" in out
    assert place.read_text(encoding="utf-8") == "my work"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_is_not_written_through(two_lessons, tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "00_start.ipynb").symlink_to(tmp_path / "nowhere")
    assert [path.name for path in lessons.copy(tmp_path / "my").kept] == ["00_start.ipynb"]
    assert not (tmp_path / "nowhere").exists()


def test_sources_come_on_request(two_lessons, tmp_path):
    assert tmp_path / "my" / "src" / "00_start.py" in lessons.copy(tmp_path / "my", sources=True).new


def test_the_lessons_own_folder_is_refused(two_lessons, capsys):
    assert main(["lessons", str(two_lessons)]) == 1
    assert "name another" in capsys.readouterr().err


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
    assert "JupyterLab is not installed: pip install jupyterlab" in capsys.readouterr().out


def test_what_is_wrong_with_the_set_up_is_said_before_jupyterlab_starts(two_lessons, tmp_path, capsys, monkeypatch):
    finding = doctor.Finding(False, "numpy is not installed", "pip install numpy")
    monkeypatch.setattr(doctor, "look", lambda short: [finding])
    assert main(["lessons", str(tmp_path / "my"), "--no-open"]) == 0
    assert "WRONG  numpy is not installed\n       what to do: pip install numpy" in capsys.readouterr().out


def test_a_wheel_takes_the_lessons_along(tmp_path):
    pytest.importorskip("setuptools", minversion="80")
    tree = tmp_path / "tree"
    hide = shutil.ignore_patterns("__pycache__", "*.egg-info", "solutions")
    for name in ("minigooglenet", "lessons"):
        shutil.copytree(ROOT / name, tree / name, ignore=hide)
    for name in ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    (tree / "lessons" / "98_test.ipynb").write_text("{}\n", encoding="utf-8")
    env = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(tmp_path), "."]
    done = subprocess.run(build, cwd=tree, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    names = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.*")}
    sources = {f"minigooglenet/lessons/src/{path.name}" for path in ROOT.glob("lessons/src/*.py")}
    quizzes = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("minigooglenet/exercises/quizzes/*.tsv")}
    assert {"minigooglenet/lessons/98_test.ipynb", "minigooglenet/lessons/README.md", *sources, *quizzes} <= names
    assert not any("solutions" in name for name in names)
    ask = "from minigooglenet.course import lessons; print(lessons.folder())"
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    found = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).samefile(tmp_path / "site" / "minigooglenet" / "lessons")
