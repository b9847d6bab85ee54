"""The lessons for nbgrader: notebooks for its `generate_assignment` and `autograde`.

Students write in solution cells. After the last check of each exercise follows a locked cell whose value is the number
of points. A number is used instead of an assert, because a failing assert would stop the student's notebook.
"""

import ast
import json

from minigooglenet.course import notebooks
from minigooglenet.exercises.find import everything

CONFIG = '''"""Configuration of nbgrader for these notebooks. Add the settings of your course below."""

from minigooglenet.course.notebooks import without_solution
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions


class Stubs(ClearSolutions):
    """Replaces solutions by stubs that let a notebook run to its end."""

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code":
            cell.source = without_solution(cell.source)
        return cell, resources


c = get_config()
c.CourseDirectory.course_id = "minigooglenet"
c.GenerateAssignment.preprocessors = [
    Stubs if each is ClearSolutions else each for each in GenerateAssignment.preprocessors.default_args[0]
]
c.ExecutePreprocessor.timeout = 300  # seconds for a cell: some train a network
'''


def course(source, edit=lambda stem, text: text, more=None) -> dict[str, str]:
    """Return {path in the course folder: text} for every lesson with exercises, and for nbgrader's configuration.

    edit, more : as for `notebooks.both`
    """
    made = {"nbgrader_config.py": CONFIG}
    for path, text in notebooks.both(source, edit, more).items():
        folder, _, name = path.rpartition("/")
        if folder == "solutions":
            notebook = graded(json.loads(text))
            if any("nbgrader" in cell["metadata"] for cell in notebook["cells"]):
                made[f"source/{name.removesuffix('.ipynb')}/{name}"] = json.dumps(notebook, indent=1) + "\n"
    return made


def graded(notebook: dict) -> dict:
    """Return a notebook with nbgrader's metadata and a locked cell for the points of each exercise."""
    cells = [part for cell in notebook["cells"] for part in _parts(cell)]
    last = {number: index for index, cell in enumerate(cells) for number, _ in _calls(cell)}
    made = []
    for index, cell in enumerate(cells):
        if _has_solution(cell):
            cell["metadata"] |= _metadata(f"answer-{cell['id']}", solution=True)
        made.append(cell)
        for number, call in _calls(cell):
            if last[number] == index:
                made.append(_points(cell, number, call))
    return {**notebook, "cells": made}


def _parts(cell):
    """Return a cell as a list, split in two if a check follows the solution in the same cell."""
    text = "".join(cell["source"])
    answer, end, rest = text.rpartition(notebooks.END)
    after = {**cell, "id": f"{cell['id']}c", "source": rest.strip(), "metadata": {}}
    if cell["cell_type"] != "code" or not end or not _calls(after):
        return [{**cell, "source": text}]
    return [{**cell, "source": answer + end}, after]


def _has_solution(cell):
    return cell["cell_type"] == "code" and notebooks.BEGIN in cell["source"]


def _calls(cell):
    """Return [(exercise, source of the call)] for the calls of `check` and `answer` in a cell."""
    if cell["cell_type"] != "code":
        return []
    calls, known = {}, everything()
    for node in ast.walk(ast.parse(cell["source"])):
        match node:
            case ast.Call(ast.Name("check" | "answer"), [ast.Constant(str(number)), _, *_]) if number in known:
                calls[number] = ast.get_source_segment(cell["source"], node)
    return list(calls.items())


def _points(cell, number, call):
    stars = everything()[number].difficulty
    metadata = _metadata(f"points-{number.replace('.', '-')}", grade=True, locked=True, points=stars)
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"{cell['id'][:12]}-{number.replace('.', '-')}",
        "metadata": metadata,
        "outputs": [],
        "source": f"{call}.points({stars})",
    }


def _metadata(grade_id, **settings):
    usual = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**usual, "grade_id": grade_id, **settings}}
