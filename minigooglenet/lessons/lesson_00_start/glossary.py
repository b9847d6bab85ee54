"""The words of the course: one table, `glossary.tsv`, of which each lesson shows the part that it uses.

A line of the table has a term, the lessons that use it and what it means, with tabs between them.
"""

from importlib import resources
from typing import NamedTuple

from minigooglenet.console import Table


class Term(NamedTuple):
    """A word, the lessons that use it, "00 03", and its meaning."""

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
    """Return the table of the terms that a lesson uses, "03"."""
    rows = [(term.name, term.meaning) for term in every_term() if lesson in term.lessons]
    if not rows:
        raise ValueError(f"the glossary has no terms of lesson {lesson!r}; lessons are written '00' to '13'")
    return Table(f"Words of lesson {lesson}", ("term", "meaning"), rows)
