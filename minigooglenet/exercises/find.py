"""Exercises by ID, in the courses that were added. A lesson is imported on first use."""

import importlib
import importlib.util
import os
import pkgutil
import sys
from pathlib import Path

from minigooglenet.exercises.exercise import REGISTERED, Task
from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.shown import brief, printable
from minigooglenet.names import hint

COURSES = ["minigooglenet.lessons"]  # names of packages whose subpackages are lessons
VARIABLE = "MINIGOOGLENET_LESSONS"  # more course packages, separated by commas: for the processes that commands start
FOLDERS = "MINIGOOGLENET_EXERCISES"  # folders with exercises, separated as in PATH: set by --exercises


def add_lessons(package: str) -> None:
    """Add your own course: a package whose subpackages are lessons, such as `lesson_20_attention`.

    Lessons are imported on first use.

    Parameters
    ----------
    package : name of an importable package, such as "my_course"

    Raises
    ------
    ValueError
        If the package cannot be imported, or is a module.

    Examples
    --------
    >>> import minigooglenet as mg
    >>> mg.exercises.add_lessons("minigooglenet.lessons")
    >>> mg.exercises.add_lessons("misspelt_course")
    Traceback (most recent call last):
    ValueError: 'misspelt_course' cannot be imported. add_lessons expects a package whose subpackages are the lessons.
    """
    if not isinstance(package, str):
        raise TypeError(f"add_lessons expects the name of a package, such as 'my_course', got {brief(plain(package))}")
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.submodule_search_locations is None:
        why = "is a module, not a package" if spec else "cannot be imported"
        raise ValueError(f"{package!r} {why}. add_lessons expects a package whose subpackages are the lessons.")
    if package not in COURSES:
        COURSES.append(package)


def add_folder(folder) -> str:
    """Add a folder with your own exercises, and return the name of the package that it becomes.

    folder : its files such as exercise_02_9.py and packages such as lesson_20_attention are imported on first use
    """
    folder = Path(folder).resolve()
    name = folder.name
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder of exercises {printable(folder)} does not exist")
    if not name.isidentifier():
        raise ValueError(
            f"rename the folder {printable(name)!r}: it becomes a Python package, so use only letters, digits and _"
        )
    spec = sys.modules[name].__spec__ if name in sys.modules else importlib.util.find_spec(name)
    locations = [Path(path).resolve() for path in getattr(spec, "submodule_search_locations", None) or ()]
    if spec and folder not in locations:
        raise ValueError(f"rename the folder {printable(name)!r}: another module has this name")
    if name not in sys.modules:
        first = folder / "__init__.py"
        spec = importlib.util.spec_from_file_location(name, first, submodule_search_locations=[str(folder)])
        assert spec is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        if first.is_file() and spec.loader is not None:
            spec.loader.exec_module(sys.modules[name])
    if name not in COURSES:
        COURSES.append(name)
    return name


def own_folders() -> list[Path]:
    """Return the folders that were passed with --exercises."""
    return [Path(folder) for folder in os.environ.get(FOLDERS, "").split(os.pathsep) if folder]


def courses() -> list[str]:
    """Return the names of all packages with exercises, in order."""
    for folder in own_folders():
        add_folder(folder)
    return list(dict.fromkeys([*COURSES, *filter(None, os.environ.get(VARIABLE, "").split(","))]))


def find(number):
    """Return the Exercise or Question with this ID, such as "03.4"; the error for an unknown ID lists all IDs."""
    number = plain(number)
    number = str(number) if isinstance(number, str) else brief(number)
    number = number.zfill(len(number) + 1) if number[1:2] == "." else number  # 1.1 is 01.1
    own_file = f".exercise_{number.replace('.', '_')}"
    for name in folders(number.partition(".")[0]):
        if ".lesson_" in name or name.endswith(own_file):  # a teacher's other files may be half written
            importlib.import_module(name)
    if number not in REGISTERED:
        everything()
        advice = hint(number, REGISTERED, most=3)
        raise ValueError(f"unknown exercise {printable(number[:40])!r}{advice or '.'} Choose from:\n{_ids(REGISTERED)}")
    return REGISTERED[number]


def _ids(numbers):
    """Return the IDs of exercises, one line per lesson."""
    lessons_of: dict[str, list[str]] = {}
    for number in sorted(numbers):
        lessons_of.setdefault(number.partition(".")[0], []).append(number)
    return "\n".join(f"  lesson {lesson}: {', '.join(ids)}" for lesson, ids in lessons_of.items())


def everything() -> dict[str, Task]:
    """Return {ID: exercise} of all lessons, in order."""
    for name in folders():
        importlib.import_module(name)
    return {number: REGISTERED[number] for number in sorted(REGISTERED)}


def folders(lesson=None) -> list[str]:
    """Return the names of lesson packages and of single exercises, in order: of one lesson, such as "03", or of all."""
    return [
        f"{course}.{info.name}"
        for course in courses()
        for info in sorted(pkgutil.iter_modules(_package(course).__path__))
        if info.name.startswith(("lesson_", "exercise_")) and lesson in (None, info.name.split("_")[1])
    ]


def _package(course):
    """Return the package of a course; the error for a missing package explains what to do."""
    try:
        return importlib.import_module(course)
    except ModuleNotFoundError as error:
        if error.name != course.partition(".")[0]:
            raise
        reason = f"package {printable(course)!r}, named in {VARIABLE}, is not installed"
        raise ValueError(f"{reason}. Install it, or pass its folder: --exercises {printable(course)}") from error
