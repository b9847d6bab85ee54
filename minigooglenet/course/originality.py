"""Notes for the staff about the origin of answers: the official solutions, the engine, or another student.

Code from the handout is ignored. A note is a reason to check an answer by hand, not a verdict.
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
from minigooglenet.course import handout as package_handout
from minigooglenet.exercises.find import everything, find
from minigooglenet.exercises.questions import Question

# Minimum sizes (see answers.size) at which equal answers cannot be a coincidence: literally equal, equal up to names.
SAME_WORDS, SAME_CODE = 40, 70
MOST_NAMES = 3  # students in one note
# Modules, attributes and names that lead to objects, frames and files outside a lesson.
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
_LOCATIONS = re.compile(r"/proc/|site-packages|lesson_\d\d_|exercises[./]lessons")
MARKER = re.compile(r"^[^\S\n]*###[^\S\n]*(?:BEGIN|END) SOLUTION", re.MULTILINE)
_RIGHT = ("reference_function", "solution_function", "rights", "judge_function")
_CONTENT = ("minigooglenet.lessons.", "minigooglenet.exercises.lessons.")  # modules with solutions, now and in 0.1
_TOOLS = ("exercises", "viz", "data", "figures", "console", "shapes", "checks", "initializers")


@dataclass
class Official:
    """Official material of a course: statements and expressions in the handout, and the solutions."""

    statements: set[str] = field(default_factory=set)
    peeks: set[str] = field(default_factory=set)
    reaches: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    solutions: dict[str, list] = field(
        default_factory=lambda: defaultdict(list)
    )  # {exercise: [(answer, canonical form, uses)]}


@dataclass
class Work:
    """The part of a student's file that is not from the handout."""

    content: bytes = b""
    fingerprint: str = ""
    size: int = 0  # of all answers
    forms: dict[str, str] = field(default_factory=dict)  # canonical forms of answers that are long enough to compare
    notes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    shared: set[str] = field(default_factory=set)  # students with the same file or code


def notes(submissions, handout=None, allowed=None, solutions=None) -> list[dict[str, list[str]]]:
    """Return {exercise: notes} for each file, with the notes about the whole file under "".

    submissions : [(student, path, exercises)];  handout, solutions : folders that `minigooglenet release` wrote
    allowed : from the course file, {"engine": True, "scipy": False, ...}
    """
    known, allowed = official(*(str(folder) if folder else None for folder in (handout, solutions))), allowed or {}
    works = [_work(path, numbers, known, allowed) for _, path, numbers in submissions]
    if not allowed.get("each_other"):
        _compare([student for student, _, _ in submissions], works)
    return [work.notes for work in works]


@functools.cache
def official(handout=None, solutions=None) -> Official:
    """Return the official material: the lessons of this package, and the release and solutions of a course."""
    made = Official()
    try:
        folder = package_handout.folder()
    except FileNotFoundError:
        folder = None
    folders = [Path(path) for path in (folder, handout) if path]
    for path in (path for parent in folders for path in sorted(parent.glob("*.ipynb"))):
        body = answers.statements(_read(path))
        made.statements |= set(map(ast.dump, body))
        made.peeks |= set(_peeks(body))
        made.reaches |= set(_reaches(body))
        made.functions |= set(answers.bound(body))
    solved = package_handout.sources() if folder else []
    solved += Path(handout).glob("solutions/*.ipynb") if handout else []
    solved += Path(solutions).glob("*.ipynb") if solutions else []
    for path in sorted(solved):
        body = answers.statements(_read(path))
        for number, answer in answers.given(body).items():
            if number.startswith(path.stem[:2]) and _is_new(answer, made, body):
                form = answers.canonical(answer, answers.functions(body))
                made.solutions[number].append((answer, form, answers.uses(answer, body)))
    for number, exercise in everything().items():
        made.solutions[number] += [(function, answers.canonical(function), set()) for function in _reference(exercise)]
    return made


def _reference(exercise):
    """Return the reference function in a list, because `compare` shows it to students; or an empty list."""
    function = getattr(exercise, "reference_function", None)
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(function))).body if function else []
    except (OSError, TypeError, SyntaxError):
        return []
    return [node for node in body if isinstance(node, ast.FunctionDef)]


def _is_new(answer, made, body):
    """Return whether an answer comes from a statement outside the handout."""
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
    except (OSError, ValueError) as error:  # it has disappeared, or it is not valid Python
        work.notes[""].append(f"its code cannot be compared: {str(error)[:100]}")
    return work


def _fill(work, path, numbers, known, allowed):
    sources = _read(path)
    body = answers.statements(sources)
    added = [statement for statement in body if ast.dump(statement) not in known.statements]
    given = {number: answer for number, answer in answers.given(body).items() if number in numbers}
    given = {number: answer for number, answer in given.items() if _is_new(answer, known, added)}
    if any(MARKER.search(source) for source in sources):
        work.notes[""].append("contains the markers of the official solutions (### BEGIN SOLUTION)")
    if peeks := sorted(set(_peeks(body)) - known.peeks):
        work.notes[""].append(f"looks up solutions: {peeks[0][:80]}")
    if reaches := sorted(set(_reaches(body)) - known.reaches):
        shown = ", ".join(expression[:40] for expression in reaches[:MOST_NAMES])
        work.notes[""].append(f"accesses the process that runs it: {shown}")
    if allowed.get("scipy") is False and "scipy" in set(_imported(added)):
        work.notes[""].append("uses SciPy, which this course does not allow")
    for number, answer in given.items():
        _check_answer(number, answer, body, known, work.notes[number], engine=allowed.get("engine", False))
        official = any(note.startswith("the same") for note in work.notes[number])
        if answers.size(answer) >= SAME_CODE and not official:
            work.forms[number] = answers.canonical(answer, answers.functions(body))
    work.size = sum(map(answers.size, given.values()))
    work.fingerprint = "\n".join(map(ast.dump, added))
    work.content = safe_open.digest(path, reading.MOST_BYTES).encode() if added else b""


def _check_answer(number, answer, body, known, answer_notes, engine=False):
    """Add a note if an answer is the official one, or if it calls the engine."""
    official = known.solutions.get(number, [])
    size, dumped, form = answers.size(answer), _dump(answer), answers.canonical(answer, answers.functions(body))
    for solution, official_form, _ in official:
        looked_up = "find(" in ast.unparse(solution)
        if (size >= SAME_WORDS or looked_up) and dumped == _dump(solution):
            answer_notes.append("the same code as the official solution")
        elif size >= SAME_CODE and form == official_form:
            answer_notes.append("the same code as the official solution, with other names")
        else:
            continue
        return
    if isinstance(find(number), Question) or engine:
        return
    allowed = set().union(*(uses for *_, uses in official))
    used = {name for name in answers.uses(answer, body, known.functions) if name.split(".")[0] not in _TOOLS}
    if any(name.startswith("layers.") for name in allowed):
        used = {name for name in used if not name.startswith("layers.")}
    if used - allowed:
        answer_notes.append(f"calls the engine: {', '.join(sorted(used - allowed)[:MOST_NAMES])}")


def _compare(students, works):
    """Add notes about files and answers that are equal for several students."""
    _note_equal(students, works, lambda work: {"": work.content} if work.content else {}, "the same file as")
    _note_equal(
        students, works, lambda work: {"": work.fingerprint} if work.size >= SAME_CODE else {}, "the same code as"
    )
    _note_equal(students, works, lambda work: work.forms, "the same code as")


def _note_equal(students, works, key, words):
    """Add a note to each file for which `key`, {exercise or "": form}, is equal for other students.

    Students that are already noted for the whole file are not repeated.
    """
    groups = defaultdict(list)
    for index, work in enumerate(works):
        for number, form in key(work).items():
            groups[number, form].append(index)
    for (number, _), group in groups.items():
        for index in group:
            others = sorted({students[other] for other in group} - {students[index]} - works[index].shared)
            if others:
                more = f" and {len(others) - MOST_NAMES} more" if len(others) > MOST_NAMES else ""
                works[index].notes[number].append(f"{words} {', '.join(others[:MOST_NAMES])}{more}")
                works[index].shared |= set(others) if not number else set()


def _dump(answer):
    """Return the code of an answer without its name and docstring."""
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
    """Yield the expressions that name solutions of the exercises."""
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
    """Yield the expressions that lead to the memory or files of the process, where a solution may be found."""
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
            case ast.Constant(str(text)) if text in _HIDDEN or (len(text) < 500 and _LOCATIONS.search(text)):
                yield repr(text)
