"""The exit quiz of each lesson, and all of them as flashcards."""

from importlib import resources

from minigooglenet.exercises.predicting import Note


def cards(lesson) -> list[tuple[str, str]]:
    """Return the (question, answer) pairs of a lesson, "03"."""
    path = resources.files("minigooglenet.exercises") / "quizzes" / f"lesson_{lesson}.tsv"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise ValueError(f"there is no quiz for lesson {lesson!r}") from None
    return [tuple(line.split("\t")) for line in lines]


def quiz(lesson, answers=False):
    """Return a lesson's questions, and on request the answers to hold yours against."""
    lines = []
    for number, (question, answer) in enumerate(cards(lesson), 1):
        lines.append(f"{number}. {question}")
        if answers:
            lines.append(f"   {answer}")
    return Note("\n".join(lines if answers else [*lines, f"quiz({lesson!r}, answers=True) tells."]))
