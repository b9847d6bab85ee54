"""docs/your-own-course.md is correct: the course of the page can be added, checked and released."""

import doctest
import json
import re
import sys
from pathlib import Path

import pytest

from minigooglenet import exercises
from minigooglenet.cli import main
from minigooglenet.exercises import find
from minigooglenet.exercises.exercise import REGISTERED

PAGE = (Path(__file__).parents[2] / "docs" / "your-own-course.md").read_text(encoding="utf-8")
FILES = re.findall(r"^```(?:python)?\n# (my_course/\S+)\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def course(tmp_path, monkeypatch):
    for name, text in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(find, "COURSES", find.COURSES[:])
    monkeypatch.setenv(find.FOLDERS, "")
    exercises.add_lessons("my_course")
    assert not [name for name in sys.modules if name.startswith("my_course.")]
    yield tmp_path / "my_course"
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_course"]:
        del sys.modules[name]
    for number in [number for number in REGISTERED if number.startswith("20.")]:
        del REGISTERED[number]


def test_examples_of_the_page_run(course):
    assert len(FILES) == 5
    names = {"check": exercises.check, "quiz": exercises.quiz}
    examples = "\n".join(re.findall(r"^```python\n(>>> .*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, names, "your-own-course.md", None, 0)
    assert len(test.examples) == 3
    assert doctest.DocTestRunner().run(test).failed == 0


def test_own_exercises_behave_like_built_in_ones(course):
    number = find.find("20.2").values("ada")
    assert exercises.answer("20.2", number["n"] * number["h"] ** 2, "ada").passed
    assert exercises.answer("20.2", number["h"] ** 2, "ada").mistake == "one image"
    assert "20.1" in str(exercises.check())
    for wrong in find.find("20.1").wrongs:
        assert exercises.check("20.1", wrong.function).mistake == wrong.name
    assert exercises.check("03.1", lambda dout: dout.sum(axis=(0, 2, 3))).passed


def test_environment_variable_adds_own_exercises(course, tmp_path, monkeypatch, capfd):
    find.COURSES.remove("my_course")
    path = tmp_path / "mine.py"
    path.write_text("def channel_means(x):\n    return x[0].mean(axis=(1, 2))\n", encoding="utf-8")
    assert main(["check", "20.1", str(path)]) == 1
    assert "unknown exercise '20.1'" in capfd.readouterr().err
    monkeypatch.setenv("MINIGOOGLENET_LESSONS", "my_course")
    assert main(["check", "20.1", str(path)]) == 1
    assert "That is the mean of the first image." in capfd.readouterr().out


def test_own_lessons_are_released(course, tmp_path, capfd):
    assert main(["release", str(course), str(tmp_path / "out")]) == 0
    notebook = json.loads((tmp_path / "out" / "20_means.ipynb").read_text(encoding="utf-8"))
    assert 'raise NotImplementedError("exercise 20.1: write this")' in "".join(notebook["cells"][2]["source"])
    deck = (tmp_path / "out" / "flashcards.tsv").read_text(encoding="utf-8")
    assert deck.endswith("What does a mean over N, H and W keep?\tOne value for each channel.\tlesson20\n")


def test_adding_a_course_twice_has_no_effect(course):
    exercises.add_lessons("my_course")
    assert find.COURSES.count("my_course") == 1
    assert len(find.folders("20")) == 1


@pytest.mark.parametrize(
    ("package", "error", "words"),
    [
        ("no_such_course", ValueError, "'no_such_course' cannot be imported"),
        ("minigooglenet.shapes", ValueError, "'minigooglenet.shapes' is a module, not a package"),
        (find, TypeError, "add_lessons expects the name of a package"),
    ],
)
def test_add_lessons_rejects_anything_but_packages(package, error, words):
    with pytest.raises(error, match=words):
        exercises.add_lessons(package)


def test_wrong_answer_without_docstring_raises():
    with pytest.raises(ValueError, match=r"exercise 03\.1: the wrong answer nameless needs a docstring"):

        @find.find("03.1").wrong
        def nameless(dout):
            return dout


def test_linter_accepts_course_of_the_page(course, capsys):
    assert main(["exercise", "lint", str(course)]) == 0
    assert "20.1: ready\n20.2: ready\n" in capsys.readouterr().out


def test_release_includes_modules_of_the_course(course, tmp_path):
    assert main(["release", str(course), str(tmp_path / "out"), "--exercises", str(course)]) == 0
    names = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    lesson = "my_course/lesson_20_means"
    assert {"20_means.ipynb", f"{lesson}/__init__.py", f"{lesson}/means.py", f"{lesson}/quiz.tsv"} <= names
    assert f"{lesson}/20_means.py" not in names


def test_missing_course_package_shows_the_fix(monkeypatch, capsys):
    monkeypatch.setenv(find.VARIABLE, "no_such_course")
    assert main(["hint", "20.1"]) == 1
    error = capsys.readouterr().err
    assert "package 'no_such_course', named in MINIGOOGLENET_LESSONS, is not installed" in error
    assert "--exercises no_such_course" in error
