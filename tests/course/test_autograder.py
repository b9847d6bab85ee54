"""The archive for Gradescope grades a submission with only its own files; the container recipe is valid."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import minigooglenet
from minigooglenet.cli import COMMANDS, main
from minigooglenet.course import autograder, course_file

ROOT = Path(minigooglenet.__file__).parents[1]
SOURCE = """# %% [markdown]
# # 00 A lesson

# %%
from minigooglenet.exercises import check


# %%
# exercise 00.1
def mean_of_window(x, i, j, k):
    ### BEGIN SOLUTION
    return x[i : i + k, j : j + k].mean()
    ### END SOLUTION


# %%
check("00.1", mean_of_window)
"""


@pytest.fixture
def released(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("src").mkdir()
    Path("src/00_start_here.py").write_text(SOURCE, encoding="utf-8")
    words = ["src", "out", "--solutions", "solved", "--autograder", "gradescope.zip", "--lesson", "00"]
    assert main(["release", *words]) == 0
    return tmp_path


def test_gradescope_archive_has_the_expected_files(released):
    with zipfile.ZipFile("gradescope.zip") as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        needed = archive.read("requirements.txt").decode().splitlines()
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755
    assert {
        "minigooglenet/__init__.py",
        "minigooglenet/lessons/lesson_00_start/quiz.tsv",
        "handout/00_start_here.ipynb",
    } <= set(modes)
    assert not [name for name in modes if "__pycache__" in name or name.startswith(("/", ".."))]
    assert {re.split(r"\W", line)[0] for line in needed} >= {"numpy", "numba", "nbformat", "rich"}
    assert not [line for line in needed if line.startswith(("pytest", "onnx"))]


def test_equal_releases_give_equal_archives(released):
    before = Path("gradescope.zip").read_bytes()
    autograder.write("again.zip", "out", "00")
    assert Path("again.zip").read_bytes() == before


@pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="Gradescope runs bash")
@pytest.mark.parametrize(("folder", "score"), [("solved", 1), (None, 0)])
def test_archive_scripts_write_gradescope_results(released, folder, score):
    root = released / "autograder"
    with zipfile.ZipFile("gradescope.zip") as archive:
        archive.extractall(root / "source")
    python = root / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    (root / "submission").mkdir()
    if folder is not None:
        shutil.copy(f"{folder}/00_start_here.ipynb", root / "submission")
    (root / "submission_metadata.json").write_text('{"users": [{"name": "Ada Byron"}]}', encoding="utf-8")
    variables = {
        **os.environ,
        "AUTOGRADER_ROOT": str(root),
        "NUMBA_DISABLE_JIT": "1",
    }  # in a new folder, kernels are not compiled yet
    command = ["bash", str(root / "source" / "run_autograder")]
    subprocess.run(command, check=True, env=variables, capture_output=True, timeout=300)
    results = json.loads((root / "results" / "results.json").read_text(encoding="utf-8"))
    assert results["score"] == score
    if folder is None:
        return
    (test,) = [test for test in results["tests"] if test["number"] == "00.1" and test["visibility"] == "visible"]
    assert (test["score"], test["max_score"]) == (score, 1)


def test_archive_inside_the_handout_is_rejected(released, capsys):
    assert main(["release", "src", "out", "--autograder", "out/gradescope.zip"]) == 1
    assert "is inside out, which students get" in capsys.readouterr().err
    assert not Path("out/gradescope.zip").exists()


def test_container_recipe_uses_existing_files_and_commands():
    recipe = (ROOT / "Containerfile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    copied = [word for line in re.findall(r"^COPY (.*) \S+$", recipe, re.MULTILINE) for word in line.split()]
    assert copied
    assert all((ROOT / name).exists() for name in copied)
    assert set(re.findall(r"/src\[(\w+)\]", recipe)) <= set(project["optional-dependencies"])
    called = re.findall(r"RUN minigooglenet (\w+)", recipe) + re.findall(r'CMD \["(\w+)"', recipe)
    assert called == ["warmup", "lessons"]
    assert set(called) <= set(COMMANDS)
    version = re.search(r"python:(\d+)\.(\d+)", recipe)
    assert tuple(map(int, version.groups())) >= (3, 11)
    assert project["requires-python"] == ">=3.11"


def test_archive_contains_course_file_and_roster(released):
    Path("course.toml").write_text("students = 'roster.csv'\n[lessons.00]", encoding="utf-8")
    Path("roster.csv").write_text("name,id\nAda Byron,7\n", encoding="utf-8")
    words = ["src", "out", "--autograder", "gradescope.zip", "--course", "course.toml"]
    assert main(["release", *words]) == 0
    shutil.unpack_archive("gradescope.zip", "source")
    assert course_file.read("source/course.toml").roster.find("7").name == "Ada Byron"
    assert "--course source/course.toml" in Path("source/run_autograder").read_text(encoding="utf-8")


def test_archive_contains_all_files_of_own_exercises(released):
    folder = Path("own_ones")
    (folder / "lesson_20_means").mkdir(parents=True)
    (folder / "exercise_02_9.py").write_text("exercise = 1\n", encoding="utf-8")
    (folder / "lesson_20_means" / "__init__.py").write_text("from own_ones.lesson_20_means import means\n", "utf-8")
    (folder / "lesson_20_means" / "means.py").write_text("", encoding="utf-8")
    (folder / "lesson_20_means" / "quiz.tsv").write_text("Why?\tSo.\n", encoding="utf-8")
    autograder.write("own.zip", "out", exercises=folder)
    with zipfile.ZipFile("own.zip") as archive:
        kept = {name for name in archive.namelist() if name.startswith("own_ones/")}
        assert b"--exercises source/own_ones" in archive.read("run_autograder")
    assert kept == {
        "own_ones/exercise_02_9.py",
        *(f"own_ones/lesson_20_means/{name}" for name in ("__init__.py", "means.py", "quiz.tsv")),
    }
