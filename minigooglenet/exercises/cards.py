"""The exit quiz of each lesson: questions and answers, one pair per line of the lesson's `quiz.tsv`."""

from __future__ import annotations

from importlib import resources

from minigooglenet.exercises.find import folders
from minigooglenet.exercises.predicting import Note
from minigooglenet.exercises.shown import brief


def cards(lesson) -> list[tuple[str, str]]:
    """Return the (question, answer) pairs of a lesson, such as "03", from the file quiz.tsv in its folder."""
    for folder in folders(lesson):
        course, _, name = folder.rpartition(".")
        path = resources.files(course) / name / "quiz.tsv"  # the lesson itself is not imported for this
        if name.startswith("lesson_") and path.is_file():
            return pairs(path)
    raise ValueError(f"lesson {lesson!r} has no quiz")


def pairs(path) -> list[tuple[str, str]]:
    """Return the (question, answer) pairs of a quiz.tsv: one pair per line, separated by a tab."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        pair = tuple(part.strip() for part in line.split("\t"))
        if line.strip() and (len(pair) != 2 or not all(pair)):
            reason = f"expected a question, a tab and an answer, got {brief(line)}"
            raise ValueError(f"line {number} of {path.parent.name}/{path.name}: {reason}")
        rows += [pair] if line.strip() else []
    return rows


def quiz(lesson: str, answers: bool = False) -> Note:
    """Return the quiz of a lesson: its questions, and on request the answers.

    Parameters
    ----------
    lesson : lesson ID, such as "03"
    answers : also return the answers, to compare with yours

    Returns
    -------
    Note
        Text, which a notebook shows without quotes.

    Raises
    ------
    ValueError
        If the lesson has no quiz.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> questions = mg.exercises.quiz("03")
    >>> questions.splitlines()[-1]
    "For the answers: quiz('03', answers=True)"
    """
    lines = []
    for number, (question, answer) in enumerate(cards(lesson), 1):
        lines.append(f"{number}. {question}")
        if answers:
            lines.append(f"   {answer}")
    return Note("\n".join(lines if answers else [*lines, f"For the answers: quiz({lesson!r}, answers=True)"]))
