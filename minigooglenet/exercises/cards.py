"""The exit quiz of each lesson, and all of them as flashcards."""

from importlib import resources

from minigooglenet.exercises.find import folders
from minigooglenet.exercises.predicting import Note
from minigooglenet.exercises.shown import brief


def cards(lesson) -> list[tuple[str, str]]:
    """Return the (question, answer) pairs of a lesson, "03": of the file quiz.tsv in its folder."""
    for folder in folders(lesson):
        course, _, name = folder.rpartition(".")
        path = resources.files(course) / name / "quiz.tsv"  # the lesson itself is not imported for this
        if name.startswith("lesson_") and path.is_file():
            return pairs(path)
    raise ValueError(f"there is no quiz for lesson {lesson!r}")


def pairs(path) -> list[tuple[str, str]]:
    """Return the (question, answer) pairs of a quiz.tsv, one a line with a tab between them."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        pair = tuple(part.strip() for part in line.split("\t"))
        if line.strip() and (len(pair) != 2 or not all(pair)):
            told = f"expected a question, a tab and an answer, got {brief(line)}"
            raise ValueError(f"line {number} of {path.parent.name}/{path.name}: {told}")
        found += [pair] if line.strip() else []
    return found


def quiz(lesson, answers=False):
    """Return a lesson's questions, and on request the answers to hold yours against."""
    lines = []
    for number, (question, answer) in enumerate(cards(lesson), 1):
        lines.append(f"{number}. {question}")
        if answers:
            lines.append(f"   {answer}")
    return Note("\n".join(lines if answers else [*lines, f"quiz({lesson!r}, answers=True) tells."]))
