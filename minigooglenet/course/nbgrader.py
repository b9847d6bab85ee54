"""The lessons for nbgrader: notebooks that its `generate_assignment` and `autograde` take as they are.

What students write is a solution cell. After the last check of each exercise comes a locked cell whose value is the
number of points: a cell that stops would keep a student's notebook from running to its end, and nbgrader reads a
number as well as an assert.
"""

import ast
import json

from minigooglenet.course import notebooks
from minigooglenet.exercises.find import everything

CONFIG = '''"""What nbgrader needs to know about these notebooks. Add your course's own settings below."""

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
    """Return {path below the course's folder: text} of every lesson that has exercises, and of nbgrader's settings.

    edit, more : as of `notebooks.both`
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
    """Return a notebook with solutions, with nbgrader's metadata and a locked cell for the points of each exercise."""
    cells = [part for cell in notebook["cells"] for part in _parts(cell)]
    last = {number: place for place, cell in enumerate(cells) for number, _ in _calls(cell)}
    made = []
    for place, cell in enumerate(cells):
        if _has_solution(cell):
            cell["metadata"] |= _metadata(f"answer-{cell['id']}", solution=True)
        made.append(cell)
        for number, call in _calls(cell):
            if last[number] == place:
                made.append(_points(cell, number, call))
    return {**notebook, "cells": made}


def _parts(cell):
    """Return a cell, or two if a check follows the solution in the same cell."""
    text = "".join(cell["source"])
    answer, end, rest = text.rpartition(notebooks.END)
    after = {**cell, "id": f"{cell['id']}c", "source": rest.strip(), "metadata": {}}
    if cell["cell_type"] != "code" or not end or not _calls(after):
        return [{**cell, "source": text}]
    return [{**cell, "source": answer + end}, after]


def _has_solution(cell):
    return cell["cell_type"] == "code" and notebooks.BEGIN in cell["source"]


def _calls(cell):
    """Return [(exercise, source of the call)] of the checks and answers in a cell."""
    if cell["cell_type"] != "code":
        return []
    found, known = {}, everything()
    for node in ast.walk(ast.parse(cell["source"])):
        match node:
            case ast.Call(ast.Name("check" | "answer"), [ast.Constant(str(number)), _, *_]) if number in known:
                found[number] = ast.get_source_segment(cell["source"], node)
    return list(found.items())


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
