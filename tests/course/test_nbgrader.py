"""nbgrader's commands on the released notebooks: blank, half and right notebooks get their points."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minigooglenet.cli import main
from minigooglenet.course import handout, nbgrader, notebooks, release
from minigooglenet.exercises import check
from minigooglenet.exercises.find import everything

SOURCE = """# %% [markdown]
# # 01 A lesson

# %%
from minigooglenet.exercises import answer, ask, check
from minigooglenet.exercises.find import find

# %%
check("00.1", lambda x, i, j, k: 0)


# %%
# exercise 00.1
def mean_of_window(x, i, j, k):
    ### BEGIN SOLUTION
    return x[i : i + k, j : j + k].mean()
    ### END SOLUTION


# %%
result = check("00.1", mean_of_window)
result

# %%
# exercise 06.1b
### BEGIN SOLUTION
your_params = find("06.1b").solution_function(**find("06.1b").values("you"))
### END SOLUTION
answer("06.1b", your_params)

# %%
print("the end")
"""


def _cells(text):
    return json.loads(text)["cells"]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "src"
    folder.mkdir()
    (folder / "01_lesson.py").write_text(SOURCE, encoding="utf-8")
    return folder


def test_each_exercise_has_one_locked_cell_with_its_points(source):
    cells = _cells(nbgrader.course(source)["source/01_lesson/01_lesson.ipynb"])
    graded = {c["metadata"]["nbgrader"]["grade_id"]: c for c in cells if c["metadata"].get("nbgrader", {}).get("grade")}
    assert {name: cell["source"] for name, cell in graded.items()} == {
        "points-00-1": 'check("00.1", mean_of_window).points(1)',
        "points-06-1b": 'answer("06.1b", your_params).points(1)',
    }
    assert all(cell["metadata"]["nbgrader"]["locked"] for cell in graded.values())
    before = cells[cells.index(graded["points-00-1"]) - 1]
    assert before["source"].startswith("result = check")


def test_solutions_are_alone_in_their_cells(source):
    cells = _cells(nbgrader.course(source)["source/01_lesson/01_lesson.ipynb"])
    answers = [cell for cell in cells if cell["metadata"].get("nbgrader", {}).get("solution")]
    assert len(answers) == 2
    assert all(cell["source"].rstrip().endswith(notebooks.END) for cell in answers)


@pytest.mark.parametrize("path", handout.sources(), ids=lambda path: path.stem)
def test_every_exercise_of_the_lessons_is_graded(path):
    made = nbgrader.course(path.parent)[f"source/{path.stem}/{path.stem}.ipynb"]
    ids = re.findall(r'"grade_id": "points-([\w-]+)"', made)
    assert sorted(ids) == sorted(
        number.replace(".", "-") for number in everything() if number.startswith(path.stem[:2]) and number in made
    )
    assert len(set(re.findall(r'"grade_id": "([^"]+)"', made))) == made.count('"grade_id"')
    assert len({cell["id"] for cell in _cells(made)}) == len(_cells(made))


def test_points_are_a_number():
    assert check("00.1", lambda x, i, j, k: x[i : i + k, j : j + k].mean()).points(3) == 3
    assert check("00.1", None).points(3) == 0


def _run(*words, folder):
    variables = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def _answered(released, right, names):
    """Return a released notebook with the solutions filled in for these names."""
    work, solved = json.loads(released), {cell["id"]: cell["source"] for cell in _cells(right)}
    for cell in work["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution") and any(n in solved[cell["id"]] for n in names):
            cell["source"] = solved[cell["id"]]
    return json.dumps(work)


@pytest.mark.parametrize("settings", ["ours", "nbgrader's own"])
def test_nbgrader_generates_and_grades(source, tmp_path, settings):
    pytest.importorskip("nbgrader", reason="nbgrader is not installed; CI's job of this name installs it")
    course = tmp_path / "course"
    assert main(["release", str(source), str(course), "--nbgrader"]) == 0
    if settings != "ours":
        (course / "nbgrader_config.py").unlink()
    _run("generate_assignment", "01_lesson", folder=course)
    released = course / "release" / "01_lesson" / "01_lesson.ipynb"
    assert "SOLUTION" not in released.read_text(encoding="utf-8")
    right = course / "source" / "01_lesson" / "01_lesson.ipynb"
    for student, answered in (
        ("blank", ()),
        ("half", ("mean_of_window",)),
        ("right", ("mean_of_window", "your_params")),
    ):
        folder = course / "submitted" / student / "01_lesson"
        folder.mkdir(parents=True)
        text = _answered(released.read_text(encoding="utf-8"), right.read_text(encoding="utf-8"), answered)
        (folder / "01_lesson.ipynb").write_text(text, encoding="utf-8")
    _run("autograde", "01_lesson", folder=course)
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        scores = {s.student.id: (s.score, s.max_score) for s in gradebook.assignment_submissions("01_lesson")}
    assert scores == {"blank": (0, 2), "half": (1, 2), "right": (2, 2)}
    if settings == "ours":  # the student's notebook runs to its end
        outputs = _cells(
            (course / "autograded" / "blank" / "01_lesson" / "01_lesson.ipynb").read_text(encoding="utf-8")
        )
        assert not [out for cell in outputs for out in cell.get("outputs", ()) if out["output_type"] == "error"]


def test_release_for_nbgrader_keeps_an_edited_configuration(source, tmp_path):
    release.release_for_nbgrader(source, tmp_path / "course")
    config = tmp_path / "course" / "nbgrader_config.py"
    config.write_text("c = get_config()\n", encoding="utf-8")
    assert release.release_for_nbgrader(source, tmp_path / "course").kept == [config]
