"""The check from the command line and under pytest gives the notebook's results for a .py file or a notebook."""

import json
import textwrap
from pathlib import Path

import pytest
from rich.console import Console

from minigooglenet import console
from minigooglenet.cli import main
from minigooglenet.course import cells, check_runner
from minigooglenet.exercises import check, hint
from minigooglenet.exercises.find import everything

pytest_plugins = ["pytester"]
RIGHT = "def conv_db(dout):\n    return dout.sum(axis=(0, 2, 3))\n"
WRONG = "def conv_db(dout):\n    return dout.mean(axis=0).sum(axis=(1, 2))\n"
STUB = 'def conv_db(dout):\n    raise NotImplementedError("exercise 03.1: write this")\n'


def _notebook(path, *sources):
    made = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    path.write_text(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("source", "code", "expected"),
    [(RIGHT, 0, "03.1: passed"), (WRONG, 1, "The mean belongs in the loss"), (STUB, 2, "03.1: not yet")],
)
def test_check_command_prints_result_and_returns_exit_code(tmp_path, capfd, source, code, expected):
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    assert main(["check", "03.1", str(tmp_path / "mine.py")]) == code
    assert expected in capfd.readouterr().out


def test_notebook_check_uses_the_arguments_of_its_checks(tmp_path):
    path = _notebook(
        tmp_path / "a.ipynb",
        "%pip install something\n!ls\nfrom minigooglenet.exercises import answer, ask, check",
        RIGHT.replace("conv_db", "mine"),
        "raise RuntimeError('an unrelated cell')",
        "check('03.1', mine)",
        "ask('03.5', 'ada')\nanswer('03.5', -1)",
    )
    assert check_runner.check("03.1", path).passed
    assert check_runner.check("03.5", path).status == "wrong"
    assert check_runner.check("03.1", path, "mine").passed


def test_missing_answer_gives_not_yet_with_a_reason(tmp_path):
    path = _notebook(tmp_path / "a.ipynb", "from minigooglenet.exercises import check", "check('03.1', conv_db)")
    result = check_runner.check("03.1", path)
    assert result.status == "not yet"
    assert "conv_db is not defined; cell 2 stopped with NameError" in result.what
    assert check_runner.check("03.5", path).status == "not yet"
    assert "other is not defined" in check_runner.check("03.1", path, "other").what


def test_missing_number_names_the_exception(tmp_path):
    (tmp_path / "mine.py").write_text('answer("03.5", 4)\n', encoding="utf-8")
    result = check_runner.check("03.5", tmp_path / "mine.py")
    assert result.status == "not yet"
    assert "answer('03.5', ...) was never called" in result.what
    assert "stopped with NameError: name 'answer' is not defined" in result.what


def test_exception_names_the_line_of_the_file(tmp_path):
    text = f"# %% [markdown]\n# words\n\n# %%\n{WRONG.replace('dout.mean', 'dout.men')}"
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    assert "in your line 6: return dout.men" in check_runner.check("03.1", tmp_path / "mine.py").what


FORMS = {
    "byte order mark": b"\xef\xbb\xbf" + RIGHT.encode(),
    "windows": b"\xef\xbb\xbf" + RIGHT.replace("\n", "\r\n").encode(),
    "utf-16": ("\ufeff" + RIGHT).encode("utf-16-le"),
    "coding line": b"# -*- coding: latin-1 -*-\n# caf\xe9\n" + RIGHT.encode(),
    "nbconvert": (
        "#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\n\nget_ipython().run_line_magic('matplotlib', 'inline')\n"
        f"get_ipython().system('ls')\n\n\n# In[2]:\n\n\n{RIGHT}"
    ).encode(),
    "magics": b"%matplotlib inline\n!ls\n" + RIGHT.encode(),
    "await": b"import asyncio\nawait asyncio.sleep(0)\n" + RIGHT.encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_python_files_of_all_forms_are_checked(tmp_path, form):
    (tmp_path / "mine.py").write_bytes(FORMS[form])
    result = check_runner.check("03.1", tmp_path / "mine.py")
    assert result.passed, str(result)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("mine.py", b"# caf\xe9\n" + RIGHT.encode(), "mine.py is not valid UTF-8: line 1 has the byte 0xe9"),
        ("mine.py", b"x = '\x00'\n" + RIGHT.encode(), "not valid Python"),
        ("mine.py", b"x = " + b"(" * 5000, "not valid Python"),
        ("mine.ipynb", b"{", "not a notebook"),
        ("mine.ipynb", b"", "not a notebook"),
        ("mine.ipynb", b'{"cells": "\xe9"}', "is not valid UTF-8"),
    ],
)
def test_unreadable_file_gives_one_sentence(tmp_path, capfd, name, data, words):
    (tmp_path / name).write_bytes(data)
    assert main(["check", "03.1", str(tmp_path / name)]) == 1
    out, err = capfd.readouterr()
    assert words in out
    assert "Traceback" not in out + err


def test_result_is_printed_on_an_ascii_console(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (tmp_path / "mine.py").write_text(RIGHT.replace("return", "raise ValueError('caf\u00e9') #"), encoding="utf-8")
    assert main(["check", "03.1", str(tmp_path / "mine.py")]) == 1
    assert "ValueError: caf\\xe9" in capfd.readouterr().out


@pytest.mark.parametrize("command", ["check", "hint"])
def test_exercises_are_listed_without_an_id_or_with_an_unknown_one(capsys, command):
    assert not main([command])
    listed = capsys.readouterr().out
    for number, exercise in everything().items():
        assert f"  {number:6} {exercise.title}" in listed
    assert main([command, "03.99", "x.py"][: 3 if command == "check" else 2]) == 1
    error = capsys.readouterr().err
    assert "unknown exercise '03.99'. Did you mean '03." in error
    assert "lesson 03: 03.1, 03.2, 03.3, 03.4, 03.5" in error
    function = {"check": check, "hint": hint}[command]
    assert str(function()) == repr(function()) == listed.rstrip("\n")
    with pytest.raises(ValueError, match=r"lesson 03: 03\.1, 03\.2"):
        function("03.99")


def test_check_without_an_answer_names_it(capsys):
    assert main(["check", "3.1"]) == 1
    assert "Pass the file with your answer: minigooglenet check 03.1 FILE" in capsys.readouterr().err
    assert "check('03.1', conv_db)" in check("3.1").what
    assert check("3.1").status == "not yet"


def test_endless_loop_is_ended(tmp_path, capfd):
    (tmp_path / "mine.py").write_text("while True:\n    conv_db = 1\n", encoding="utf-8")
    assert main(["check", "03.1", str(tmp_path / "mine.py"), "--timeout", "4"]) == check_runner.TOO_LONG
    assert "still running after 4 s" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["99.9", __file__], "unknown exercise '99.9'"),
        (["03.1", "nowhere.py"], "file nowhere.py does not exist"),
        (["03.1", str(Path(__file__).parent)], "is a folder. Pass a .py file or a notebook in it"),
    ],
)
def test_wrong_arguments_give_one_line(capsys, arguments, expected):
    assert main(["check", *arguments]) == 1
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["check"], ["hint"], ["hint", "03.1"]])
def test_lists_and_hints_fit_a_narrow_terminal(monkeypatch, capsys, arguments):
    monkeypatch.setattr(console, "stdout", lambda: Console(highlight=False, width=60))
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}', '{"cells": [{}]}', "[" * 100_000, "\x00"])
def test_other_json_is_rejected_as_a_notebook(text):
    with pytest.raises(ValueError, match="not a notebook"):
        cells.notebook(text)


def test_only_needed_cells_run():
    sources = [
        "import numpy as np",
        "slow = 1",
        "def helper(x):\n    return np.sum(x) + size",
        "size = 3",
        "table = {}\ntable['a'] = 1",
        "table.update(b=2)",
        "def f(x):\n    slow = 2\n    return helper(x) + table['a'] + slow",
        "other = slow",
        "not python",
        "check('03.1', f)",
    ]
    assert cells.needed(sources) == [0, 2, 3, 4, 5, 6, 9]
    assert cells.needed(sources, {"03.2"}, {"size"}) == [3]


def test_pytest_runs_the_same_checks_one_by_one(pytester):
    _notebook(
        pytester.path / "mine.ipynb",
        "from minigooglenet.exercises import answer, ask, check",
        RIGHT,
        "check('03.1', conv_db)",
        "answer('03.5', ...)",
        "check('03.2', lambda *all: None)",
    )
    pytester.makepyfile(
        textwrap.dedent("""
            from minigooglenet.course.testing import checks_of
            test_03 = checks_of("mine.ipynb")
        """)
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1, failed=1, skipped=1)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-m", "ex03_1").assert_outcomes(passed=1, deselected=2)


def test_syntax_error_is_named_instead_of_a_missing_answer(tmp_path):
    (tmp_path / "mine.py").write_text(RIGHT.replace("):", ")"), encoding="utf-8")
    result = check_runner.check("03.1", tmp_path / "mine.py")
    assert result.status == "wrong"
    assert "line 1 is not valid Python: expected ':': def conv_db(dout)" in result.what
    path = _notebook(tmp_path / "a.ipynb", "import numpy", RIGHT.replace("):", ")"))
    assert "line 1 of cell 2 is not valid Python" in check_runner.check("03.1", path).what


def test_check_command_points_to_hints_in_three_steps(tmp_path, capfd):
    (tmp_path / "mine.py").write_text(RIGHT.replace("sum", "max"), encoding="utf-8")
    assert main(["check", "03.1", str(tmp_path / "mine.py")]) == 1
    assert "minigooglenet hint 03.1 for one more step" in capfd.readouterr().out
    steps = []
    for step in ("1", "2", "3"):
        assert main(["hint", "3.1", "--step", step]) == 0
        steps.append(capfd.readouterr().out)
    assert len(set(steps)) == 3
    assert "More: minigooglenet hint 03.1 --step 2" in steps[0]
