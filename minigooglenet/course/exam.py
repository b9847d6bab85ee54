"""Exams on paper: numbers drawn from a seed, open questions from the quizzes, and a key for whoever marks."""

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
    """One version of an exam, "A", as Markdown: what students get, and the key."""

    name: str
    paper: str
    key: str


def versions(seed: int, count: int, lessons, numbers=6, words=4) -> list[Version]:
    """Return versions of an exam. Each asks the same exercises with numbers of its own, and the same open questions.

    numbers, words : how many of each kind, at most
    """
    rng = np.random.default_rng(seed)
    asked = [each for each in everything().values() if isinstance(each, Question) and each.number[:2] in lessons]
    spoken = [(lesson, *pair) for lesson in lessons for pair in cards(lesson)]
    if not asked and not spoken:
        raise ValueError(f"the lessons {', '.join(lessons)} have no questions")
    asked = [asked[i] for i in sorted(rng.permutation(len(asked))[:numbers])]
    spoken = [spoken[i] for i in sorted(rng.permutation(len(spoken))[:words])]
    return [_version("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i], seed, asked, spoken) for i in range(count)]


def _version(name, seed, asked, spoken):
    paper = [f"# Exam, version {name}", "Name: ________________________", "Show your arithmetic: it earns points, too."]
    key = [f"# Key, version {name} (seed {seed})"]
    for place, question in enumerate(asked, 1):
        values = question.values(f"exam {seed} {name}")
        stars = question.difficulty
        points = f"{stars} point{'s' * (stars != 1)}"
        near = f" (within {question.tolerance:.1%})" if question.tolerance else ""
        paper += [f"**{place}.** ({points}) {question.text.format(**values)}{near}", LINES]
        key.append(
            f"**{place}.** ({question.number}, {points}) **{number(question.solution_function(**values), 12)}**{near}"
        )
        key += [f"- {number(wrong.function(**values), 12)}: {wrong.name}. {wrong.message}" for wrong in question.wrongs]
    for place, (lesson, question, answer) in enumerate(spoken, len(asked) + 1):
        paper += [f"**{place}.** (1 point) {question}", LINES]
        key.append(f"**{place}.** (lesson {lesson}, 1 point) {answer}")
    return Version(name, "\n\n".join(paper) + "\n", "\n\n".join(key) + "\n")


def write(folder, key_folder, made) -> list[Path]:
    """Write exam-A.md and so on to one folder and key-A.md to another; return their paths."""
    paths = []
    for version in made:
        for place, kind, text in ((folder, "exam", version.paper), (key_folder, "key", version.key)):
            path = Path(place) / f"{kind}-{version.name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write_text(path, text)
            paths.append(path)
    return paths
