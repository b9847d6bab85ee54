"""Every lesson runs in a new notebook kernel: with solutions all checks pass, without them it still runs to its end.

MINIGOOGLENET_FAST shortens training, as the notebooks state. Each notebook runs in an empty folder.
"""

import json
import os
import re
import secrets
import shutil

import pytest
from numeric import needs_numba

from minigooglenet.course import handout, notebooks
from minigooglenet.exercises.find import everything
from minigooglenet.lessons.lesson_03_gradients.wrong_backwards import KEPT

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

SOURCES = [
    pytest.param(path, id=path.stem, marks=needs_numba if path.stem == "13_fast" else ()) for path in handout.sources()
]
SECONDS = 600
RECORDING = """
import minigooglenet.exercises as _exercises

_results = []

def _recording(function):
    def recorded(number, *given, **more):
        result = function(number, *given, **more)
        _results.append((str(number), result.status, str(result)))
        return result
    return recorded

_exercises.check, _exercises.answer = _recording(_exercises.check), _recording(_exercises.answer)
"""
PRINTING = "import json\nprint(json.dumps(_results))"


@pytest.fixture
def executed(tmp_path, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("MINIGOOGLENET_FAST", "1")
    # For layers this small, waking a thread costs more than it saves, the more so while another worker runs too.
    monkeypatch.setenv("MINIGOOGLENET_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    work = tmp_path / "work"
    work.mkdir()
    # Lessons 03 to 05 train the same networks, and keep their accuracies in a file for each other.
    base = tmp_path_factory.getbasetemp()
    kept = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / KEPT  # of all workers of this run
    if kept.exists():
        shutil.copy(kept, work)

    def execute(source):
        """Run a notebook; return {number: [(status, text), ...]} of its checks."""
        notebook = nbformat.reads(source, as_version=4)
        first, last = nbformat.v4.new_code_cell(RECORDING), nbformat.v4.new_code_cell(PRINTING)
        notebook.cells = [first, *notebook.cells, last]
        resources = {"metadata": {"path": str(work)}}
        nbclient.NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=resources).execute()
        execute.cells = notebook.cells[1:-1]
        if (work / KEPT).exists():
            temporary = kept.with_name(f"{KEPT}.{secrets.token_hex(4)}")
            shutil.copy(work / KEPT, temporary)
            temporary.replace(kept)
        results = {}
        for number, status, text in json.loads("".join(output["text"] for output in last.outputs)):
            results.setdefault(number, []).append((status, text))
        return results

    return execute


def _exercises(source):
    return {number for number in everything() if number.startswith(source.stem[:2])}


def _output(cell):
    """Return the output of a cell, printed or displayed, as text."""
    outputs = cell.get("outputs", ())
    return "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)


def _spoiled(cells):
    """Return [(prediction, answer)] of the answers that a cell before them, other than the question, contains.

    Answers of fewer than four letters and digits are ignored, because [0, 0] appears everywhere. So are the words that
    a question offers for its answer.
    """
    questions, spoiled = {}, []
    for index, cell in enumerate(cells):
        questions |= dict.fromkeys(re.findall(r'predict\("(\d\d\.\w)"', cell.source), index - 1)
        for number, answer in re.findall(r"^(\d\d\.[a-z]): it is (.+?)\.(?=\s|$)", _output(cell), flags=re.M):
            answer = answer.strip("'")
            earlier = [other for position, other in enumerate(cells[:index]) if position != questions[number]]
            letters = sum(map(str.isalnum, answer))
            if answer.isalpha() and answer in cells[questions[number]].source:
                continue
            if letters > 3 and any(answer in text for other in earlier for text in (other.source, _output(other))):
                spoiled.append((number, answer))
    return spoiled


def test_answer_in_an_earlier_cell_is_detected():
    def cell(source, output=""):
        return nbformat.v4.new_code_cell(source, outputs=[nbformat.v4.new_output("stream", text=output)])

    prediction, outcome = cell('predict("98.a", ...)'), cell("outcome", "98.a: it is 2.925. So it is.\n")
    question = nbformat.v4.new_markdown_cell("Is it 2.925?")
    assert _spoiled([question, prediction, outcome]) == []
    choice = [nbformat.v4.new_markdown_cell("Guess: dogs or *cats*?"), cell('predict("98.b", ...)')]
    assert _spoiled([cell("cats = 2"), *choice, cell("outcome", "98.b: it is cats. So it is.\n")]) == []
    assert _spoiled([cell("cows = 2"), *choice, cell("outcome", "98.b: it is cows. So it is.\n")]) == [("98.b", "cows")]
    assert _spoiled([cell("x", "sum 2.925"), question, prediction, outcome]) == [("98.a", "2.925")]
    assert _spoiled([question, prediction, nbformat.v4.new_markdown_cell("It is 2.925"), outcome]) == [
        ("98.a", "2.925")
    ]


@pytest.mark.filterwarnings("ignore")  # warnings of a notebook kernel's libraries
@pytest.mark.parametrize("source", SOURCES)
def test_solution_notebook_passes_every_check(source, executed):
    results = executed(notebooks.solution(source.read_text(encoding="utf-8"), source.stem))
    assert set(results) >= _exercises(source), "the lesson does not check every exercise"
    failed = [checks[-1] for checks in results.values() if "passed" not in [status for status, _ in checks]]
    assert not failed, "\n".join(checks for _, checks in failed)
    assert _spoiled(executed.cells) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("source", SOURCES)
def test_student_notebook_runs_to_its_end_without_a_pass(source, executed):
    results = executed(notebooks.student(source.read_text(encoding="utf-8"), source.stem))
    assert set(results) >= _exercises(source)
    assert [text for results in results.values() for status, text in results if status == "passed"] == []
