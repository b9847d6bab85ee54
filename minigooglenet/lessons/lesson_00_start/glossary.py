"""The glossary of the course: one table, `glossary.tsv`, of which each lesson shows the terms that it uses.

A line of the table has a term, the lessons that use it and its meaning, separated by tabs.
"""

from importlib import resources
from typing import NamedTuple

from minigooglenet.console import Table


class Term(NamedTuple):
    """A term, the lessons that use it ("00", "03") and its meaning."""

    name: str
    lessons: tuple[str, ...]
    meaning: str


def every_term() -> list[Term]:
    """Return all terms of the course, in alphabetical order."""
    text = (resources.files(__package__) / "glossary.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines())
    terms = [Term(name, tuple(lessons.split()), meaning) for name, lessons, meaning in rows]
    return sorted(terms, key=lambda term: term.name.lower())


def terms(lesson: str) -> Table:
    """Return the table of the terms that a lesson, such as "03", uses."""
    rows = [(term.name, term.meaning) for term in every_term() if lesson in term.lessons]
    if not rows:
        raise ValueError(f"the glossary has no terms of lesson {lesson!r}; lessons are written '00' to '16'")
    return Table(f"Words of lesson {lesson}", ("term", "meaning"), rows)
