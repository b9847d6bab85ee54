"""Exams on paper: the seed determines everything, versions differ, and the key is right."""

import re

import pytest

from minigooglenet.cli import main
from minigooglenet.course import exam
from minigooglenet.exercises import answer
from minigooglenet.exercises.find import find


def test_seed_determines_the_exam():
    made = exam.versions(7, 2, ["01", "06"])
    assert made == exam.versions(7, 2, ["01", "06"])
    assert made != exam.versions(8, 2, ["01", "06"])
    assert made[0].paper.replace("version A", "") != made[1].paper.replace("version B", "")


def test_key_has_right_answers_and_known_mistakes():
    (version,) = exam.versions(3, 1, ["06"], numbers=20)
    student = "exam 3 A"
    result = re.findall(r"\((\d\d\.\w+), \d points?\) \*\*([^*]+)\*\*(.*?)(?=\n\n\*\*|\Z)", version.key, re.DOTALL)
    assert len(result) >= 3
    for number, right, rest in result:
        assert answer(number, float(right), student).passed
        wrong = dict(re.findall(r"^- (\S+): (.*?)\. ", rest, re.MULTILINE))
        assert sorted(wrong.values()) == sorted(mistake.name for mistake in find(number).wrongs)
        for value, name in wrong.items():
            assert answer(number, float(value), student).mistake == name


def test_paper_contains_no_answers():
    (version,) = exam.versions(3, 1, ["06"])
    answers = re.findall(r"point\) (.*)$", version.key, re.MULTILINE)
    assert answers
    assert not [text for text in answers if text in version.paper]


def test_papers_and_keys_go_to_two_folders(tmp_path, capsys):
    papers, keys = tmp_path / "papers", tmp_path / "keys"
    assert main(["exam", str(papers), "--key", str(keys), "--seed", "1", "--versions", "3", "--lesson", "6"]) == 0
    assert sorted(path.name for path in papers.iterdir()) == ["exam-A.md", "exam-B.md", "exam-C.md"]
    assert sorted(path.name for path in keys.iterdir()) == ["key-A.md", "key-B.md", "key-C.md"]
    assert main(["exam", str(papers), "--key", str(papers / "k"), "--seed", "1"]) == 1
    assert "which students get" in capsys.readouterr().err


@pytest.mark.parametrize("lesson", ["99", "x"])
def test_lessons_without_questions_are_named(lesson, tmp_path, capsys):
    assert main(["exam", str(tmp_path / "p"), "--key", str(tmp_path / "k"), "--seed", "1", "--lesson", lesson]) == 1
    assert "has no quiz" in capsys.readouterr().err
