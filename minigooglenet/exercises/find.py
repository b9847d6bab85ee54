"""Exercises by number. A lesson's are loaded when one of them is asked for."""

import difflib
import importlib
import pkgutil

from minigooglenet.exercises import lessons
from minigooglenet.exercises.exercise import REGISTERED


def find(number):
    """Return the Exercise or Question of that number, "03.4", or say which there are."""
    number = str(number)
    number = number.zfill(len(number) + 1) if number[1:2] == "." else number  # 1.1 is 01.1
    lesson = number.partition(".")[0]
    for name in _modules():
        if name.split("_")[1] == lesson:
            importlib.import_module(f"{lessons.__name__}.{name}")
    if number not in REGISTERED:
        everything()
        close = difflib.get_close_matches(number, REGISTERED, n=3, cutoff=0.5)
        hint = f"; perhaps {' or '.join(map(repr, close))}?" if close else ""
        raise ValueError(f"there is no exercise {number!r}{hint}")
    return REGISTERED[number]


def everything() -> dict:
    """Return {number: exercise} of all lessons, in order."""
    for name in _modules():
        importlib.import_module(f"{lessons.__name__}.{name}")
    return {number: REGISTERED[number] for number in sorted(REGISTERED)}


def _modules():
    """Return the names of the modules with exercises: lesson_03_gradients, and so on."""
    return sorted(info.name for info in pkgutil.iter_modules(lessons.__path__) if info.name.startswith("lesson_"))
