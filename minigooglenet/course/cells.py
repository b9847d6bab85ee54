"""A student's cells: cut down to what the answers need, and run with the checks taking notes."""

import __future__

import ast
import asyncio
import copy
import functools
import inspect
import linecache
import re
import symtable
import types
import warnings
from dataclasses import dataclass, field
from typing import NamedTuple

from minigooglenet import exercises
from minigooglenet.course.ipython import python as plain
from minigooglenet.course.reading import notebook, read
from minigooglenet.course.shell import Shell
from minigooglenet.exercises.find import find
from minigooglenet.exercises.questions import Question
from minigooglenet.exercises.result import NOT_YET, Result

__all__ = ["Notes", "mark", "needed", "notebook", "numbers_in", "plain", "read", "run"]
NOTED = ("check", "answer", "ask", "predict")
MOST_ATTEMPTS = 20  # at one exercise that count; the best of them does
FUTURE = __future__.annotations.compiler_flag
# What makes names that no statement binds: a dictionary of names, code in text, `global` in a function.
_MAKES_NAMES = re.compile(
    r"\b(?:exec|globals|locals|vars|setattr|global(?= +\w)|f_globals|user_ns|push|builtins|__dict__)\b"
)
SHOWN_BY_MAGIC = ("run", "load", "writefile", "file")  # they bind names, or write modules that cells import


def needed(cells, numbers=None, names=()) -> list[int]:
    """Return the places of the cells that answers need: those that give them, and all that bind what these read.

    numbers : exercises, or None for all that are checked or answered;  names : more that must be bound
    A cell that cannot be parsed is left out: it could not run.
    """
    known = {place: names_of(cell) for place, cell in enumerate(map(plain, cells))}
    known = {place: found for place, found in known.items() if found is not None}
    wanted, chosen = set(names), set()
    for place, (_, loaded, calls) in known.items():
        if any(numbers is None or number in numbers for number in calls):
            chosen.add(place)
            wanted |= loaded
    while True:
        more = {place for place, (bound, _, _) in known.items() if place not in chosen and bound & (wanted | {"*"})}
        if not more:
            return sorted(chosen)
        chosen |= more
        wanted |= {name for place in more for name in known[place][1]}


def may_make_names(source: str) -> bool:
    """Return whether a cell may bind a name in a way that `names_of` does not see."""
    code = plain(source)
    return _MAKES_NAMES.search(code) is not None and syntax_error(source) is None


def names_of(source: str):
    """Return (names that a cell binds or changes, names that it reads, exercises that it gives), or None."""
    try:
        tree = ast.parse(source)
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    loaded = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
    inside = list(table.get_children())
    while inside:
        table = inside.pop()
        inside += table.get_children()
        loaded |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
    calls = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            bound.add("*")
        if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, ast.Store):
            bound.add(_base(node))  # a.b = ..., a[b] = ...
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
        ):
            bound.add(_base(node.value.func))  # a.append(...)
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
            if called in NOTED:
                calls.add(first)
            if called in ("run_line_magic", "run_cell_magic") and first in SHOWN_BY_MAGIC:
                bound.add("*")
    return bound, loaded, calls


def syntax_error(source: str) -> str | None:
    """Return what Python says about a cell that it cannot read, with the line, or None."""
    try:
        ast.parse(plain(source))
    except SyntaxError as error:
        line = (error.text or "").strip()
        return f"line {error.lineno} is not valid Python ({error.msg}): {line[:100]}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"it is not valid Python: {type(error).__name__}: {error}"
    return None


def numbers_in(cells) -> list[str]:
    """Return the numbers of the exercises that cells check or answer, in order."""
    found = re.findall(r"\b(?:check|answer)\(\s*[\"'](\d\d\.\w+)[\"']", "\n".join(cells))
    return list(dict.fromkeys(found))


def _base(node):
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


class Attempt(NamedTuple):
    """What was given to a check, and {name: value} of what it read in the notebook at that time."""

    given: object
    names: dict


def _read_by(answer, namespace) -> dict:
    """Return {name: value} of the names of a notebook that a function reads, and the functions that it calls."""
    found, waiting, seen = {}, [answer, type(answer)], set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, functools.partial):
            each = each.func
        elif isinstance(each, types.MethodType):
            each = each.__func__
        elif type(each).__module__.startswith("numba."):
            each = getattr(each, "py_func", each)
        if isinstance(each, types.FunctionType):
            inside = [cell.cell_contents for cell in each.__closure__ or () if cell != types.CellType()]
            waiting += [each.__code__, *inside]
        elif isinstance(each, type):
            waiting += [method for method in vars(each).values() if isinstance(method, types.FunctionType)]
        elif isinstance(each, types.CodeType) and each not in seen:
            seen.add(each)
            names = {name: namespace[name] for name in each.co_names if name in namespace and name not in found}
            found |= names
            waiting += [*names.values(), *(const for const in each.co_consts if isinstance(const, types.CodeType))]
    return found


@dataclass
class Notes:
    """What a student's cells gave: {number: answer}, {number: (value, student)}, {prediction: whether one was made}."""

    checked: dict = field(default_factory=dict)
    attempts: dict = field(default_factory=dict)  # {number: [Attempt at check, or (value, student) of an answer]}
    answered: dict = field(default_factory=dict)
    asked: dict = field(default_factory=dict)
    predicted: dict = field(default_factory=dict)
    stopped: dict = field(default_factory=dict)  # {place of a cell: what it stopped with}
    namespace: dict = field(default_factory=dict)

    def check(self, number=None, given=None):
        """Note an answer in place of the check; without an exercise, list them as always."""
        if number is None:
            return ORIGINAL["check"]()
        self.checked[str(number)] = given
        kept = given if callable(given) else _copied(given)
        self._attempted(number, Attempt(kept, _read_by(given, self.namespace)))
        return Result(str(number), NOT_YET, what="noted")

    def answer(self, number, value, student=None):
        """Note a number in place of marking it."""
        self.answered[str(number)] = (value, self.asked.get(str(number), "you") if student is None else str(student))
        self._attempted(number, self.answered[str(number)])
        return Result(str(number), NOT_YET, what="noted")

    def _attempted(self, number, attempt):
        """Keep the last attempts, the newest first."""
        kept = self.attempts.setdefault(str(number), [])
        kept[:] = [attempt, *(each for each in kept if not _same(each, attempt))][:MOST_ATTEMPTS]

    def tries(self, number):
        """Yield what was given to a check, the newest first, while the notebook's names are those of that time."""
        for given, names in self.attempts.get(number, ()):
            now = {name: self.namespace[name] for name in names if name in self.namespace}
            self.namespace |= names
            try:
                yield given
            finally:
                self.namespace |= now

    def ask(self, number, student="you"):
        """Note for whom the question is drawn; say it as always."""
        self.asked[str(number)] = str(student)
        return ORIGINAL["ask"](number, student)

    def predict(self, name, guess=None):
        """Note whether there is a guess."""
        self.predicted[str(name)] = not (guess is None or guess is Ellipsis)
        return ORIGINAL["predict"](name, guess)

    def given(self, number, function=None):
        """Return the answer to an exercise: a function by its name, what was checked, or what bears the asked name."""
        exercise = find(number)
        if function is not None or number not in self.checked:
            name = function or exercise.name
            if not name.isidentifier():
                raise LookupError(f'nothing was given to check("{number}", ...)')
            if name not in self.namespace:
                raise LookupError(f"there is no {name}")
            return self.namespace[name]
        return self.checked[number]


def _same(a, b):
    """Return whether two attempts are one: the same function, which reads the same objects."""
    return (
        isinstance(a, Attempt)
        and a.given is b.given
        and a.names.keys() == b.names.keys()
        and all(value is b.names[name] for name, value in a.names.items())
    )


def _copied(given):
    """Return a copy of data, because a later cell may change it; what cannot be copied is kept itself."""
    try:
        return copy.deepcopy(given)
    except Exception:
        return given


ORIGINAL = {name: getattr(exercises, name) for name in NOTED}


def run(cells, places=None, label="cell", around=lambda run: run()) -> Notes:
    """Run cells one after another in one namespace and note what they give. A cell that stops is noted too.

    places : of the cells to run;  label : the file that tracebacks name, or what they call a cell
    around : calls what runs one cell, under a time limit perhaps
    """
    notes, flags, loop = Notes(), 0, None
    notes.namespace = {"__name__": "student", "__builtins__": __builtins__, "display": lambda *shown, **how: None}
    shell = Shell(notes.namespace)
    notes.namespace["get_ipython"] = lambda: shell
    for name in NOTED:
        setattr(exercises, name, getattr(notes, name))
    try:
        for place in range(len(cells)) if places is None else places:
            source = plain(cells[place])
            file = label if label.endswith(".py") else f"{label} {place + 1}"
            lines = _lines(cells) if label.endswith(".py") else _lines([source])
            linecache.cache[file] = (len(source), None, lines, file)
            try:
                with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
                    code = compile(source, file, "exec", flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
                flags |= code.co_flags & FUTURE
                if code.co_flags & inspect.CO_COROUTINE:
                    loop = loop or asyncio.new_event_loop()
                    around(lambda code=code, loop=loop: loop.run_until_complete(eval(code, notes.namespace)))
                else:
                    around(lambda code=code: exec(code, notes.namespace))
            except (Exception, SystemExit) as error:
                notes.stopped[place] = f"{type(error).__name__}: {error}"
    finally:
        if loop:
            loop.close()
        for name, function in ORIGINAL.items():
            setattr(exercises, name, function)
    return notes


def _lines(sources):
    """Return the lines of cells that each begin with as many empty lines as stand before them."""
    lines = []
    for source in sources:
        lines[len(lines) :] = source.splitlines(keepends=True)[len(lines) :]
    return lines


def mark(notes, number, function=None) -> Result:
    """Check what the cells gave for one exercise."""
    if isinstance(find(number), Question):
        if number not in notes.answered:
            return Result(number, NOT_YET, what=f"nothing is given to answer({number!r}, ...)")
        results = [exercises.answer(number, *each) for each in notes.attempts[number]]
        return next((result for result in results if result.passed), results[0])
    if function is None and number in notes.attempts:
        results = []
        for given in notes.tries(number):
            results.append(exercises.check(number, given))
            if results[-1].passed:
                return results[-1]
        return results[0]
    try:
        return exercises.check(number, notes.given(number, function))
    except LookupError as error:
        stopped = "".join(f"; cell {place + 1} stopped with {told}" for place, told in notes.stopped.items())
        return Result(number, NOT_YET, what=f"{error}{stopped}")
