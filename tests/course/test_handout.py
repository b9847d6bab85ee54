"""Copies of the lessons: from a wheel, from a checkout, and never over edited files."""

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
    monkeypatch.setattr(doctor, "diagnose", lambda short: [])
    return origin


def test_second_copy_changes_nothing(two_lessons, tmp_path):
    first = handout.copy(tmp_path / "my" / "course")
    assert [path.name for path in first.new] == ["00_start.ipynb", "01_next.ipynb"]
    assert first.new[0].read_bytes() == (two_lessons / "00_start.ipynb").read_bytes()
    again = handout.copy(tmp_path / "my" / "course")
    assert (again.new, len(again.same), again.kept) == ([], 2, [])


def test_copy_keeps_and_reports_edited_files(two_lessons, tmp_path, capsys):
    work = tmp_path / "my" / "00_start.ipynb"
    work.parent.mkdir()
    work.write_text("my work", encoding="utf-8")
    assert main(["lessons", str(tmp_path / "my"), "--no-open"]) == 0
    out = capsys.readouterr().out
    assert "1 files copied" in out
    assert "kept your version, which differs from the original lesson" in out
    assert "00_start.ipynb" in out
    assert work.read_text(encoding="utf-8") == "my work"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_copy_does_not_write_through_a_link(two_lessons, tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "00_start.ipynb").symlink_to(tmp_path / "nowhere")
    assert [path.name for path in handout.copy(tmp_path / "my").kept] == ["00_start.ipynb"]
    assert not (tmp_path / "nowhere").exists()


def test_solutions_are_copied_only_to_a_second_folder(two_lessons, tmp_path, capsys):
    handout_folder, hidden = tmp_path / "my", tmp_path / "sources"
    assert hidden / "03_gradients.py" in handout.copy(handout_folder, hidden).new
    assert not [path for path in handout_folder.rglob("*") if "BEGIN SOLUTION" in path.read_text(encoding="utf-8")]
    for folder in (handout_folder, handout_folder / "src"):
        assert main(["lessons", str(handout_folder), "--no-open", "--solutions", str(folder)]) == 1
        assert "which students get. Choose a folder outside of it." in capsys.readouterr().err
    assert main(["lessons", str(handout_folder), "--no-open", "--sources"]) == 1
    assert "--sources is now --solutions SOURCES" in capsys.readouterr().err
    assert not (handout_folder / "src").exists()


def test_copy_into_the_lessons_folder_is_rejected(two_lessons, capsys):
    assert main(["lessons", str(two_lessons)]) == 1
    assert "Pass another" in capsys.readouterr().err


def test_lessons_command_opens_jupyterlab_or_reports_its_absence(two_lessons, tmp_path, capsys, monkeypatch):
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


def test_lessons_command_reports_failed_checks_first(two_lessons, tmp_path, capsys, monkeypatch):
    diagnosis = doctor.Diagnosis(False, "numpy is not installed", "pip install numpy")
    monkeypatch.setattr(doctor, "diagnose", lambda short: [diagnosis])
    assert main(["lessons", str(tmp_path / "my"), "--no-open"]) == 0
    assert "WRONG  numpy is not installed\n       what to do: pip install numpy" in capsys.readouterr().out


def _build(kind, tree, target):
    """Build a tree with hatchling, "sdist" or "wheel", and return the unpacked result."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target)]
    done = subprocess.run(build, cwd=tree, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    (made,) = (path for path in target.iterdir() if path.suffix in (".gz", ".whl"))
    shutil.unpack_archive(made, target, "zip" if kind == "wheel" else "gztar", **({} if kind == "wheel" else FILTER))
    return target if kind == "wheel" else next(path for path in target.iterdir() if path.is_dir())


def test_wheel_from_the_sdist_contains_the_lessons(tmp_path):
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
    assert len(data) > 15 * 3
    notebooks = "minigooglenet/lessons/notebooks"
    assert {f"{notebooks}/98_test.ipynb", f"{notebooks}/README.md", *data} <= names
    assert not any("solutions" in name or name.startswith(("lessons", "tests")) for name in names)
    ask = "from minigooglenet.course import handout; print(handout.folder(), len(handout.sources()), sep='\\n')"
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    folder, count = done.stdout.splitlines()
    assert Path(folder).samefile(site / notebooks)
    assert count == "17"
