"""Flashcards: a text file that Anki imports, whose numbers the engine computes when it is made."""

import csv
import re

import pytest

from minigooglenet.cli import main
from minigooglenet.course import handout
from minigooglenet.exercises.cards import cards
from minigooglenet.lessons import flashcards

LESSONS = [path.stem[:2] for path in handout.sources()]


def _rows(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")]
    return head, list(csv.reader(lines[len(head) :], delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_deck_has_question_answer_and_lesson_of_every_card(tmp_path, capsys):
    assert main(["cards", str(tmp_path / "deck.txt")]) == 0
    head, rows = _rows(tmp_path / "deck.txt")
    assert head == ["#separator:tab", "#html:false", "#notetype:Basic", "#deck:minigooglenet", "#tags column:3"]
    assert {len(row) for row in rows} == {3}
    assert list(dict.fromkeys(row[2] for row in rows)) == [f"lesson{lesson}" for lesson in LESSONS]
    assert len({row[0] for row in rows}) == len(rows) == sum(len(cards(n)) for n in LESSONS) + len(flashcards.CARDS)
    assert capsys.readouterr().out.startswith(f"{len(rows)} cards")


def test_numbers_follow_the_engine(tmp_path, monkeypatch):
    half = flashcards.counting.count(flashcards.models.googlenet(aux=False, init="zeros", size=112))
    monkeypatch.setattr(flashcards, "_count", lambda aux=False: half)
    assert main(["cards", str(tmp_path / "deck.txt"), "--lesson", "0"]) == 0
    _, rows = _rows(tmp_path / "deck.txt")
    assert any(f"{half.macs:,} MAC" in answer for _, answer, _ in rows)
    assert {lesson for *_, lesson in rows} == {"lesson00"}


def test_numbers_in_quizzes_are_what_the_engine_computes():
    answers = " ".join(card.answer() for card in flashcards.CARDS)
    for lesson in LESSONS:
        for _, answer in cards(lesson):
            for number in re.findall(r"\d{1,3}(?:,\d{3})+", answer):
                assert number in answers, (lesson, number)


@pytest.mark.parametrize("lesson", ["14", "x"])
def test_an_unknown_lesson_is_rejected(lesson, tmp_path, capsys):
    assert main(["cards", str(tmp_path / "deck.txt"), "--lesson", lesson]) == 1
    assert "there is no lesson" in capsys.readouterr().err
    assert not (tmp_path / "deck.txt").exists()
