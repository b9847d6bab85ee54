"""Exercises by number. A lesson's are loaded when one of them is asked for."""

import difflib
import importlib
import pkgutil

from minigooglenet.exercises import lessons
from minigooglenet.exercises.exercise import REGISTERED
from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.shown import brief, printable


def find(number):
    """Return the Exercise or Question of that number, "03.4", or say which there are."""
    number = plain(number)
    number = str(number) if isinstance(number, str) else brief(number)
    number = number.zfill(len(number) + 1) if number[1:2] == "." else number  # 1.1 is 01.1
    lesson = number.partition(".")[0]
    for name in _modules():
        if name.split("_")[1] == lesson:
            importlib.import_module(f"{lessons.__name__}.{name}")
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
    for name in _modules():
        importlib.import_module(f"{lessons.__name__}.{name}")
    return {number: REGISTERED[number] for number in sorted(REGISTERED)}


def _modules():
    """Return the names of the modules with exercises: lesson_03_gradients, and so on."""
    return sorted(info.name for info in pkgutil.iter_modules(lessons.__path__) if info.name.startswith("lesson_"))
