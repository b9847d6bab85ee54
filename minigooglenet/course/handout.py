"""The lessons on their way to a student: where they are, and copies that never replace anybody's work."""

from pathlib import Path
from typing import NamedTuple

import minigooglenet
from minigooglenet import files


class Copied(NamedTuple):
    """What a copy did: paths that are new, that were the same already, and that somebody changed and were left."""

    new: list[Path]
    same: list[Path]
    kept: list[Path]


def folder() -> Path:
    """Return where the notebooks are: in a wheel inside the package, in a checkout beside it."""
    package = Path(minigooglenet.__file__).parent
    for place in (package / "lessons" / "notebooks", package.parent / "lessons"):
        if any(place.glob("[0-9][0-9]_*.ipynb")):
            return place
    raise FileNotFoundError("this installation has no lessons; install minigooglenet again, or use a checkout")


def sources() -> list[Path]:
    """Return the sources of the notebooks, each in its lesson's folder, in order."""
    lessons = Path(minigooglenet.__file__).parent / "lessons"
    return sorted(lessons.glob("lesson_*/[0-9][0-9]_*.py"), key=lambda path: path.name)


def copy(target, solutions=None) -> Copied:
    """Copy the lessons to the folder `target`, made if need be.

    A file that is there and differs is somebody's work and stays as it is.

    solutions : another folder, for the sources: they hold the solutions, and `minigooglenet release` makes notebooks
        of them
    """
    target, copied = Path(target), Copied([], [], [])
    chosen = [(path, target / path.name) for path in sorted(folder().glob("*.ipynb"))]
    if solutions is not None:
        chosen += [(path, Path(solutions) / path.name) for path in sources()]
    for path, place in chosen:
        copied[put(place, path.read_bytes())].append(place)
    return copied


def put(place, data: bytes) -> int:
    """Write `data` to `place` unless something else is there; return 0 if written, 1 if there already, 2 if left."""
    if place.exists() or place.is_symlink():
        return 1 if place.is_file() and place.read_bytes() == data else 2
    place.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic(place) as file:
        file.write(data)
    return 0
