"""A student's cells: selection of those that the answers need, and a run in which the checks record their arguments."""

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

__all__ = ["Notes", "check_exercise", "needed", "notebook", "numbers_in", "plain", "read", "run"]
NOTED = ("check", "answer", "ask", "predict")
MOST_ATTEMPTS = 20  # at one exercise that are graded; the best one counts
FUTURE = __future__.annotations.compiler_flag
# Code that may bind names without a statement: a dictionary of names, code in a string, `global` in a function.
_MAKES_NAMES = re.compile(
    r"\b(?:exec|globals|locals|vars|setattr|global(?= +\w)|f_globals|user_ns|push|builtins|__dict__)\b"
)
BINDING_MAGICS = ("run", "load", "writefile", "file")  # they bind names, or write modules that cells import


def needed(cells, numbers=None, names=()) -> list[int]:
    """Return the indices of the cells that answers need: those that check them, and all that bind names they read.

    numbers : exercises, or None for all that are checked or answered;  names : further names that must be bound
    A cell that cannot be parsed is skipped, because it cannot run.
    """
    parsed = {index: names_of(cell) for index, cell in enumerate(map(plain, cells))}
    parsed = {index: names for index, names in parsed.items() if names is not None}
    needs, chosen = set(names), set()
    for index, (_, loaded, calls) in parsed.items():
        if any(numbers is None or number in numbers for number in calls):
            chosen.add(index)
            needs |= loaded
    while True:
        more = {index for index, (bound, _, _) in parsed.items() if index not in chosen and bound & (needs | {"*"})}
        if not more:
            return sorted(chosen)
        chosen |= more
        needs |= {name for index in more for name in parsed[index][1]}


def may_make_names(source: str) -> bool:
    """Return whether a cell may bind a name in a way that `names_of` does not detect."""
    code = plain(source)
    return _MAKES_NAMES.search(code) is not None and syntax_error(source) is None


def names_of(source: str):
    """Return (names that a cell binds or changes, names that it reads, exercises that it checks), or None."""
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
            if called in ("run_line_magic", "run_cell_magic") and first in BINDING_MAGICS:
                bound.add("*")
    return bound, loaded, calls


def syntax_error(source: str) -> str | None:
    """Return why a cell is not valid Python, with the line, or None."""
    try:
        ast.parse(plain(source))
    except SyntaxError as error:
        line = (error.text or "").strip()
        return f"line {error.lineno} is not valid Python ({error.msg}): {line[:100]}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"it is not valid Python: {type(error).__name__}: {error}"
    return None


def numbers_in(cells) -> list[str]:
    """Return the IDs of the exercises that cells check or answer, in order."""
    numbers = re.findall(r"\b(?:check|answer)\(\s*[\"'](\d\d\.\w+)[\"']", "\n".join(cells))
    return list(dict.fromkeys(numbers))


def _base(node):
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


class Attempt(NamedTuple):
    """An argument of a check, and {name: value} of the notebook's names that it read at that time."""

    given: object
    names: dict


def _read_by(answer, namespace) -> dict:
    """Return {name: value} of the notebook's names that a function reads, directly or through other functions."""
    values, waiting, seen = {}, [answer, type(answer)], set()
    while waiting:
        item = waiting.pop()
        if isinstance(item, functools.partial):
            item = item.func
        elif isinstance(item, types.MethodType):
            item = item.__func__
        elif type(item).__module__.startswith("numba."):
            item = getattr(item, "py_func", item)
        if isinstance(item, types.FunctionType):
            inside = [cell.cell_contents for cell in item.__closure__ or () if cell != types.CellType()]
            waiting += [item.__code__, *inside]
        elif isinstance(item, type):
            waiting += [method for method in vars(item).values() if isinstance(method, types.FunctionType)]
        elif isinstance(item, types.CodeType) and item not in seen:
            seen.add(item)
            names = {name: namespace[name] for name in item.co_names if name in namespace and name not in values}
            values |= names
            waiting += [*names.values(), *(const for const in item.co_consts if isinstance(const, types.CodeType))]
    return values


@dataclass
class Notes:
    """A record of what a student's cells passed to the checks and predictions."""

    checked: dict = field(default_factory=dict)  # {number: last answer}
    attempts: dict = field(default_factory=dict)  # {number: [Attempt, or (value, student) for a question]}
    answered: dict = field(default_factory=dict)  # {number: (last value, student)}
    students: dict = field(default_factory=dict)  # {number: student for whom `ask` drew the question}
    predicted: dict = field(default_factory=dict)  # {prediction: whether a guess was made}
    stopped: dict = field(default_factory=dict)  # {index of a cell: exception that stopped it}
    namespace: dict = field(default_factory=dict)

    def check(self, number=None, given=None):
        """Record an answer instead of checking it; without an exercise, list all exercises as usual."""
        if number is None:
            return ORIGINAL["check"]()
        self.checked[str(number)] = given
        kept = given if callable(given) else _copied(given)
        self._attempted(number, Attempt(kept, _read_by(given, self.namespace)))
        return Result(str(number), NOT_YET, what="noted")

    def answer(self, number, value, student=None):
        """Record a value instead of checking it."""
        student = self.students.get(str(number), "you") if student is None else str(student)
        self.answered[str(number)] = (value, student)
        self._attempted(number, self.answered[str(number)])
        return Result(str(number), NOT_YET, what="noted")

    def _attempted(self, number, attempt):
        """Store the last attempts, the newest first."""
        attempts = self.attempts.setdefault(str(number), [])
        attempts[:] = [attempt, *(old for old in attempts if not _same(old, attempt))][:MOST_ATTEMPTS]

    def tries(self, number):
        """Yield the arguments of a check, the newest first, with the notebook's names restored to that time."""
        for given, names in self.attempts.get(number, ()):
            now = {name: self.namespace[name] for name in names if name in self.namespace}
            self.namespace |= names
            try:
                yield given
            finally:
                self.namespace |= now

    def ask(self, number, student="you"):
        """Record for whom the question is drawn, and print it as usual."""
        self.students[str(number)] = str(student)
        return ORIGINAL["ask"](number, student)

    def predict(self, name, guess=None):
        """Record whether there is a guess."""
        self.predicted[str(name)] = not (guess is None or guess is Ellipsis)
        return ORIGINAL["predict"](name, guess)

    def given(self, number, function=None):
        """Return the answer to an exercise: the last argument of `check`, or the object with the exercise's name."""
        exercise = find(number)
        if function is not None or number not in self.checked:
            name = function or exercise.name
            if not name.isidentifier():
                raise LookupError(f'check("{number}", ...) was never called')
            if name not in self.namespace:
                raise LookupError(f"{name} is not defined")
            return self.namespace[name]
        return self.checked[number]


def _same(a, b):
    """Return whether two attempts are equal: the same function, which reads the same objects."""
    return (
        isinstance(a, Attempt)
        and a.given is b.given
        and a.names.keys() == b.names.keys()
        and all(value is b.names[name] for name, value in a.names.items())
    )


def _copied(given):
    """Return a copy of data, because a later cell may change it; an object that cannot be copied is kept itself."""
    try:
        return copy.deepcopy(given)
    except Exception:
        return given


ORIGINAL = {name: getattr(exercises, name) for name in NOTED}


def run(cells, chosen=None, label="cell", around=lambda run: run()) -> Notes:
    """Run cells one after another in one namespace, and record the arguments of checks and the exceptions of cells.

    chosen : indices of the cells to run, by default all;  label : file name or word for a cell in tracebacks
    around : called with the function that runs one cell, for example to limit its time
    """
    notes, flags, loop = Notes(), 0, None
    notes.namespace = {"__name__": "student", "__builtins__": __builtins__, "display": lambda *shown, **how: None}
    shell = Shell(notes.namespace)
    notes.namespace["get_ipython"] = lambda: shell
    for name in NOTED:
        setattr(exercises, name, getattr(notes, name))
    try:
        for index in range(len(cells)) if chosen is None else chosen:
            source = plain(cells[index])
            file = label if label.endswith(".py") else f"{label} {index + 1}"
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
                notes.stopped[index] = f"{type(error).__name__}: {error}"
    finally:
        if loop:
            loop.close()
        for name, function in ORIGINAL.items():
            setattr(exercises, name, function)
    return notes


def _lines(sources):
    """Return the lines of a file from its cells, each of which begins with an empty line for each line before it."""
    lines = []
    for source in sources:
        lines[len(lines) :] = source.splitlines(keepends=True)[len(lines) :]
    return lines


def check_exercise(notes, number, function=None) -> Result:
    """Check the recorded answer to one exercise."""
    if isinstance(find(number), Question):
        if number not in notes.answered:
            return Result(number, NOT_YET, what=f"answer({number!r}, ...) was never called{_stopped(notes)}")
        results = [exercises.answer(number, *attempt) for attempt in notes.attempts[number]]
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
        return Result(number, NOT_YET, what=f"{error}{_stopped(notes)}")


def _stopped(notes):
    """Return "; cell 3 stopped with ..." for each cell that stopped."""
    return "".join(f"; cell {index + 1} stopped with {error}" for index, error in notes.stopped.items())
