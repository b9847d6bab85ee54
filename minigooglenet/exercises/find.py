"""Exercises by number, in the packages of lessons that were added. A lesson is imported when it is asked for."""

import difflib
import importlib
import importlib.util
import os
import pkgutil
import sys
from pathlib import Path

from minigooglenet.exercises.exercise import REGISTERED
from minigooglenet.exercises.plain import plain
from minigooglenet.exercises.shown import brief, printable

COURSES: list[str] = []  # names of packages whose subpackages are lessons: "minigooglenet.lessons"
VARIABLE = "MINIGOOGLENET_LESSONS"  # more of them, with commas between: for the processes that commands start
FOLDERS = "MINIGOOGLENET_EXERCISES"  # folders of exercises, separated as in PATH: what --exercises sets


def add_lessons(package: str) -> None:
    """Add a course of your own: a package whose subpackages are lessons, such as `lesson_20_attention`.

    package : its name, "my_course"; it must be importable. The lessons are imported when somebody asks for them.
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
    """Add a folder with exercises of your own, wherever it is, and return the name of the package that it becomes.

    folder : its files exercise_02_9.py and its packages lesson_20_attention are imported when somebody asks for them
    """
    folder = Path(folder).resolve()
    name = folder.name
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder of exercises {printable(folder)} does not exist")
    if not name.isidentifier():
        raise ValueError(
            f"rename the folder {printable(name)!r}: it is imported, so only letters, digits and _ will do"
        )
    there = sys.modules[name].__spec__ if name in sys.modules else importlib.util.find_spec(name)
    places = [Path(place).resolve() for place in getattr(there, "submodule_search_locations", None) or ()]
    if there and folder not in places:
        raise ValueError(f"rename the folder {printable(name)!r}: there is another module of this name")
    if name not in sys.modules:
        first = folder / "__init__.py"
        spec = importlib.util.spec_from_file_location(name, first, submodule_search_locations=[str(folder)])
        sys.modules[name] = importlib.util.module_from_spec(spec)
        if first.is_file():
            spec.loader.exec_module(sys.modules[name])
    if name not in COURSES:
        COURSES.append(name)
    return name


def own_folders() -> list[Path]:
    """Return the folders of exercises that --exercises named."""
    return [Path(folder) for folder in os.environ.get(FOLDERS, "").split(os.pathsep) if folder]


def courses() -> list[str]:
    """Return the names of all packages with exercises, in order."""
    for folder in own_folders():
        add_folder(folder)
    return list(dict.fromkeys([*COURSES, *filter(None, os.environ.get(VARIABLE, "").split(","))]))


def find(number):
    """Return the Exercise or Question of that number, "03.4", or say which there are."""
    number = plain(number)
    number = str(number) if isinstance(number, str) else brief(number)
    number = number.zfill(len(number) + 1) if number[1:2] == "." else number  # 1.1 is 01.1
    own_file = f".exercise_{number.replace('.', '_')}"
    for name in folders(number.partition(".")[0]):
        if ".lesson_" in name or name.endswith(own_file):  # a teacher's other files may be half written
            importlib.import_module(name)
    if number not in REGISTERED:
        everything()
        close = difflib.get_close_matches(number, REGISTERED, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise ValueError(f"unknown exercise {printable(number[:40])!r}.{hint} There are:\n{_ids(REGISTERED)}")
    return REGISTERED[number]


def _ids(numbers):
    """Return the IDs of exercises, one line for each lesson."""
    lessons_of = {}
    for number in sorted(numbers):
        lessons_of.setdefault(number.partition(".")[0], []).append(number)
    return "\n".join(f"  lesson {lesson}: {', '.join(ids)}" for lesson, ids in lessons_of.items())


def everything() -> dict:
    """Return {number: exercise} of all lessons, in order."""
    for name in folders():
        importlib.import_module(name)
    return {number: REGISTERED[number] for number in sorted(REGISTERED)}


def folders(lesson=None) -> list[str]:
    """Return the names of the lessons' packages and of single exercises, in order; of one lesson, "03", or of all."""
    return [
        f"{course}.{info.name}"
        for course in courses()
        for info in sorted(pkgutil.iter_modules(_package(course).__path__))
        if info.name.startswith(("lesson_", "exercise_")) and lesson in (None, info.name.split("_")[1])
    ]


def _package(course):
    """Return the package of a course, or say what to do if it cannot be imported."""
    try:
        return importlib.import_module(course)
    except ModuleNotFoundError as error:
        if error.name != course.partition(".")[0]:
            raise
        told = f"there is no package {printable(course)!r}, which {VARIABLE} names. Install it, or pass its folder"
        raise ValueError(f"{told}: --exercises {printable(course)}") from error
