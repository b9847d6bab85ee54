"""Exercises by number, in the packages of lessons that were added. A lesson is imported when it is asked for."""

import difflib
import importlib
import importlib.util
import os
import pkgutil

from minigooglenet.exercises.exercise import REGISTERED
from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.shown import brief, printable

COURSES: list[str] = []  # names of packages whose subpackages are lessons: "minigooglenet.lessons"
VARIABLE = "MINIGOOGLENET_LESSONS"  # more of them, with commas between: for the processes that commands start


def add_lessons(package: str) -> None:
    """Add a course of your own: a package whose subpackages are lessons, such as `lesson_20_attention`.

    package : its name, "my_course"; it must be importable. The lessons are imported when somebody asks for them.
    """
    if not isinstance(package, str):
        raise TypeError(f"add_lessons expects the name of a package, such as 'my_course', got {brief(plain(package))}")
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.submodule_search_locations is None:
        why = "is a module, not a package" if spec else "cannot be imported"
        raise ValueError(f"{package!r} {why}. add_lessons expects a package whose subpackages are the lessons.")
    if package not in COURSES:
        COURSES.append(package)


def find(number):
    """Return the Exercise or Question of that number, "03.4", or say which there are."""
    number = plain(number)
    number = str(number) if isinstance(number, str) else brief(number)
    number = number.zfill(len(number) + 1) if number[1:2] == "." else number  # 1.1 is 01.1
    for name in folders(number.partition(".")[0]):
        importlib.import_module(name)
    if number not in REGISTERED:
        everything()
        close = difflib.get_close_matches(number, REGISTERED, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise ValueError(f"unknown exercise {printable(number[:40])!r}.{hint} There are:\n{_ids(REGISTERED)}")
    return REGISTERED[number]


def _ids(numbers):
    """Return the IDs of exercises, one line for each lesson."""
    lessons_of = {}
    for number in sorted(numbers):
        lessons_of.setdefault(number.partition(".")[0], []).append(number)
    return "\n".join(f"  lesson {lesson}: {', '.join(ids)}" for lesson, ids in lessons_of.items())


def everything() -> dict:
    """Return {number: exercise} of all lessons, in order."""
    for name in folders():
        importlib.import_module(name)
    return {number: REGISTERED[number] for number in sorted(REGISTERED)}


def folders(lesson=None) -> list[str]:
    """Return the names of the lessons' packages, in order; of one lesson, "03", or of all of them."""
    return [
        f"{course}.{info.name}"
        for course in dict.fromkeys([*COURSES, *filter(None, os.environ.get(VARIABLE, "").split(","))])
        for info in sorted(pkgutil.iter_modules(importlib.import_module(course).__path__))
        if info.name.startswith("lesson_") and lesson in (None, info.name.split("_")[1])
    ]
