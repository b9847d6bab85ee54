"""Notebooks from reviewed sources: for students without solutions, for instructors with them; never with outputs.

A source is a Python file in jupytext's percent format. What students write stands between `### BEGIN SOLUTION` and
`### END SOLUTION`, nbgrader's markers. In a function it becomes a NotImplementedError that names the exercise; an
assignment becomes `name = ...`.

The same source gives the same bytes: cell ids are hashes, and nothing of the machine goes in.
"""

import hashlib
import json
import re
from pathlib import Path

from minigooglenet import files

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_ASSIGNED = re.compile(r"([A-Za-z_][\w, ]*?) = ")
_NUMBER = re.compile(r"exercise (\d\d\.\d+\w?)", re.IGNORECASE)


def student(text: str, name: str) -> str:
    """Return the notebook that students get of a source's text, as JSON; `name` is the lesson's, "03_gradients"."""
    return _notebook(text, name, solutions=False)


def solution(text: str, name: str) -> str:
    """Return the notebook with solutions of a source's text, as JSON."""
    return _notebook(text, name, solutions=True)


def generate(source, folder) -> list[Path]:
    """Write the notebooks of every source in `source` to `folder` and `folder`/solutions; return their paths."""
    written, folder = [], Path(folder)
    (folder / "solutions").mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(source).glob("[0-9][0-9]_*.py")):
        text = path.read_text(encoding="utf-8")
        for make, place in ((student, folder), (solution, folder / "solutions")):
            written.append(place / f"{path.stem}.ipynb")
            files.write_text(written[-1], make(text, path.stem))
    return written


def _notebook(text, name, solutions):
    import jupytext

    cells = []
    for number, cell in enumerate(jupytext.reads(text, fmt="py:percent").cells):
        source = cell.source if solutions or cell.cell_type != "code" else without_solution(cell.source)
        identity = hashlib.sha256(f"{name}/{number}/{cell.source}".encode()).hexdigest()[:12]
        made = {"cell_type": cell.cell_type, "id": identity, "metadata": {}, "source": source.splitlines(keepends=True)}
        if cell.cell_type == "code":
            made |= {"execution_count": None, "outputs": []}
        cells.append(made)
    notebook = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, sort_keys=True) + "\n"


def without_solution(source: str) -> str:
    """Return a code cell with every solution replaced by what a student starts from."""
    lines, kept, inside = source.splitlines(), [], None
    exercise = _NUMBER.search(source)
    for number, line in enumerate(lines, 1):
        if line.strip() == BEGIN:
            if inside is not None:
                raise ValueError(f"line {number}: {BEGIN} inside a solution")
            inside = []
        elif line.strip() == END:
            if inside is None:
                raise ValueError(f"line {number}: {END} without {BEGIN}")
            kept += _stub(inside, exercise.group(1) if exercise else None)
            inside = None
        elif inside is None:
            kept.append(line)
        else:
            inside.append(line)
    if inside is not None:
        raise ValueError(f"{BEGIN} without {END}")
    return "\n".join(kept)


def _stub(solution, exercise):
    first = next((line for line in solution if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    assigned = _ASSIGNED.match(first)
    if not indent and assigned:
        return [f"{assigned.group(1)} = ...  # your answer"]
    which = f"exercise {exercise}: " if exercise else ""
    return [f'{indent}raise NotImplementedError("{which}write this")']
