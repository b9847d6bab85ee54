"""The last line of the student's own code in a traceback: not a line of this package, of NumPy or of Python."""

import functools
import inspect
import os
import re
import sysconfig
import traceback
from pathlib import Path

from minigooglenet.exercises.plain import plain

PACKAGE = Path(__file__).resolve().parents[1]
STANDARD = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]
INSTALLED = ("site-packages", "dist-packages")
CELL = re.compile(r"\bipykernel_\d+[/\\]|^<ipython-input")  # the file name of a cell is a meaningless number
KNOWN = ("numpy", "scipy", "numba", "llvmlite", "PIL", "matplotlib", "rich", "IPython", "ipykernel")


def where(error) -> str:
    """Return ", in your line 3: y = x / 0" for an exception, or an empty string."""
    try:
        return line_of(traceback.extract_tb(error.__traceback__))
    except Exception:  # the traceback cannot be read
        return ""


def line_of(frames) -> str:
    """Return ", in your line 3: y = x / 0" for the frames of a traceback or a stack, or an empty string."""
    frames = students_frames(frames)
    if not frames:
        return ""
    last = frames[-1]
    origin = last.name if CELL.search(last.filename) else Path(last.filename).name
    file = f" of {origin}" if last.filename != frames[0].filename else ""
    line = f": {last.line[:200]}" if last.line else ""
    return f", in your line {last.lineno}{file}{line}"


def students_frames(frames) -> list:
    """Return the frames of the student's code, or of an installed module if the answer is one of its functions."""
    outside = [frame for frame in frames if not _of_package(frame.filename)]
    students = [frame for frame in outside if not _library(frame.filename)]
    if students or not outside:
        return students
    module = _installed(outside[0].filename)
    return [frame for frame in outside if module and _installed(frame.filename) == module]


def arguments(error) -> dict:
    """Return {name: value} of the arguments of the student's function that raised, itself or in a call."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    for frame in frames:
        if not foreign(frame.f_code.co_filename):
            names = inspect.getargs(frame.f_code).args
            return {name: plain(frame.f_locals[name]) for name in names if name in frame.f_locals}
    return {}


def foreign(filename) -> bool:
    """Return whether a file has no code of the student: it belongs to this package, to a library or to Python."""
    return _of_package(filename) or _library(filename)


@functools.lru_cache(maxsize=1024)  # an endless recursion has a thousand frames of one file
def _of_package(filename):
    return _inside(filename, [PACKAGE])


@functools.lru_cache(maxsize=1024)
def _library(filename):
    generated = filename.startswith(("<frozen", "<__array", "<decorator"))
    return generated or any(part in INSTALLED for part in Path(filename).parts) or _inside(filename, STANDARD)


def _inside(filename, folders):
    if not Path(filename).is_absolute():  # "<string>", "cell 3"
        return False
    path = Path(os.path.realpath(filename))
    return any(path.is_relative_to(folder) for folder in folders)


def _installed(filename):
    """Return the name of an installed module that is none of the usual libraries, or None."""
    parts = Path(filename).parts
    folder = max((parts.index(name) for name in INSTALLED if name in parts), default=None)
    if folder is None or folder + 1 >= len(parts):
        return None
    name = parts[folder + 1].removesuffix(".py")
    return None if name in KNOWN else name
