"""Notebooks from sources: reproducible bytes, no traces of solutions, and errors that name the cell."""

import json
from pathlib import Path

import pytest

from minigooglenet.course import handout, notebooks

LESSONS = Path(__file__).parents[2] / "lessons"
SOURCES = handout.sources()
SOURCE = """# %% [markdown]
# # 98 A lesson

# %%
def f(x):
    \"\"\"Return x plus one.\"\"\"  # exercise 98.1
    ### BEGIN SOLUTION
    return x + 1
    ### END SOLUTION

# %%
# exercise 98.2
### BEGIN SOLUTION
(a, b), c = (1, 2), 3
answer = sum(d for d in (a, b, c))


def g(x, y=1):
    return x
### END SOLUTION
print(answer)
"""


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
@pytest.mark.parametrize("folder", ["", "solutions"])
def test_notebooks_in_the_repository_match_their_sources(source, folder):
    made = notebooks.both(source.parent)[f"{folder}/{source.stem}.ipynb".lstrip("/")]
    kept = (LESSONS / folder / f"{source.stem}.ipynb").read_text(encoding="utf-8")
    assert kept == made, "generate the notebooks again: minigooglenet.course.notebooks.generate"


def test_every_notebook_has_a_source():
    names = {path.stem for path in SOURCES}
    assert {path.stem for path in LESSONS.glob("*.ipynb")} == names
    assert {path.stem for path in LESSONS.glob("solutions/*.ipynb")} == names


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_student_notebook_has_no_solutions_and_no_outputs(source):
    text = notebooks.student(source.read_text(encoding="utf-8"), source.stem)
    cells = json.loads(text)["cells"]
    prose = "".join(line for cell in cells if cell["cell_type"] == "markdown" for line in [*cell["source"], "\n"])
    assert source.read_text(encoding="utf-8").isascii()
    assert [line[:4] for line in prose.splitlines() if line.startswith("# ")] == [f"# {source.stem[:2]}"]
    assert "SOLUTION" not in text
    assert "solution_function" not in text
    assert not any(cell.get("outputs") for cell in cells)


def _code(text):
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]


def test_solutions_become_stubs_and_placeholders():
    first, second = _code(notebooks.student(SOURCE, "98_a"))
    assert first.endswith('    raise NotImplementedError("exercise 98.1: write this")')
    assert second.splitlines() == [
        "# exercise 98.2",
        *(f"{name} = ...  # your answer" for name in ("a", "b", "c", "answer")),
        "",
        "",
        "def g(x, y=1):",
        '    raise NotImplementedError("exercise 98.2: write this")',
        "print(answer)",
    ]


def test_cell_after_a_prediction_loses_its_asserts():
    cell = 'values = [\n    1,\n]\noutcome("98.a", len(values))\nassert len(values) == 1\nassert (\n    values\n)\n'
    assert notebooks.without_solution(cell) == 'values = [\n    1,\n]\noutcome("98.a", len(values))'
    text = f"{SOURCE}\n# %%\n{cell}"
    assert "assert len(values) == 1" in notebooks.solution(text, "98_a")
    assert notebooks.without_solution("assert values") == "assert values"
    assert notebooks.without_solution('%time outcome("98.a", 1)') == '%time outcome("98.a", 1)'


def test_solution_notebook_keeps_solutions():
    first, _ = _code(notebooks.solution(SOURCE, "98_a"))
    assert "return x + 1" in first


def test_equal_sources_give_equal_bytes_and_unique_ids():
    text = notebooks.student(SOURCE, "98_a")
    assert text == notebooks.student(SOURCE, "98_a")
    ids = [cell["id"] for cell in json.loads(text)["cells"]]
    assert len(set(ids)) == len(ids) == 3
    assert not set(ids) & {cell["id"] for cell in json.loads(notebooks.student(SOURCE, "97_a"))["cells"]}


def test_notebook_is_valid_for_jupyter():
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.reads(notebooks.student(SOURCE, "98_a"), as_version=4))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("### BEGIN SOLUTION\nx = 1\n", "98_a, cell 1: ### BEGIN SOLUTION without ### END SOLUTION"),
        ("x = 1\n### END SOLUTION\n", "98_a, cell 1: line 2: ### END SOLUTION without"),
        (
            "### BEGIN SOLUTION\nx = 1\n### BEGIN SOLUTION\n### END SOLUTION\n",
            "98_a, cell 1: line 3: ### BEGIN SOLUTION inside a solution",
        ),
    ],
)
def test_unpaired_markers_raise_with_their_cell(cell, message):
    with pytest.raises(ValueError, match=message):
        notebooks.student(f"# %%\n{cell}", "98_a")


def test_colab_link_needs_a_repository_in_pyproject(tmp_path):
    source = tmp_path / "lessons" / "src"
    source.mkdir(parents=True)
    (source / "98_a.py").write_text(SOURCE, encoding="utf-8")
    project = '[project]\nname = "minigooglenet"\n[project.urls]\nRepository = "https://github.com/someone/a-net.git"\n'
    assert "colab" not in notebooks.both(source)["98_a.ipynb"]
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    made = notebooks.both(source)
    assert "research.google.com/github/someone/a-net/blob/main/lessons/98_a.ipynb" in made["98_a.ipynb"]
    assert "blob/main/lessons/solutions/98_a.ipynb" in made["solutions/98_a.ipynb"]


def test_each_of_several_functions_becomes_a_stub():
    cell = f"{notebooks.BEGIN}\ndef f(x):\n    return x\n\n\ndef g(x):\n    return 2 * x\n{notebooks.END}\n"
    names = {}
    exec(notebooks.without_solution(cell), names)
    for name in "fg":
        with pytest.raises(NotImplementedError, match="write this"):
            names[name](1)


def test_folder_without_sources_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="contains no lesson sources"):
        notebooks.generate(tmp_path, tmp_path)
