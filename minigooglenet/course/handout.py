"""Copies of the lessons for students: where the notebooks are, and copying that never overwrites edited files."""

from pathlib import Path
from typing import NamedTuple

import minigooglenet
from minigooglenet import files


class Copied(NamedTuple):
    """Result of a copy: new paths, paths that were up to date, and edited files that were kept."""

    new: list[Path]
    same: list[Path]
    kept: list[Path]


def folder() -> Path:
    """Return the folder of the notebooks: inside the package in a wheel, next to it in a checkout."""
    package = Path(minigooglenet.__file__).parent
    for candidate in (package / "lessons" / "notebooks", package.parent / "lessons"):
        if any(candidate.glob("[0-9][0-9]_*.ipynb")):
            return candidate
    raise FileNotFoundError("this installation contains no lessons; reinstall minigooglenet, or use a checkout")


def sources() -> list[Path]:
    """Return the sources of the notebooks, in order."""
    lessons = Path(minigooglenet.__file__).parent / "lessons"
    return sorted(lessons.glob("lesson_*/[0-9][0-9]_*.py"), key=lambda path: path.name)


def copy(target, solutions=None) -> Copied:
    """Copy the lessons to the folder `target`, which is created if needed.

    A file that exists and differs is kept, because it has been edited.

    solutions : another folder for the sources, which contain the solutions; `minigooglenet release` makes notebooks
        from them
    """
    target, copied = Path(target), Copied([], [], [])
    chosen = [(path, target / path.name) for path in sorted(folder().glob("*.ipynb"))]
    if solutions is not None:
        chosen += [(path, Path(solutions) / path.name) for path in sources()]
    for path, destination in chosen:
        copied[put(destination, path.read_bytes())].append(destination)
    return copied


def put(path, data: bytes) -> int:
    """Write `data` to `path` if it does not exist; return 0 if written, 1 if it was up to date, 2 if it was kept."""
    if path.exists() or path.is_symlink():
        return 1 if path.is_file() and path.read_bytes() == data else 2
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic(path) as file:
        file.write(data)
    return 0
