"""A course's own exercise, from the template to the grade, and the reports of the linter."""

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from minigooglenet.cli import main
from minigooglenet.course import own_exercises, release
from minigooglenet.exercises import check, find
from minigooglenet.exercises.exercise import REGISTERED

GUIDE = (Path(__file__).parents[2] / "docs" / "course" / "your-own-exercise.md").read_text(encoding="utf-8")
REFERENCE = "@exercise.reference\ndef reference(x):\n    return x.sum(axis=1)"
TWO_FUNCTIONS = f"def total(x):\n    return x.sum(axis=1)\n\n\n{REFERENCE.replace('x.sum(axis=1)', 'total(x)')}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder for own exercises, and unregister them afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(find.FOLDERS, "")
    monkeypatch.setattr(find, "COURSES", find.COURSES[:])
    before = set(find.everything())
    yield Path("my_exercises")
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_exercises"]:
        del sys.modules[name]
    for number in set(REGISTERED) - before:
        del REGISTERED[number]


def _ready(number="02.9", question=False, **changes):
    """Write a completed exercise from the template, with parts of its text replaced; return its path."""
    path = own_exercises.new(number, "my_exercises", question)
    text = path.read_text(encoding="utf-8").replace("TODO ", "")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path


def _missing(changes):
    _ready(**changes)
    ((_, missing),) = own_exercises.findings("my_exercises")
    return missing


@pytest.mark.parametrize("question", [False, True])
def test_new_exercise_lacks_only_its_texts(folder, question, capsys):
    more = ["--question"] if question else []
    assert main(["exercise", "new", "02.9", *more]) == 0
    assert main(["exercise", "lint"]) == 1
    expected = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  - ")]
    assert len(expected) >= 8
    assert all(line.endswith("still contains TODO") for line in expected)


def test_completed_exercise_is_ready(folder, capsys):
    _ready()
    _ready("02.10", question=True)
    assert main(["exercise", "lint", "my_exercises"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "02.10: ready",
        "02.9: ready",
        "Every exercise is ready for students.",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"    yield (rng.standard_normal((4, 1)),)\n": ""}, "1 test case, at least 2 are needed"),
        ({"@exercise.wrong\ndef one_sum": "def one_sum"}, "2 wrong answers, at least 3 are needed"),
        ({"@exercise.right\n": ""}, "no second right answer"),
        ({"@exercise.reference\n": ""}, "no right answer. Write a function with @exercise.reference"),
        ({"@exercise.cases\n": ""}, "no test cases. Write a function with @exercise.cases"),
        ({"(2, 3)": "(2, 1)"}, "the check accepts the wrong answer 'means of rows'"),
        (
            {"return x.mean(axis=1)": "return x.sum(axis=0)"},
            "the wrong answer 'means of rows' is recognised as 'sums of columns'",
        ),
        ({"sum(row) for row in x": "sum(row) for row in x.T"}, "the check rejects the right answer row_by_row"),
        ({"row_sums(x) ->": "row_sums(image) ->"}, "have different arguments"),
        ({'"row_sums(x) -> (H,)"': '"row_sums(x)"'}, "lacks the result. Write row_sums(...) -> (shape)"),
        ({"difficulty=1,": "difficulty=4,"}, "difficulty must be 1, 2 or 3, got 4"),
        ({"means. Do not divide.": "sums of the columns. Which axis disappears?"}, "same docstring"),
        ({REFERENCE: TWO_FUNCTIONS}, "NameError: name 'total' is not defined"),
        (
            {"integers(rng, (2, 3))": "np.zeros((2, 3))", "rng.standard_normal((4, 1))": "np.zeros((2, 1))"},
            "a constant passes",
        ),
        ({"def cases(rng):\n": "def cases(rng):\n    raise OSError('no disk')\n"}, "OSError: no disk, in your line"),
        ({"def cases(rng):\n": "def cases(rng):\n    return\n"}, "0 test cases, at least 2 are needed"),
        (
            {"yield (rng.standard_normal((4, 1)),)": "yield (rng.standard_normal((4, 1)))"},
            "A single argument needs a comma",
        ),
        (
            {"yield (rng.standard_normal((4, 1)),)": "yield rng.standard_normal((4, 1)), 2"},
            "the right answer raises an exception in test case 2",
        ),
        ({"(rng, (2, 3))": "(np.random.default_rng(), (2, 3))"}, "the test cases differ from run to run"),
        (
            {"return x.sum(axis=1)\n": "return x.sum(axis=1 if x.sum(axis=1).max() < 4 else 2)\n"},
            "the right answer raises an exception in a test case that `grade` may draw",
        ),
        ({"[sum(row) for": "[min(sum(row), 3) for"}, "draw a test case that rejects the right answer row_by_row"),
        ({"return x.sum(axis=1)\n": "return x.sum(axis=1) + y\n"}, "name 'y' is not defined, in your line"),
        ({"minutes=5": "minutes='5'"}, "minutes must be a number above 0, got '5'"),
        ({'"02.9"': '"02.1"'}, "exercise ID '02.1' is already in use. Choose a different ID"),
        ({"return x.sum()": "return x.sum(axis=1) * (1 + 1e-12)"}, "it differs only by round-off"),
    ],
)
def test_linter_reports_problems_of_an_exercise(folder, changes, expected):
    assert any(expected in sentence for sentence in _missing(changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"{h} x {h}": "{height} x {h}"}, "the question names a value that is not drawn"),
        ({"rng.integers(2, 9)": "3", "rng.integers(10, 30)": "11"}, "get only 1 different questions"),
        ({"@exercise.solution\n": ""}, "no drawn values or no right number"),
        ({"return 3 * n * h * h": "return n * h"}, "'three channels' equals the wrong number 'one side' in each of"),
        ({"return n * h * h\n": "return n * h * h + 0.5\n"}, "not an integer. Set a tolerance"),
        ({"return 3 * n * h * h": "return 3 * n * k"}, "'three channels' cannot be computed for n="),
        ({"return n * h * h\n": "return n * h * h * float('nan')\n"}, "the right number is nan for n="),
        ({"def solution(n, h)": "def solution(n)"}, "the right number cannot be computed for n="),
        ({"return {": "return [{", "30))}": "30))}]"}, "should return a dict {name: value}, got a list"),
        ({"{h} x {h}": "{h} x {h"}, "Write {{ and }} for braces"),
        ({"int(rng.integers(2, 9))": "id(object()) + int(1e6 * __import__('time').time())"}, "differ from run to run"),
    ],
)
def test_linter_reports_problems_of_a_question(folder, changes, expected):
    _ready(question=True, **changes)
    ((_, missing),) = own_exercises.findings("my_exercises")
    assert any(expected in sentence for sentence in missing)


def test_import_error_does_not_hide_other_exercises(folder, capsys):
    _ready()
    Path("my_exercises/exercise_02_8.py").write_text("exercise = \n", encoding="utf-8")
    assert main(["exercise", "lint", "my_exercises"]) == 1
    out = capsys.readouterr().out
    assert "exercise_02_8:\n  - it cannot be imported: SyntaxError" in out
    assert "02.9: ready" in out
    assert "1 of 2 exercises needs attention." in out


def test_file_name_with_another_number_is_reported(folder):
    path = _ready()
    path.rename(path.with_name("exercise_02_11.py"))
    ((_, missing),) = own_exercises.findings("my_exercises")
    assert any(sentence.startswith("rename the file to exercise_02_9.py") for sentence in missing)


@pytest.mark.parametrize(
    ("number", "folder_name", "expected"),
    [
        ("02.1", "my_exercises", "exercise 02.1 already exists. Lesson 02 has 02.1"),
        ("2.9", "my_exercises", "the two digits of the lesson, a dot and a number, such as 02.9, got '2.9'"),
        ("../02.9", "my_exercises", "two digits"),
        ("02.9", "my-exercises", "rename the folder 'my-exercises'"),
        ("02.9", "numpy", "rename the folder 'numpy': another module has this name"),
    ],
)
def test_invalid_exercise_id_or_folder_raises_before_writing(folder, number, folder_name, expected, capsys):
    assert main(["exercise", "new", number, "--exercises", folder_name]) == 1
    assert expected in capsys.readouterr().err
    assert not list(Path().rglob("*.py"))


def test_existing_exercise_file_is_never_replaced(folder, capsys):
    path = _ready()
    kept = path.read_text(encoding="utf-8")
    assert main(["exercise", "new", "02.9"]) == 1
    assert "already exists" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == kept


def test_check_and_hint_find_the_exercise(folder, capfd):
    _ready()
    Path("answer.py").write_text("def row_sums(x):\n    return x.sum(axis=0)\n", encoding="utf-8")
    assert main(["check", "02.9", "answer.py", "--exercises", "my_exercises"]) == 1
    out = capfd.readouterr().out
    assert "These are the sums of the columns. Which axis disappears?" in out
    command = re.search(r"minigooglenet (hint 02\.9 --exercises \S+)", out).group(1)
    assert main(command.split()) == 0
    assert capfd.readouterr().out.startswith("Hint 1 of 3: where to look")


def _code(text):
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


def test_first_hint_in_a_terminal_names_the_next_command(folder, capsys):
    _ready()
    assert main(["hint", "02.9", "--exercises", "my_exercises"]) == 0
    command = capsys.readouterr().out.splitlines()[-1].removeprefix("More: minigooglenet ")
    assert command == "hint 02.9 --exercises my_exercises --step 2"
    assert main(command.split()) == 0
    assert capsys.readouterr().out.startswith("Hint 2 of 3: the idea")


EXACT = {
    "difficulty=1,": "difficulty=1, tolerance=0,",
    "x.sum(axis=1)\n": "np.cumsum(x, axis=1, dtype=np.float32)[:, -1]\n",
    "np.array([sum(row) for row in x])": "np.array([sum(row.tolist(), np.float32(0)) for row in x.astype(np.float32)])",
    "integers(rng, (2, 3))": "rng.standard_normal((2, 300))",
}


def test_tolerance_0_requires_equal_values_in_any_container(folder):
    assert _missing(EXACT) == []
    ((x,), _) = find.find("02.9").arguments
    right = np.cumsum(x, axis=1, dtype=np.float32)[:, -1]
    other = np.cumsum(x[:, ::-1], axis=1, dtype=np.float32)[:, -1]
    assert (right != other).any()
    assert np.allclose(right, other, atol=1e-5)

    def answer(values):
        return check("02.9", lambda x: values if x.shape[1] > 1 else x[:, 0].astype(np.float32))

    for form in (right, right.tolist(), tuple(right), right.astype(np.float64)):
        assert answer(form).passed
    result = answer(other)
    assert not result.passed
    received, reference = re.match(r"the output is (\S+) at \(\d+,?\), expected (\S+)", result.what).groups()
    assert received != reference


def test_release_adds_cells_and_files_of_own_exercises(folder):
    _ready()
    Path("src").mkdir()
    Path("src/02_matrix.py").write_text("# %% [markdown]\n# # 02 Matrix\n", encoding="utf-8")
    assert main(["release", "src", "out", "--exercises", "my_exercises", "--solutions", "solved"]) == 0
    released = Path("out/02_matrix.ipynb").read_text(encoding="utf-8")
    assert 'raise NotImplementedError("exercise 02.9: write this")' in _code(released)
    assert "x.sum(axis=1)" not in _code(released)
    assert "# 02 Matrix" in released
    assert "Return the sum of each row, an array (H,)." in released
    assert "def row_sums(x):" in _code(Path("solved/02_matrix.ipynb").read_text(encoding="utf-8"))
    assert Path("out/my_exercises/exercise_02_9.py").read_bytes() == Path("my_exercises/exercise_02_9.py").read_bytes()


def test_own_lesson_becomes_a_notebook(folder):
    _ready("20.1")
    done = release.release("my_exercises", "out", exercises="my_exercises")
    names = {path.relative_to("out").as_posix() for path in done.written}
    assert names == {"20_exercises.ipynb", "flashcards.tsv", "my_exercises/exercise_20_1.py"}


@pytest.mark.parametrize(("ready", "expected"), [(False, ["02.9 is not ready"]), (True, [])])
def test_release_reports_unfinished_exercises(folder, capsys, ready, expected):
    _ready() if ready else own_exercises.new("02.9", folder)
    sources = Path(release.__file__).parents[1] / "lessons"
    assert main(["release", str(sources), "handout", "--exercises", str(folder)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "not ready" in line]
    assert [line.partition(" for")[0] for line in lines] == expected


def test_released_notebook_and_its_solution_are_graded(folder):
    _ready("20.1")
    _ready("20.2", question=True)
    release.release("my_exercises", "out", "solved", exercises="my_exercises")
    Path("class").mkdir()
    for student, folder_name in (("ada", "solved"), ("bob", "out")):
        Path(f"class/{student}.ipynb").write_bytes(Path(f"{folder_name}/20_exercises.ipynb").read_bytes())
    assert main(["grade", "class", "--csv", "grades.csv", "--exercises", "my_exercises"]) == 0
    with Path("grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {(row["student"], row["exercise"]): row["status"] for row in csv.DictReader(file)}
    assert rows == {
        **{("ada", number): "passed" for number in ("20.1", "20.2")},
        **{("bob", number): "not yet" for number in ("20.1", "20.2")},
    }


def test_edited_exercise_changes_the_digest(folder):
    path = _ready()
    before = own_exercises.digest([folder])
    path.write_text(path.read_text(encoding="utf-8") + "\n# a comment\n", encoding="utf-8")
    assert own_exercises.digest([folder]) != before
    assert own_exercises.digest([]) == ""


def test_every_command_in_the_guide_exists(folder, capsys):
    commands = {line.split("#")[0].strip() for line in GUIDE.splitlines() if line.startswith("minigooglenet ")}
    assert len(commands) == 9
    for command in commands:
        words = command.split()[1:]
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        assert ended.value.code == 0
        page = capsys.readouterr().out
        assert [option for option in re.findall(r"--[\w-]+", command) if option not in page] == []


def test_course_file_includes_own_exercises_with_points(folder, tmp_path, capsys):
    _ready()
    (tmp_path / "course.toml").write_text(
        'exercises = "my_exercises"\n[lessons.02]\nexercises = ["02.1", "02.9"]\n[points]\n02.9 = 5\n', encoding="utf-8"
    )
    assert main(["lessons", "my", "--solutions", "sources", "--no-open"]) == 0
    assert main(["release", "sources", "handout", "--course", "course.toml"]) == 0
    cells = json.loads(Path("handout/02_matrix.ipynb").read_text(encoding="utf-8"))["cells"]
    assert "with their points: 02.1 (2), 02.9 (5)." in "".join(cells[1]["source"])
    assert any('check("02.9"' in "".join(cell["source"]) for cell in cells)


def test_linter_reports_an_argument_that_never_varies(folder):
    changes = {
        '"row_sums(x) -> (H,)"': '"row_sums(x, factor) -> (H,)"',
        "yield (integers(rng, (2, 3)),)": "yield integers(rng, (2, 3)), 2",
        "yield (rng.standard_normal((4, 1)),)": "yield rng.standard_normal((4, 1)), 2",
        "def reference(x):\n    return x.sum(axis=1)": "def reference(x, factor):\n    return factor * x.sum(axis=1)",
        "def row_by_row(x):\n    return np": "def row_by_row(x, factor):\n    return factor * np",
        "def sums_of_columns(x)": "def sums_of_columns(x, factor)",
        "def one_sum(x)": "def one_sum(x, factor)",
        "def means_of_rows(x)": "def means_of_rows(x, factor)",
    }
    missing = _missing(changes)
    assert any("no test case reveals this fault: factor: " in sentence for sentence in missing), missing


def test_guide_course_file_releases_and_grades_only_own_exercises(folder):
    _ready()
    Path("course.toml").write_text(re.search(r"```toml\n(.*?)```", GUIDE, re.DOTALL)[1], encoding="utf-8")
    assert main(["release", "my_exercises", "handout", "--course", "course.toml"]) == 0
    Path("class").mkdir()
    Path("class/ada.ipynb").write_bytes(Path("handout/02_exercises.ipynb").read_bytes())
    assert main(["grade", "class", "--csv", "grades.csv", "--course", "course.toml"]) == 0
    with Path("grades.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [(row["exercise"], row["status"]) for row in csv.DictReader(file)] == [("02.9", "not yet")]
