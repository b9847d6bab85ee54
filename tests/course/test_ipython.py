"""Cells with IPython syntax give the same values as in Jupyter: with IPython installed, and nearly all without it."""

import sys

import pytest

from minigooglenet.course import cells, ipython

HELPER = "def f(x):\n    return 2 * x\n"
CELLS = {
    "a magic next to a question": ("%matplotlib inline\nx = 3  # is this right?", 3),
    "a help line": ("len?\nx = 3", 3),
    "a help line with two marks": ("?len\nx = 3\nf??", 3),
    "the lines of a command": ("files = !echo one\nx = files[0]", "one"),
    "a command with a variable": ("name = 'two'\nx = (files := None) or 1\n!echo {name}\nx = 3", 3),
    "a command that installs": ("!pip install nothing\n%pip install nothing\nx = 3", 3),
    "a timing that is bound": (
        "t = %timeit -o -n1 -r1 sum(range(10))\nx = t.average >= 0 and t.best == t.timings[0]",
        True,
    ),
    "a timing of a cell": ("%%time\nx = 3  # really?\n", 3),
    "a timing inside a capture": ("%%capture out\n%%time\nx = 3\nout.show()", 3),
    "a timed statement": ("%time x = f(1)", 2),
    "a timed expression": ("x = %time f(2)", 4),
    "a statement timed in a block": ("if True:\n    %time x = f(1)", 2),
    "await": ("import asyncio\nasync def later():\n    return 3\nx = await later()", 3),
    "await in a loop": (
        "x = 0\nasync def all():\n    yield 1\n    yield 2\nasync for each in all():\n    x += each",
        3,
    ),
    "a written module": ("%%writefile written_module.py\nx = 3\n", None),
    "a shell cell": ("%%bash\nx=4\n", None),
    "JavaScript": ("%%javascript\nlet x = 4;\n", None),
    "a magic without its mark": ("pip install nothing", None),
    "a variable with a magic's name": ("ls = 3\nx = ls", 3),
    "a magic inside a text": ('x = """\n%time\n!ls\nlen?\n"""', "\n%time\n!ls\nlen?\n"),
    "a remainder on its own line": ("x = (7\n%4)", 3),
    "a continued line": ("files = !echo one \\\n  two\nx = files[0].split()[-1]", "two"),
    "a call as nbconvert writes it": ("get_ipython().run_line_magic('matplotlib', 'inline')\nx = 3", 3),
    "a cell magic as nbconvert writes it": ("get_ipython().run_cell_magic('time', '', 'x = 3\\n')", 3),
    "a timed statement as nbconvert writes it": ("get_ipython().run_line_magic('time', 'x = 3')", 3),
    "output as nbconvert writes it": ("x = get_ipython().getoutput('echo one')[0]", "one"),
    "display": ("display(3)\nx = 3", 3),
    "events": ("get_ipython().events.register('x', print)\nx = 3", 3),
    "settings": ("%config InlineBackend.figure_format = 'svg'\nget_ipython().config.a.b = 1\nx = 3", 3),
    "indented code": ("    x = 3\n    y = 4", 3),
}
ONLY_IPYTHON = {"a call with a slash": ("/f 2\nx = 3", 3), "pasted prompts": (">>> x = 3\n>>> y = 4", 3)}


def value(source, folder, monkeypatch):
    monkeypatch.chdir(folder)
    ipython.python.cache_clear()
    notes = cells.run([HELPER, source])
    assert notes.stopped == {}
    return notes.namespace.get("x")


@pytest.mark.parametrize(("source", "expected"), [*CELLS.values(), *ONLY_IPYTHON.values()], ids=[*CELLS, *ONLY_IPYTHON])
def test_cell_gives_the_same_value_as_jupyter(source, expected, tmp_path, monkeypatch):
    pytest.importorskip("IPython")
    assert value(source, tmp_path, monkeypatch) == expected


@pytest.mark.parametrize(("source", "expected"), CELLS.values(), ids=CELLS)
def test_cell_gives_the_same_value_without_ipython(source, expected, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.core.inputtransformer2", None)
    assert value(source, tmp_path, monkeypatch) == expected


def test_written_module_can_be_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    sources = [
        "%%writefile written_here.py\ndef g():\n    return 3\n",
        "from written_here import g\nfrom minigooglenet.exercises import check",
        "check('03.1', g)",
    ]
    assert cells.needed(sources) == [0, 1, 2]
    assert cells.run(sources).checked["03.1"]() == 3
    monkeypatch.delitem(sys.modules, "written_here")


@pytest.mark.parametrize("source", ["def f(:\n    pass\n%time f", "x = = 3", "f(x)?", "\0", "(" * 10_000])
def test_invalid_cell_stays_invalid(source):
    assert not ipython.valid(ipython.python(source))
    assert cells.syntax_error(source)


def test_lines_keep_their_numbers():
    made = ipython.python("\n\n\n%%time\n%matplotlib inline\n\nx = 3")
    assert made.split("\n").index("x = 3") == 6


def test_future_import_holds_for_later_cells():
    notes = cells.run(["from __future__ import annotations", "def f(x: nowhere): return 3", "x = f(1)"])
    assert notes.stopped == {}


def test_listing_the_exercises_does_not_stop_a_cell():
    notes = cells.run(["from minigooglenet.exercises import check, hint\ncheck()\nhint()", "x = 1"])
    assert notes.stopped == {}
    assert notes.checked == {}
