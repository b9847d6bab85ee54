"""A course's own exercises: files from a template, a check of what they lack, and the cells for students."""

import ast
import hashlib
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from minigooglenet import files
from minigooglenet.course import notebooks
from minigooglenet.exercises import lint
from minigooglenet.exercises.checking import check
from minigooglenet.exercises.exercise import REGISTERED
from minigooglenet.exercises.find import add_folder, everything, folders
from minigooglenet.exercises.questions import Question
from minigooglenet.exercises.shown import error_text

_NUMBER = re.compile(r"(\d\d)\.(\d{1,2}[a-z]?)")
_NOT_HANDED_OUT = re.compile(r"\d\d_\w+\.py")  # sources of notebooks, which contain solutions
SET_UP = """
# %% [markdown]
# ## Further exercises

# %%
import numpy as np

from minigooglenet import exercises
from minigooglenet.exercises import answer, ask, check, hint

exercises.add_lessons("{course}")
"""


def new(number: str, folder, question=False) -> Path:
    """Write the file of a new exercise from the template, and return its path.

    number : unused exercise ID, "02.9";  folder : of the course's own exercises, created if needed
    question : whether students give a number instead of a function
    """
    match = _NUMBER.fullmatch(number)
    if not match:
        raise ValueError(
            f"an exercise ID must be the two digits of the lesson, a dot and a number, such as 02.9, got {number!r}"
        )
    folder = Path(folder)
    path = folder / f"exercise_{match[1]}_{match[2]}.py"
    if path.exists():
        raise FileExistsError(f"{path} already exists; choose another ID, or edit the file")
    if number in everything():
        taken = ", ".join(known for known in REGISTERED if known.startswith(match[1]))
        raise ValueError(f"exercise {number} already exists. Lesson {match[1]} has {taken}. Choose another ID.")
    folder.mkdir(parents=True, exist_ok=True)
    add_folder(folder)  # raises an error before anything is written, if the name cannot be imported
    template = resources.files("minigooglenet.course") / f"{'question' if question else 'exercise'}_template.txt"
    files.write_text(path, template.read_text(encoding="utf-8").replace("NUMBER", number))
    return path


def findings(folder) -> Iterator[tuple[str, list[str]]]:
    """Yield (exercise ID or file, problems) for every exercise in a folder."""
    course = add_folder(folder)
    importlib.invalidate_caches()
    names = [info.name for info in sorted(pkgutil.iter_modules([str(Path(folder).resolve())]))]
    names = [name for name in names if name.startswith(("exercise_", "lesson_"))]
    if not names:
        raise FileNotFoundError(
            f"{folder} contains no exercises. Create one with `minigooglenet exercise new 02.9 --exercises {folder}`."
        )
    for other in folders():  # the lessons are imported too, so that a used ID is reported
        if not other.startswith(f"{course}."):
            importlib.import_module(other)
    for name in names:
        before = set(REGISTERED)
        try:
            importlib.import_module(f"{course}.{name}")
        except Exception as error:  # an exercise file may raise anything
            yield name, [f"it cannot be imported: {lint.raised(error)}"]
            continue
        prefix = f"{course}.{name}"
        new = [number for number, known in REGISTERED.items() if lint.module_of(known).startswith(prefix)]
        new += [number for number in REGISTERED if number not in before and number not in new]
        if not new:
            yield name, ["it registers no exercise. Add exercise = Exercise(...)"]
        for number in new:
            exercise = REGISTERED[number]
            problems = [*_file_name(name, number), *lint.missing(exercise)]
            yield number, problems or list(_as_released(exercise))


def _file_name(name, number):
    """Yield a problem if the file name does not match the exercise ID, because the exercise would not be found."""
    right = f"exercise_{number.replace('.', '_')}"
    if name.startswith("exercise_") and name != right:
        yield f"rename the file to {right}.py: exercises are found by file name"


def _as_released(exercise):
    """Yield a problem if the solution that `release` writes into a notebook would not pass."""
    if isinstance(exercise, Question) or exercise.judge_function:
        return
    names = {}
    try:
        exec("import numpy as np\n" + _solution(exercise), names)
    except Exception as error:
        yield f"its solution does not run in a notebook: {type(error).__name__}: {error_text(error)}"
        return
    result = check(exercise.number, names[exercise.name])
    if not result.passed:
        yield f"its solution does not pass in a notebook, where only NumPy is imported: {result.what}"


def cells(exercise) -> str:
    """Return the cells of an exercise in jupytext's percent format, with the solution between markers."""
    task = inspect.cleandoc(inspect.getdoc(importlib.import_module(lint.module_of(exercise))) or "")
    stars, number = "*" * exercise.difficulty, exercise.number
    text = f"## Exercise {number}: {exercise.title}\n\nDifficulty: {stars} of ***. About {exercise.minutes} minutes."
    markdown = "\n".join(f"# {line}".rstrip() for line in f"{text}\n\n{task}".splitlines())
    if isinstance(exercise, Question):
        code = f'student = "you"  # your name or ID, if your course asks for it\nask("{number}", student)'
        question = f'find("{number}")'
        right = f"number = {question}.solution_function(**{question}.values(student))"
        solved = f"from minigooglenet.exercises.find import find\n\n{right}"
        code += f"\n\n# %%\n# exercise {number}\n{_marked(solved)}"
        checked = f'answer("{number}", number)'
    elif exercise.judge_function:
        code, checked = f"# exercise {number}\n{_marked('answer = None')}", f'check("{number}", answer)'
    else:
        code = f"# exercise {number}\n{_solution(exercise, marked=True)}"
        checked = f'check("{number}", {exercise.name})'
    return f"\n# %% [markdown]\n{markdown}\n\n# %%\n{code}\n\n# %%\n{checked}\n"


def _marked(solution):
    return f"{notebooks.BEGIN}\n{solution}\n{notebooks.END}"


def _solution(exercise, marked=False):
    """Return the source of the reference, renamed to the function that students write."""
    arguments = exercise.signature.partition("(")[2].partition(")")[0]
    return _function(exercise.reference_function, exercise.name, arguments, marked)


def _function(function, name, arguments, marked=False):
    """Return the source of a function under another name."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if not isinstance(tree, ast.FunctionDef):
        raise ValueError(f"write {function.__name__} as a function with def")
    body = tree.body[1:] if ast.get_docstring(tree) is not None and len(tree.body) > 1 else tree.body
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()[body[0].lineno - 1 : tree.end_lineno]
    text = textwrap.indent(textwrap.dedent("\n".join(lines)), "    ")
    if marked:
        text = f"    {notebooks.BEGIN}\n{text}\n    {notebooks.END}"
    return f"def {name}({arguments}):\n{text}"


def appended(folder) -> dict[str, str]:
    """Return {lesson: cells of its exercises in this folder, in percent format}, for `release`."""
    course, texts = add_folder(folder), {}
    for number, exercise in everything().items():
        if lint.module_of(exercise).startswith(f"{course}.exercise_"):
            lesson = number.partition(".")[0]
            texts[lesson] = texts.get(lesson, SET_UP.format(course=course)) + cells(exercise)
    return texts


def handed_out(folder) -> dict[str, str]:
    """Return {path in the handout: text} of the files that the checks of students need."""
    folder = Path(folder).resolve()
    kept = [*folder.rglob("*.py"), *folder.rglob("*.tsv")]
    return {
        path.relative_to(folder.parent).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(kept)
        if not _NOT_HANDED_OUT.fullmatch(path.name)
    }


def digest(folders) -> str:
    """Return a digest of all files in folders of exercises; if it changes, answers are graded again."""
    texts = [handed_out(folder) for folder in folders]
    return hashlib.sha256(repr(texts).encode()).hexdigest() if texts else ""
