"""Whether an answer is, holds or runs a solution that was found in the memory of the process that runs it.

The process of a student has to load the exercises, and with them their solutions: `gc`, `sys.modules` or a frame leads
to them, however the words are hidden. So the answer's own objects are searched, and one more call of it is watched.
What is found is a reason to look, never a verdict: it is said by the very process that a student's code may change.
"""

import functools
import sys
import types
from pathlib import Path

from minigooglenet import lessons
from minigooglenet.exercises.find import find
from minigooglenet.exercises.questions import Question

MOST_OBJECTS = 5_000  # of an answer that are searched
FOLDER = Path(lessons.__file__).resolve().parent
PACKAGE = str(FOLDER.parent)


def solutions(numbers) -> dict[int, str]:
    """Return {id of the code of a right answer: where it is} of the exercises with these numbers' lessons."""
    found = {}
    for number in numbers:
        exercise = find(number)
        if not isinstance(exercise, Question):
            for each in (exercise.reference_function, exercise.engine_function, *exercise.rights):
                code = getattr(getattr(each, "py_func", each), "__code__", None)
                if code is not None and Path(code.co_filename).is_relative_to(FOLDER):
                    file = Path(code.co_filename).relative_to(FOLDER.parent).as_posix()
                    found[id(code)] = f"{file}, line {code.co_firstlineno}"
    return found


def held(answer, known) -> str | None:
    """Return where the solution is that an answer is, wraps or reads from its closure or its globals, or None.

    known : what `solutions` returns
    """
    waiting, seen = [answer], set()
    while waiting and len(seen) < MOST_OBJECTS:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        try:
            if isinstance(each, types.FunctionType) and id(each.__code__) in known:
                return known[id(each.__code__)]
            waiting += _inside(each)
        except Exception:  # an object of a student's class may do anything when it is looked at
            continue
    return None


def _inside(each):
    """Return the objects that an object leads to."""
    if isinstance(each, types.FunctionType):
        if each.__code__.co_filename.startswith(PACKAGE):
            return []
        cells = [cell.cell_contents for cell in each.__closure__ or () if cell != types.CellType()]
        read = [each.__globals__[name] for name in _names(each.__code__) if name in each.__globals__]
        return [*cells, *read, *(each.__defaults__ or ()), *(each.__kwdefaults__ or {}).values(), *vars(each).values()]
    if isinstance(each, types.MethodType):
        return [each.__func__, each.__self__]
    if isinstance(each, functools.partial):
        return [each.func, *each.args, *each.keywords.values()]
    if isinstance(each, dict):
        return [*each.keys(), *each.values()][:MOST_OBJECTS]
    if isinstance(each, (list, tuple, set, frozenset)):
        return list(each)[:MOST_OBJECTS]
    if hasattr(each, "py_func"):  # compiled by Numba
        return [each.py_func]
    if isinstance(each, (type, types.ModuleType)):
        return [] if getattr(each, "__module__", "student") != "student" else [*vars(each).values()]
    if type(each).__module__ == "student":
        return [*vars(each).values(), *vars(type(each)).values()]
    return []


def _names(code):
    """Return the names that code and the functions in it read."""
    found, waiting = set(), [code]
    while waiting:
        code = waiting.pop()
        found.update(code.co_names)
        waiting += [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return found


def watched(function, known, ran):
    """Return a function that calls another and notes in the list `ran` which solutions are called from outside.

    Code of this package may call a solution, as checks and figures do; a student's may not.
    """

    def notice(frame, event, _):
        place = known.get(id(frame.f_code)) if event == "call" else None
        if place and frame.f_back is not None and not frame.f_back.f_code.co_filename.startswith(PACKAGE):
            ran.append(place)

    def call(*given):
        sys.setprofile(notice)
        try:
            return function(*given)
        finally:
            sys.setprofile(None)

    return call
