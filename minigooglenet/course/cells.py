"""A student's file as cells: read, cut down to what the answers need, and run with the checks taking notes."""

import ast
import json
import linecache
import re
import symtable
from dataclasses import dataclass, field
from pathlib import Path

from minigooglenet import exercises
from minigooglenet.exercises.find import find
from minigooglenet.exercises.questions import Question
from minigooglenet.exercises.result import NOT_YET, Result

MOST_BYTES = 50 << 20  # of a file: a lesson with all its figures has 2 MB
NOTED = ("check", "answer", "ask", "predict")
_PERCENT = re.compile(r"^# %%", re.MULTILINE)
_MAGIC = re.compile(r"^(\s*)([%!?].*|.*\?)$")


def read(path) -> list[str]:
    """Return the code cells of a notebook, of a source in percent format, or of a Python file as one.

    Cells keep their lines' numbers in a Python file: each begins with as many empty lines as stand before it.
    """
    path = Path(path)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path.name} has {path.stat().st_size:,} bytes; at most {MOST_BYTES:,} are read")
    text = path.read_text(encoding="utf-8")
    return notebook(text) if path.suffix == ".ipynb" else _percent(text)


def notebook(text: str) -> list[str]:
    """Return the code cells of a notebook's JSON, or say what is wrong with it."""
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        return [source if isinstance(source, str) else "".join(source) for source in sources]
    except RecursionError:
        raise ValueError("this is no notebook: it is nested without end") from None
    except (ValueError, KeyError, TypeError) as error:
        told = f"{type(error).__name__}: {error}" if not isinstance(error, json.JSONDecodeError) else str(error)
        raise ValueError(f"this is no notebook: {told[:200]}") from None


def _percent(text):
    starts = [0, *(match.start() for match in _PERCENT.finditer(text))]
    cells = []
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        if not text[start:end].startswith("# %% [markdown]"):
            cells.append("\n" * text.count("\n", 0, start) + text[start:end])
    return [cell for cell in cells if cell.strip()]


def plain(source: str) -> str:
    """Return a cell that Python takes: lines of IPython's own (%pip, !ls, name?) are passed over."""
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return "\n".join(_MAGIC.sub(r"\1pass", line) for line in source.split("\n"))
    return source


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


def names_of(source: str):
    """Return (names that a cell binds or changes, names that it reads, exercises that it gives), or None."""
    try:
        tree = ast.parse(source)
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, ValueError, RecursionError):
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
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in NOTED:
            calls.add(node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else "")
    return bound, loaded, calls


def numbers_in(cells) -> list[str]:
    """Return the numbers of the exercises that cells check or answer, in order."""
    found = re.findall(r"\b(?:check|answer)\(\s*[\"'](\d\d\.\w+)[\"']", "\n".join(cells))
    return list(dict.fromkeys(found))


def _base(node):
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


@dataclass
class Notes:
    """What a student's cells gave: {number: answer}, {number: (value, student)}, {prediction: whether one was made}."""

    checked: dict = field(default_factory=dict)
    answered: dict = field(default_factory=dict)
    asked: dict = field(default_factory=dict)
    predicted: dict = field(default_factory=dict)
    stopped: dict = field(default_factory=dict)  # {place of a cell: what it stopped with}
    namespace: dict = field(default_factory=dict)

    def check(self, number, given):
        """Note an answer in place of the check."""
        self.checked[str(number)] = given
        return Result(str(number), NOT_YET, what="noted")

    def answer(self, number, value, student=None):
        """Note a number in place of marking it."""
        self.answered[str(number)] = (value, self.asked.get(str(number), "you") if student is None else str(student))
        return Result(str(number), NOT_YET, what="noted")

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
            if name not in self.namespace:
                raise LookupError(f"there is no {name}")
            return self.namespace[name]
        return self.checked[number]


ORIGINAL = {name: getattr(exercises, name) for name in NOTED}


def run(cells, places=None, label="cell", around=lambda run: run()) -> Notes:
    """Run cells one after another in one namespace and note what they give. A cell that stops is noted too.

    places : of the cells to run;  label : the file that tracebacks name, or what they call a cell
    around : calls what runs one cell, under a time limit perhaps
    """
    notes = Notes()
    notes.namespace = {"__name__": "student", "__builtins__": __builtins__, "display": lambda *shown, **how: None}
    for name in NOTED:
        setattr(exercises, name, getattr(notes, name))
    try:
        for place in range(len(cells)) if places is None else places:
            source = plain(cells[place])
            file = label if label.endswith(".py") else f"{label} {place + 1}"
            linecache.cache[file] = (
                len(source),
                None,
                _lines(cells) if label.endswith(".py") else _lines([source]),
                file,
            )
            try:
                around(lambda source=source, file=file: exec(compile(source, file, "exec"), notes.namespace))
            except (Exception, SystemExit) as error:
                notes.stopped[place] = f"{type(error).__name__}: {error}"
    finally:
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
        return exercises.answer(number, *notes.answered[number])
    try:
        return exercises.check(number, notes.given(number, function))
    except LookupError as error:
        stopped = "".join(f"; cell {place + 1} stopped with {told}" for place, told in notes.stopped.items())
        return Result(number, NOT_YET, what=f"{error}{stopped}")
