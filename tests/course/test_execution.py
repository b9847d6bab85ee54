"""Every lesson runs from a clean kernel: with solutions all checks pass, without them it runs to its end all the same.

MINIGOOGLENET_FAST shortens training, and the notebooks say so. Each runs in an empty folder, as a student's does.
"""

import json

import pytest
from numeric import needs_numba

from minigooglenet.course import handout, notebooks
from minigooglenet.exercises.find import everything

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

SOURCES = [
    pytest.param(path, id=path.stem, marks=needs_numba if path.stem == "13_fast" else ()) for path in handout.sources()
]
SECONDS = 600
NOTING = """
import minigooglenet.exercises as _exercises

_results = []

def _noting(function):
    def noted(number, *given, **more):
        result = function(number, *given, **more)
        _results.append((str(number), result.status, str(result)))
        return result
    return noted

_exercises.check, _exercises.answer = _noting(_exercises.check), _noting(_exercises.answer)
"""
TELLING = "import json\nprint(json.dumps(_results))"


@pytest.fixture
def executed(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGOOGLENET_FAST", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    (tmp_path / "work").mkdir()

    def execute(text):
        """Run a notebook; return {number: [(status, text), ...]} of its checks."""
        notebook = nbformat.reads(text, as_version=4)
        first, last = nbformat.v4.new_code_cell(NOTING), nbformat.v4.new_code_cell(TELLING)
        notebook.cells = [first, *notebook.cells, last]
        place = {"metadata": {"path": str(tmp_path / "work")}}
        nbclient.NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", resources=place).execute()
        results = {}
        for number, status, told in json.loads("".join(each["text"] for each in last.outputs)):
            results.setdefault(number, []).append((status, told))
        return results

    return execute


def _exercises(source):
    return {number for number in everything() if number.startswith(source.stem[:2])}


@pytest.mark.filterwarnings("ignore")  # what a kernel's libraries warn of is not ours
@pytest.mark.parametrize("source", SOURCES)
def test_with_solutions_every_check_passes(source, executed):
    results = executed(notebooks.solution(source.read_text(encoding="utf-8"), source.stem))
    assert set(results) >= _exercises(source), "an exercise that the lesson never checks"
    failed = [told[-1] for told in results.values() if "passed" not in [status for status, _ in told]]
    assert not failed, "\n".join(told for _, told in failed)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("source", SOURCES)
def test_without_solutions_it_runs_to_its_end_and_nothing_has_passed(source, executed):
    results = executed(notebooks.student(source.read_text(encoding="utf-8"), source.stem))
    assert set(results) >= _exercises(source)
    assert [told for results in results.values() for status, told in results if status == "passed"] == []
