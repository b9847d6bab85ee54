"""The pages that are made for the web site: the lessons with folded solutions and hints, and the API reference."""

import json
import re
from pathlib import Path

import pytest
from public_names import members

from minigooglenet.course import notebooks
from minigooglenet.exercises.find import everything

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(autouse=True)
def extensions(monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "_ext")


@pytest.fixture
def lessons(tmp_path):
    lesson_pages = pytest.importorskip("lesson_pages")
    lesson_pages.write(tmp_path, "someone/net")
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.ipynb")}


def _cells(notebook, kind):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


def test_every_lesson_links_to_its_notebook_and_colab(lessons):
    assert len(lessons) == 17
    for name, notebook in lessons.items():
        text = "".join(_cells(notebook, "markdown")[1]["source"])
        assert f"<../../lessons/{name}.ipynb>" in text
        assert f"https://colab.research.google.com/github/someone/net/blob/main/lessons/{name}.ipynb" in text


def test_solutions_are_hidden_and_have_no_markers(lessons):
    count = 0
    for notebook in lessons.values():
        for cell in _cells(notebook, "code"):
            source = "".join(cell["source"])
            assert notebooks.BEGIN not in source
            count += "hide-input" in cell["metadata"].get("tags", ())
    assert count > 50


def test_hints_of_an_exercise_are_folded(lessons):
    text = "\n".join("".join(cell["source"]) for cell in _cells(lessons["01_feature_map"], "markdown"))
    folded = re.findall(r":::\{dropdown\} Hints for ([\d.]+\w?)\n(.*?)\n:::", text, re.S)
    for number, hints in folded:
        assert all(hint in hints for hint in everything()[number].hints)
    assert "01.1" in dict(folded)


def test_api_pages_list_every_public_name(tmp_path):
    import api_pages

    api_pages.write(tmp_path)
    text = "\n".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("*.rst"))
    documented = set(re.findall(r"^\.\. auto(?:class|function):: minigooglenet\.(.*)$", text, re.M))
    assert {name.removeprefix("mg.") for name in members()} == documented
    index = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert all(f"({path.name})" in index for path in tmp_path.glob("*.rst"))
