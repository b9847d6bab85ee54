"""`minigooglenet release`: notebooks for a course, and a deck for Anki."""

import csv
import json

import pytest

from minigooglenet.cli import main
from minigooglenet.course import release
from minigooglenet.exercises.cards import cards

SOURCE = "# %%\n# exercise 03.1\n### BEGIN SOLUTION\nvalue = 12\n### END SOLUTION\n"


@pytest.fixture
def course(tmp_path, monkeypatch):
    quiz = [("What is a MAC?", "A multiply-add."), ("Why?", 'Because of "this".')]
    monkeypatch.setattr(release, "cards", lambda lesson: quiz if lesson == "03" else cards("none"))
    for name in ("03_a", "04_b"):
        (tmp_path / "src").mkdir(exist_ok=True)
        (tmp_path / "src" / f"{name}.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


def test_solutions_are_released_only_on_request(course):
    assert main(["release", str(course / "src"), str(course / "out")]) == 0
    assert not (course / "out" / "solutions").exists()
    assert "12" not in json.loads((course / "out" / "03_a.ipynb").read_text(encoding="utf-8"))["cells"][0]["source"][1]
    hidden = course / "hidden"
    assert main(["release", str(course / "src"), str(course / "out"), "--solutions", str(hidden)]) == 0
    assert "value = 12" in (hidden / "04_b.ipynb").read_text(encoding="utf-8")
    assert not any("value = 12" in path.read_text(encoding="utf-8") for path in (course / "out").rglob("*.ipynb"))


@pytest.mark.parametrize("inside", ["out", "out/solutions", "out/../out/x"])
def test_solutions_inside_the_handout_are_rejected(course, inside, capsys):
    assert main(["release", str(course / "src"), str(course / "out"), "--solutions", str(course / inside)]) == 1
    assert "which students get. Choose a folder outside of it." in capsys.readouterr().err
    assert not (course / "out").exists()


def test_release_accepts_sources_from_the_lessons_command(tmp_path):
    assert main(["lessons", str(tmp_path / "my"), "--solutions", str(tmp_path / "sources"), "--no-open"]) == 0
    assert main(["release", str(tmp_path / "sources"), str(tmp_path / "out")]) == 0
    direct = release.release(tmp_path / "sources", tmp_path / "out")
    assert direct.written == direct.kept == []
    assert (tmp_path / "out" / "03_gradients.ipynb").is_file()


def test_release_without_sources_names_the_lessons_command(tmp_path, capsys):
    assert main(["release", str(tmp_path), str(tmp_path / "out")]) == 1
    assert "Write them to SOURCES with `minigooglenet lessons DIR --solutions SOURCES`" in capsys.readouterr().err
    assert main(["release", str(tmp_path / "none"), str(tmp_path / "out")]) == 1
    assert "none does not exist" in capsys.readouterr().err


def test_release_replaces_only_unedited_notebooks(course, capsys):
    release.release(course / "src", course / "out")
    work = course / "out" / "04_b.ipynb"
    work.write_text("a student's work", encoding="utf-8")
    for name in ("03_a", "04_b"):
        (course / "src" / f"{name}.py").write_text(SOURCE + "print('new')\n", encoding="utf-8")
    for _ in range(2):  # a file that was left stays left
        assert main(["release", str(course / "src"), str(course / "out")]) == 0
        assert f"kept, because it was changed: {work}" in capsys.readouterr().out
    assert "print('new')" in (course / "out" / "03_a.ipynb").read_text(encoding="utf-8")
    assert work.read_text(encoding="utf-8") == "a student's work"


def test_released_deck_has_quizzes_for_anki(course):
    release.release(course / "src", course / "out")
    lines = (course / "out" / "flashcards.tsv").read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")]
    rows = list(csv.reader(lines[len(head) :], delimiter="\t", quoting=csv.QUOTE_NONE))
    assert head[0] == "#separator:tab"
    assert rows[:2] == [
        ["What is a MAC?", "A multiply-add.", "lesson03"],
        ["Why?", 'Because of "this".', "lesson03"],
    ]


def test_invalid_source_raises_before_writing(course, capsys):
    (course / "src" / "05_c.py").write_text("# %%\n### END SOLUTION\n", encoding="utf-8")
    assert main(["release", str(course / "src"), str(course / "out")]) == 1
    assert "05_c, cell 1" in capsys.readouterr().err
    assert not (course / "out").exists()


COURSE = """
name = "Nets"
time_zone = "Europe/Berlin"
partial = true
[lessons.03]
due = 2026-11-03T18:00:00
without = ["03.4"]
points = 10
[late]
grace_minutes = 15
per_day = 0.1
days = 3
copies = "on time"
[allowed]
engine = false
scipy = true
each_other = false
[students]
"Ada Byron" = []
"""


def texts(path):
    return ["".join(cell["source"]) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]


def test_notebooks_state_the_rules_of_their_course(course, capsys):
    (course / "course.toml").write_text(COURSE, encoding="utf-8")
    words = ["release", str(course / "src"), str(course / "out"), "--course", str(course / "course.toml")]
    assert main([*words, "--solutions", str(course / "hidden")]) == 0
    assert [path.name for path in sorted((course / "out").glob("*.ipynb"))] == ["03_a.ipynb"]
    for folder in ("out", "hidden"):
        rules = texts(course / folder / "03_a.ipynb")[1]
        for sentence in (
            "## In this course: Nets",
            "**Due** Tuesday 3 November 2026, 18:00 (Europe/Berlin). Up to 15 minutes later still counts as on time.",
            "Each day late, or part of a day, costs 10% of the points. After 3 days nothing counts.",
            "If you hand in several notebooks, the last one on time counts.",
            "**Points:** 10. Exercises that count, with their points: 03.1 (1.43)",
            "03.4 does not count, but try it anyway.",
            "**You may use** SciPy.",
            "**You may not use** the functions of minigooglenet instead of your own or the code of other students.",
            "that fraction of the points",
            "write it as in the course's list of students",
        ):
            assert sentence in rules
        assert "Ada" not in rules, "the roster stays with the staff"
    assert "lesson04" not in (course / "out" / "flashcards.tsv").read_text(encoding="utf-8")


def test_course_without_rules_states_only_points(course):
    (course / "course.toml").write_text("", encoding="utf-8")
    assert main(["release", str(course / "src"), str(course / "out"), "--course", str(course / "course.toml")]) == 0
    rules = texts(course / "out" / "03_a.ipynb")[1]
    assert "**Points:**" in rules
    assert not any(word in rules for word in ("Due", "may", "fraction", "does not count"))


@pytest.mark.parametrize("call", ['check("03.7", f)', "hint('03.7')", 'answer( "03.7", 5)'])
def test_unknown_exercise_in_a_source_is_rejected(course, capsys, call):
    (course / "src" / "03_a.py").write_text(f"{SOURCE}\n\n# %%\n{call}\n", encoding="utf-8")
    assert main(["release", str(course / "src"), str(course / "out")]) == 1
    assert "03_a: unknown exercise '03.7'. Did you mean '03." in capsys.readouterr().err
    assert not (course / "out").exists()


def test_exercises_of_own_lessons_are_accepted(course):
    (course / "src" / "20_own.py").write_text('# %%\ncheck("20.1", f)\n', encoding="utf-8")
    assert main(["release", str(course / "src"), str(course / "out")]) == 0
