"""Notes for the staff about where answers come from: the official solutions, the engine, or another student.

Everything is compared with the handout: what was handed out is nobody's. A note is a reason to look, not a verdict.
"""

import ast
import functools
import inspect
import re
import textwrap
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from minigooglenet.course import answers, cells, reading, safe_open
from minigooglenet.course import handout as of_package
from minigooglenet.exercises.find import everything, find
from minigooglenet.exercises.questions import Question

# An answer of at least so many parts (see answers.size) is nobody's by chance: word for word, or with other names.
SAME_WORDS, SAME_CODE = 40, 70
MOST_NAMES = 3  # of students in a note
# What leads to objects, frames and files that a lesson does not give: modules, attributes, names.
_MODULES = {"gc", "inspect", "ctypes", "importlib", "pkgutil", "runpy", "marshal", "dis", "builtins", "code", "types"}
_HIDDEN = frozenset(
    (
        *("__closure__", "__globals__", "__code__", "__subclasses__", "__builtins__", "__import__", "__loader__"),
        *("__spec__", "__wrapped__", "f_back", "f_locals", "f_globals", "tb_frame", "gi_frame", "cr_frame"),
        *("ag_frame", "cell_contents", "_getframe", "_current_frames", "get_objects", "get_referrers"),
        *("get_referents", "getsource", "import_module", "cases_function", "engine_function", "REGISTERED", "PASSES"),
        *("setprofile", "getprofile", "settrace", "monitoring", "meta_path", "path_hooks"),
    )
)
_PLACES = re.compile(r"/proc/|site-packages|lesson_\d\d_|exercises[./]lessons")
MARKER = re.compile(r"^[^\S\n]*###[^\S\n]*(?:BEGIN|END) SOLUTION", re.MULTILINE)
_RIGHT = ("reference_function", "solution_function", "rights", "judge_function")
_CONTENT = ("minigooglenet.lessons.", "minigooglenet.exercises.lessons.")  # now and in 0.1
_TOOLS = ("exercises", "viz", "data", "figures", "console", "shapes", "checks", "initializers")


@dataclass
class Official:
    """What a course gives out and what it keeps: statements, expressions that name right answers, solutions."""

    statements: set[str] = field(default_factory=set)
    peeks: set[str] = field(default_factory=set)
    reaches: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    solutions: dict[str, list] = field(default_factory=lambda: defaultdict(list))  # {exercise: [(answer, form, uses)]}


@dataclass
class Work:
    """What a student's file adds to the handout."""

    content: bytes = b""
    fingerprint: str = ""
    size: int = 0  # parts of all answers
    forms: dict[str, str] = field(default_factory=dict)  # of the answers that are long enough to be somebody's
    notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    shared: set[str] = field(default_factory=set)  # students with the same file or code


def notes(handed, handout=None, allowed=None, solutions=None) -> list[dict[str, list[str]]]:
    """Return for each file {exercise: notes}, with the notes about the whole file under "".

    handed : [(student, path, exercises)];  handout, solutions : folders that `minigooglenet release` wrote
    allowed : what the course file says, {"engine": True, "scipy": False, ...}
    """
    known, allowed = official(*(str(folder) if folder else None for folder in (handout, solutions))), allowed or {}
    work = [_work(path, numbers, known, allowed) for _, path, numbers in handed]
    if not allowed.get("each_other"):
        _compare([student for student, _, _ in handed], work)
    return [each.notes for each in work]


@functools.cache
def official(handout=None, solutions=None) -> Official:
    """Return the official material: the lessons of this package, and a course's own release and solutions."""
    made = Official()
    try:
        folder = of_package.folder()
    except FileNotFoundError:
        folder = None
    places = [Path(place) for place in (folder, handout) if place]
    for path in (path for place in places for path in sorted(place.glob("*.ipynb"))):
        body = answers.statements(_read(path))
        made.statements |= set(map(ast.dump, body))
        made.peeks |= set(_peeks(body))
        made.reaches |= set(_reaches(body))
        made.functions |= set(answers.bound(body))
    solved = of_package.sources() if folder else []
    solved += Path(handout).glob("solutions/*.ipynb") if handout else []
    solved += Path(solutions).glob("*.ipynb") if solutions else []
    for path in sorted(solved):
        body = answers.statements(_read(path))
        for number, answer in answers.given(body).items():
            if number.startswith(path.stem[:2]) and _is_new(answer, made, body):
                form = answers.canonical(answer, answers.functions(body))
                made.solutions[number].append((answer, form, answers.uses(answer, body)))
    for number, exercise in everything().items():
        made.solutions[number] += [(each, answers.canonical(each), set()) for each in _reference(exercise)]
    return made


def _reference(exercise):
    """Return the function that a check compares with, as a list: a student may have it from `compare`."""
    function = getattr(exercise, "reference_function", None)
    try:
        found = ast.parse(textwrap.dedent(inspect.getsource(function))).body if function else []
    except (OSError, TypeError, SyntaxError):
        return []
    return [node for node in found if isinstance(node, ast.FunctionDef)]


def _is_new(answer, made, body):
    """Return whether an answer comes from a statement that was not handed out."""
    return any(
        any(node is answer for node in ast.walk(statement)) and ast.dump(statement) not in made.statements
        for statement in body
    )


def _read(path):
    try:
        return cells.read(path, follow=False)
    except (OSError, ValueError, RecursionError, MemoryError):
        return []


def _work(path, numbers, known, allowed) -> Work:
    work = Work()
    try:
        _fill(work, path, numbers, known, allowed)
    except (RecursionError, MemoryError):
        work.notes[""].append("its code is nested too deeply to be compared")
    except (OSError, ValueError) as error:  # it vanished, or its text makes no tree
        work.notes[""].append(f"its code cannot be compared: {str(error)[:100]}")
    return work


def _fill(work, path, numbers, known, allowed):
    sources = _read(path)
    body = answers.statements(sources)
    added = [statement for statement in body if ast.dump(statement) not in known.statements]
    mine = {number: answer for number, answer in answers.given(body).items() if number in numbers}
    mine = {number: answer for number, answer in mine.items() if _is_new(answer, known, added)}
    if any(MARKER.search(source) for source in sources):
        work.notes[""].append("contains the markers of the official solutions (### BEGIN SOLUTION)")
    if peeks := sorted(set(_peeks(body)) - known.peeks):
        work.notes[""].append(f"looks up right answers: {peeks[0][:80]}")
    if reaches := sorted(set(_reaches(body)) - known.reaches):
        told = ", ".join(each[:40] for each in reaches[:MOST_NAMES])
        work.notes[""].append(f"reaches into the process that runs it: {told}")
    if allowed.get("scipy") is False and "scipy" in set(_imported(added)):
        work.notes[""].append("uses SciPy, which this course does not allow")
    for number, answer in mine.items():
        _look_at(number, answer, body, known, work.notes[number], engine=allowed.get("engine", False))
        official = any(told.startswith("the same") for told in work.notes[number])
        if answers.size(answer) >= SAME_CODE and not official:
            work.forms[number] = answers.canonical(answer, answers.functions(body))
    work.size = sum(map(answers.size, mine.values()))
    work.fingerprint = "\n".join(map(ast.dump, added))
    work.content = safe_open.digest(path, reading.MOST_BYTES).encode() if added else b""


def _look_at(number, answer, body, known, told, engine=False):
    """Note an answer that is the official one, or that leaves the work to the engine."""
    official = known.solutions.get(number, [])
    size, dumped, form = answers.size(answer), _dump(answer), answers.canonical(answer, answers.functions(body))
    for solution, official_form, _ in official:
        looked_up = "find(" in ast.unparse(solution)
        if (size >= SAME_WORDS or looked_up) and dumped == _dump(solution):
            told.append("the same code as the official solution")
        elif size >= SAME_CODE and form == official_form:
            told.append("the same code as the official solution, with other names")
        else:
            continue
        return
    if isinstance(find(number), Question) or engine:
        return
    allowed = set().union(*(uses for *_, uses in official))
    used = {each for each in answers.uses(answer, body, known.functions) if each.split(".")[0] not in _TOOLS}
    if any(each.startswith("layers.") for each in allowed):
        used = {each for each in used if not each.startswith("layers.")}
    if used - allowed:
        told.append(f"leaves the work to the engine: {', '.join(sorted(used - allowed)[:MOST_NAMES])}")


def _compare(students, work):
    """Note files and answers that several students share."""
    _share(students, work, lambda each: {"": each.content} if each.content else {}, "the same file as")
    _share(students, work, lambda each: {"": each.fingerprint} if each.size >= SAME_CODE else {}, "the same code as")
    _share(students, work, lambda each: each.forms, "the same code as")


def _share(students, work, look, words):
    """Note on each file with whom it shares what `look` returns, {exercise or "": form}, unless that is noted."""
    groups = defaultdict(list)
    for place, each in enumerate(work):
        for number, form in look(each).items():
            groups[number, form].append(place)
    for (number, _), places in groups.items():
        for place in places:
            others = sorted({students[other] for other in places} - {students[place]} - work[place].shared)
            if others:
                more = f" and {len(others) - MOST_NAMES} more" if len(others) > MOST_NAMES else ""
                work[place].notes[number].append(f"{words} {', '.join(others[:MOST_NAMES])}{more}")
                work[place].shared |= set(others) if not number else set()


def _dump(answer):
    """Return an answer's code without its name and its docstring."""
    if not isinstance(answer, ast.FunctionDef):
        return ast.dump(answer)
    body = answer.body[ast.get_docstring(answer) is not None :]
    return "\n".join(map(ast.dump, body))


def _imported(body):
    """Yield the packages that statements import."""
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _peeks(body):
    """Yield the expressions that name right answers of the exercises."""
    for node in (node for statement in body for node in ast.walk(statement)):
        if isinstance(node, ast.Attribute) and node.attr in _RIGHT:
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and node.value in _RIGHT:
            yield repr(node.value)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names = [f"{module}{alias.name}" for alias in node.names]
            yield from (name for name in names if f"{name}.".startswith(_CONTENT))


def _reaches(body):
    """Yield the expressions that lead to the memory or the files of the process: a solution may come from there."""
    for node in (node for statement in body for node in ast.walk(statement)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names if alias.name.split(".")[0] in _MODULES)
            case ast.ImportFrom(str(module)) if module.split(".")[0] in _MODULES:
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case ast.ImportFrom("sys"):
                yield from (f"sys.{alias.name}" for alias in node.names if alias.name in {*_HIDDEN, "modules"})
            case ast.Attribute(ast.Name("sys"), "modules"):
                yield "sys.modules"
            case ast.Attribute(attr=name) if name in _HIDDEN:
                yield ast.unparse(node)
            case ast.Name(name) if name in _HIDDEN:
                yield name
            case ast.Call(ast.Name("exec" | "eval" | "compile"), [first, *_]) if not isinstance(first, ast.Constant):
                yield ast.unparse(node)
            case ast.Constant(str(text)) if text in _HIDDEN or (len(text) < 500 and _PLACES.search(text)):
                yield repr(text)
