"""Flashcards: a text file for Anki, with numbers that the engine computes when the file is written."""

import csv
import re

import pytest

from minigooglenet.cli import main
from minigooglenet.course import handout, release
from minigooglenet.exercises.cards import cards, pairs
from minigooglenet.lessons import flashcards

LESSONS = [path.stem[:2] for path in handout.sources()]


def _rows(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    head = [line for line in lines if line.startswith("#")]
    return head, list(csv.reader(lines[len(head) :], delimiter="\t", strict=True))


def test_deck_has_question_answer_and_lesson_of_every_card(tmp_path, capsys):
    assert main(["cards", str(tmp_path / "deck.txt")]) == 0
    head, rows = _rows(tmp_path / "deck.txt")
    assert head == ["#separator:tab", "#html:false", "#notetype:Basic", "#deck:minigooglenet", "#tags column:3"]
    assert {len(row) for row in rows} == {3}
    assert list(dict.fromkeys(row[2] for row in rows)) == [f"lesson{lesson}" for lesson in LESSONS]
    assert len({row[0] for row in rows}) == len(rows) == sum(len(cards(n)) for n in LESSONS) + len(flashcards.CARDS)
    assert f", {len(rows)} cards." in capsys.readouterr().out


def test_deck_keeps_every_question_and_answer(tmp_path):
    assert main(["cards", str(tmp_path / "deck.txt")]) == 0
    _, rows = _rows(tmp_path / "deck.txt")
    assert {pair for lesson in LESSONS for pair in cards(lesson)} <= {(row[0], row[1]) for row in rows}
    assert any(question.startswith('"Gradients vanish') for question, *_ in rows)


def test_leading_hash_or_quote_is_kept(tmp_path):
    written = [('"a" or "b"?', "#1"), ("# of layers?", 'the "22"')]
    path = tmp_path / "deck.txt"
    path.write_text(release.deck({"x": written}), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").splitlines()[5:]
    assert not any(line.startswith("#") for line in lines)
    assert list(csv.reader(lines, delimiter="\t", strict=True)) == [[*pair, "lessonx"] for pair in written]


def test_quiz_may_have_empty_lines_and_byte_order_mark(tmp_path):
    path = tmp_path / "quiz.tsv"
    path.write_text("Why?\tBecause.\n\nHow?\tSo. \n\n", encoding="utf-8-sig")
    assert pairs(path) == [("Why?", "Because."), ("How?", "So.")]


@pytest.mark.parametrize("line", ["Why? Because.", "Why?\tBecause.\tSo.", "Why?\t"])
def test_quiz_line_without_an_answer_raises_with_its_number(tmp_path, line):
    path = tmp_path / "quiz.tsv"
    path.write_text(f"How?\tSo.\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2 of .*quiz.tsv: expected a question, a tab and an answer, got 'Why"):
        pairs(path)


def test_numbers_follow_the_engine(tmp_path, monkeypatch):
    half = flashcards.counting.count(flashcards.models.googlenet(aux=False, init="zeros", size=112))
    monkeypatch.setattr(flashcards, "_count", lambda aux=False: half)
    assert main(["cards", str(tmp_path / "deck.txt"), "--lesson", "0"]) == 0
    _, rows = _rows(tmp_path / "deck.txt")
    assert any(f"{half.macs:,} MAC" in answer for _, answer, _ in rows)
    assert {lesson for *_, lesson in rows} == {"lesson00"}


def test_numbers_in_quizzes_match_the_engine():
    answers = " ".join(card.answer() for card in flashcards.CARDS)
    for lesson in LESSONS:
        for _, answer in cards(lesson):
            for number in re.findall(r"\d{1,3}(?:,\d{3})+", answer):
                assert number in answers, (lesson, number)


@pytest.mark.parametrize("lesson", ["99", "x"])
def test_unknown_lesson_is_rejected(lesson, tmp_path, capsys):
    assert main(["cards", str(tmp_path / "deck.txt"), "--lesson", lesson]) == 1
    assert "unknown lesson" in capsys.readouterr().err
    assert not (tmp_path / "deck.txt").exists()
