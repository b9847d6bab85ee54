"""Detection of answers that are, contain or call a solution found in the memory of the process that runs them.

A worker has to load the exercises, and with them their solutions. `gc`, `sys.modules` or a frame leads to them, even if
the code hides these names. So the objects that an answer refers to are searched, and one additional call is traced.
A result is a reason to check by hand, never a verdict, because a student's code can change the process that reports it.
"""

import functools
import sys
import types
from pathlib import Path

from minigooglenet import lessons
from minigooglenet.exercises.find import find
from minigooglenet.exercises.questions import Question

MOST_OBJECTS = 5_000  # objects of one answer that are searched
FOLDER = Path(lessons.__file__).resolve().parent
PACKAGE = str(FOLDER.parent)


def solutions(numbers) -> dict[int, str]:
    """Return {id of a solution's code object: its location} for these exercises."""
    locations = {}
    for number in numbers:
        exercise = find(number)
        if not isinstance(exercise, Question):
            for function in (exercise.reference_function, exercise.engine_function, *exercise.rights):
                code = getattr(getattr(function, "py_func", function), "__code__", None)
                if code is not None and Path(code.co_filename).is_relative_to(FOLDER):
                    file = Path(code.co_filename).relative_to(FOLDER.parent).as_posix()
                    locations[id(code)] = f"{file}, line {code.co_firstlineno}"
    return locations


def held(answer, known) -> str | None:
    """Return the location of the solution that an answer is, wraps, or reads from its closure or globals, or None.

    known : result of `solutions`
    """
    waiting, seen = [answer], set()
    while waiting and len(seen) < MOST_OBJECTS:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        try:
            if isinstance(value, types.FunctionType) and id(value.__code__) in known:
                return known[id(value.__code__)]
            waiting += _inside(value)
        except Exception:  # reading an attribute of a student's object may run any code
            continue
    return None


def _inside(value):
    """Return the objects that an object refers to."""
    if isinstance(value, types.FunctionType):
        if value.__code__.co_filename.startswith(PACKAGE):
            return []
        cells = [cell.cell_contents for cell in value.__closure__ or () if cell != types.CellType()]
        read = [value.__globals__[name] for name in _names(value.__code__) if name in value.__globals__]
        return [
            *cells,
            *read,
            *(value.__defaults__ or ()),
            *(value.__kwdefaults__ or {}).values(),
            *vars(value).values(),
        ]
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, dict):
        return [*value.keys(), *value.values()][:MOST_OBJECTS]
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)[:MOST_OBJECTS]
    if hasattr(value, "py_func"):  # compiled by Numba
        return [value.py_func]
    if isinstance(value, (type, types.ModuleType)):
        return [] if getattr(value, "__module__", "student") != "student" else [*vars(value).values()]
    if type(value).__module__ == "student":
        return [*vars(value).values(), *vars(type(value)).values()]
    return []


def _names(code):
    """Return the names that a code object and the functions inside it read."""
    names, waiting = set(), [code]
    while waiting:
        code = waiting.pop()
        names.update(code.co_names)
        waiting += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return names


def watched(function, known, ran):
    """Return a wrapper that appends to `ran` the location of each solution that the student's code calls.

    This package may call a solution itself, as checks and figures do.
    """

    def notice(frame, event, _):
        location = known.get(id(frame.f_code)) if event == "call" else None
        if location and frame.f_back is not None and not frame.f_back.f_code.co_filename.startswith(PACKAGE):
            ran.append(location)

    def call(*given):
        sys.setprofile(notice)
        try:
            return function(*given)
        finally:
            sys.setprofile(None)

    return call
