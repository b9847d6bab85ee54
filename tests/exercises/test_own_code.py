"""A message shows the last line of the student's own code, not a line of NumPy or of this package."""

import functools
import linecache
import sys

import numpy as np
import pytest

from minigooglenet.exercises import check
from minigooglenet.exercises.own_code import where

CELL = "def conv_db(dout):\n    parts = [0]\n    return np.einsum('nkij,k->k', dout, np.ones(99))\n"


def _error(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        return error
    raise AssertionError("it did not raise")


def _defined(source, filename, name="conv_db", known=True):
    """Return a function defined by source text, as in a notebook or a file."""
    if known:
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    names = {"np": np}
    exec(compile(source, filename, "exec"), names)
    return names[name]


@pytest.mark.parametrize(
    "filename",
    ["<ipython-input-3-0123456789ab>", "/tmp/ipykernel_12/345.py", "cell 3", "/home/me/minigooglenet/mine.py"],
)
def test_error_inside_numpy_shows_the_students_line(filename):
    what = check("03.1", _defined(CELL, filename)).what
    assert what.endswith("in your line 3: return np.einsum('nkij,k->k', dout, np.ones(99))")


@pytest.mark.parametrize("call", ["np.pad(dout, -1)", "np.tensordot(dout, np.ones(5))", "np.einsum('ab', dout)"])
def test_error_of_any_numpy_function_shows_the_students_line(call):
    function = _defined(f"def conv_db(dout):\n    return {call}\n", "<ipython-input-4-0>")
    assert f"in your line 2: return {call}" in check("03.1", function).what


def test_error_in_executed_text_shows_its_line():
    function = _defined("def conv_db(dout):\n\n    return dout / dout.nothing\n", "<string>", known=False)
    assert check("03.1", function).what.endswith("has no attribute 'nothing', in your line 3")


def test_error_in_a_lambda_or_partial_shows_its_line():
    assert "in your line" in check("03.1", lambda dout: np.einsum("ab", dout)).what
    assert "in your line" in check("03.1", functools.partial(lambda dout: np.pad(dout, -1))).what


def test_error_in_this_package_shows_the_call():
    from minigooglenet.kernels import conv2d

    what = check("03.1", lambda dout: conv2d.forward(dout, np.ones((1, 99, 1, 1)))).what
    assert "in your line" in what
    assert "conv2d.forward(dout, np.ones((1, 99, 1, 1)))" in what


def test_error_in_students_module_names_the_file(tmp_path, monkeypatch):
    (tmp_path / "my_helper.py").write_text("def total(values):\n    return values.nothing\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import my_helper

    monkeypatch.delitem(sys.modules, "my_helper")
    function = _defined("def conv_db(dout):\n    return helper.total(dout)\n", "cell 1")
    function.__globals__["helper"] = my_helper
    assert "in your line 2 of my_helper.py: return values.nothing" in check("03.1", function).what


@pytest.mark.parametrize("other", ["/tmp/ipykernel_12/678.py", r"C:\Temp\ipykernel_12\678.py", "<ipython-input-5-0>"])
def test_error_in_earlier_cell_names_the_function(other):
    total = _defined("def total(values):\n    return values.nothing\n", other, "total")
    function = _defined("def conv_db(dout):\n    return total(dout)\n", "/tmp/ipykernel_12/345.py")
    function.__globals__["total"] = total
    assert "in your line 2 of total: return values.nothing" in check("03.1", function).what


def test_error_in_installed_module_shows_students_line(tmp_path):
    folder = tmp_path / "lib" / "site-packages" / "my_tools"
    folder.mkdir(parents=True)
    source = "import numpy as np\ndef total(dout):\n    return np.einsum('ab', dout)\n"
    (folder / "__init__.py").write_text(source, encoding="utf-8")
    total = _defined(source, str(folder / "__init__.py"), "total")
    assert "in your line 3: return np.einsum('ab', dout)" in check("03.1", total).what
    function = _defined("def conv_db(dout):\n    return total(dout)\n", "cell 2")
    function.__globals__["total"] = total
    assert "in your line 2: return total(dout)" in check("03.1", function).what


def test_error_without_own_code_shows_no_line():
    assert where(_error(np.einsum, "ab", np.ones(3))).startswith(", in your line")  # this file calls it
    assert "in your line" not in check("03.1", functools.partial(np.einsum, "ab")).what
    assert where(ValueError("never raised")) == ""
