"""Exams on paper: numeric questions drawn from a seed, open questions from the quizzes, and a key for grading."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigooglenet import files
from minigooglenet.exercises.cards import cards
from minigooglenet.exercises.find import everything
from minigooglenet.exercises.questions import Question
from minigooglenet.exercises.shown import number

LINES = "\n\n".join(["_" * 60] * 3)


class Version(NamedTuple):
    """One version of an exam, such as "A": the paper and the key, as Markdown."""

    name: str
    paper: str
    key: str


def versions(seed: int, count: int, lessons, numbers=6, words=4) -> list[Version]:
    """Return versions of an exam. All have the same exercises with different values, and the same open questions.

    numbers, words : maximum number of numeric and of open questions
    """
    rng = np.random.default_rng(seed)
    exercises = everything().values()
    numeric = [exercise for exercise in exercises if isinstance(exercise, Question) and exercise.number[:2] in lessons]
    open_ = [(lesson, *pair) for lesson in lessons for pair in cards(lesson)]
    if not numeric and not open_:
        raise ValueError(f"lessons {', '.join(lessons)} have no questions")
    numeric = [numeric[i] for i in sorted(rng.permutation(len(numeric))[:numbers])]
    open_ = [open_[i] for i in sorted(rng.permutation(len(open_))[:words])]
    return [_version("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i], seed, numeric, open_) for i in range(count)]


def _version(name, seed, numeric, open_):
    paper = [f"# Exam, version {name}", "Name: ________________________", "Show your working: it earns points too."]
    key = [f"# Key, version {name} (seed {seed})"]
    for position, question in enumerate(numeric, 1):
        values = question.values(f"exam {seed} {name}")
        stars = question.difficulty
        points = f"{stars} point{'s' * (stars != 1)}"
        near = f" (within {question.tolerance:.1%})" if question.tolerance else ""
        paper += [f"**{position}.** ({points}) {question.text.format(**values)}{near}", LINES]
        right = number(question.solution_function(**values), 12)
        key.append(f"**{position}.** ({question.number}, {points}) **{right}**{near}")
        key += [f"- {number(wrong.function(**values), 12)}: {wrong.name}. {wrong.message}" for wrong in question.wrongs]
    for position, (lesson, question, answer) in enumerate(open_, len(numeric) + 1):
        paper += [f"**{position}.** (1 point) {question}", LINES]
        key.append(f"**{position}.** (lesson {lesson}, 1 point) {answer}")
    return Version(name, "\n\n".join(paper) + "\n", "\n\n".join(key) + "\n")


def write(folder, key_folder, made) -> list[Path]:
    """Write exam-A.md, exam-B.md, ... to one folder and the keys key-A.md, ... to another; return their paths."""
    paths = []
    for version in made:
        for target, kind, text in ((folder, "exam", version.paper), (key_folder, "key", version.key)):
            path = Path(target) / f"{kind}-{version.name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(path, text)
            paths.append(path)
    return paths
