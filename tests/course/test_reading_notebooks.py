"""Notebooks of every version and encoding, and Python files exported by tools, give the same cells."""

import json

import pytest

from minigooglenet.course import reading

SOURCES = ["import numpy as np", "x = 3\ny = 'caf\u00e9'"]


def version_4(sources):
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": []} for source in sources]
    return {"cells": [{"cell_type": "markdown", "source": "hello"}, *cells], "nbformat": 4}


def version_3(sources):
    cells = [{"cell_type": "code", "input": source, "language": "python", "outputs": []} for source in sources]
    return {"worksheets": [{"cells": cells[:1]}, {"cells": cells[1:]}], "nbformat": 3}


@pytest.mark.parametrize("version", [version_3, version_4])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.ipynb", "A.IPYNB", "a.ipynb.txt", "a.json"])
def test_notebook_gives_its_code_cells(tmp_path, version, encoding, name):
    path = tmp_path / name
    path.write_bytes(json.dumps(version(SOURCES), ensure_ascii=False).encode(encoding))
    assert reading.read(path) == SOURCES


def test_large_outputs_are_ignored(tmp_path):
    made = version_4(SOURCES)
    made["cells"][1]["outputs"] = [{"output_type": "stream", "text": "x" * (60 << 20)}]
    (tmp_path / "a.ipynb").write_text(json.dumps(made), encoding="utf-8")
    assert reading.read(tmp_path / "a.ipynb") == SOURCES


@pytest.mark.parametrize(
    ("limit", "name", "content"),
    [
        ("MOST_BYTES", "a.ipynb", json.dumps(version_4(SOURCES))),
        ("MOST_VALUES", "a.ipynb", json.dumps(version_4(SOURCES))),
        ("MOST_SOURCE", "a.py", "x = 1\n" * 9),
    ],
)
def test_file_above_a_limit_raises_with_the_limit(tmp_path, monkeypatch, limit, name, content):
    monkeypatch.setattr(reading, limit, 5)
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"\b5\b"):
        reading.read(tmp_path / name)


def _in(language, *sources):
    cells = [{"cell_type": "code", "source": source} for source in sources]
    return json.dumps({"cells": cells, "metadata": language})


@pytest.mark.parametrize("about", [{"kernelspec": {"language": "R"}}, {"language_info": {"name": "R"}}])
def test_notebook_in_another_language_raises(about):
    with pytest.raises(ValueError, match="this notebook is in R; expected Python"):
        reading.notebook(_in(about, "x <- 1", "f <- function(x) x + 1"))


@pytest.mark.parametrize(
    "about", [{"kernelspec": {"language": "sage"}}, {"kernelspec": None}, None, [], {"language_info": 3}]
)
def test_python_is_read_despite_wrong_language_metadata(about):
    assert reading.notebook(_in(about, "x = 1", "y = (", "z = 3")) == ["x = 1", "y = (", "z = 3"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "the file is empty"),
        (b"\xff\xfe\x00", "not valid"),
        (b'{"cells": [{"cell_type": "code"}]}', "it has no list of cells"),
        (b'{"metadata": {}, "cells": null}', "it has no list of cells"),
        (b'{"cells": [1, 2]}', "it has no list of cells"),
        (b"\x80PDF", "not valid UTF-8"),
        (b"%PDF-1.7\n%\xe2\xe3", "not a notebook: it is a PDF"),
        (b"PK\3\4\x14\0", "not a notebook: it is a .zip archive"),
        (b"\n<!DOCTYPE html>\n<html>", "not a notebook: it is a web page"),
        (b"\x89PNG\r\n\x1a\n", "not a notebook: it is an image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d", "it is a Git LFS pointer"),
        (b"\0" * 5000, "it contains only zero bytes"),
        (b'{\n<<<<<<< HEAD\n"cells": []\n=======\n"cells": [1]\n>>>>>>> b\n}', "merge conflict, from line 2"),
        (b"<<<<<<< HEAD\n{}", "merge conflict, from line 1"),
        (b'{\n"cells": [\n{"cell_type": "co', "it is truncated in line 3"),
        (b'{\n"cells": [', "it is truncated in line 2"),
        (b'{"cells": [],\n"metadata": oops}', "Expecting value: line 2"),
    ],
)
def test_broken_notebook_raises_one_sentence(tmp_path, content, expected):
    (tmp_path / "a.ipynb").write_bytes(content)
    with pytest.raises(ValueError, match=expected) as caught:
        reading.read(tmp_path / "a.ipynb")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("head", "encoding"),
    [("", "utf-8"), ("", "utf-8-sig"), ("", "utf-16"), ("# -*- coding: latin-1 -*-\n", "latin-1")],
)
def test_python_file_is_read_in_its_encoding(tmp_path, head, encoding):
    (tmp_path / "a.py").write_bytes(f"{head}x = 'caf\u00e9'\r\n".encode(encoding))
    assert [cell.replace("\n", "") for cell in reading.read(tmp_path / "a.py")][-1].endswith("x = 'caf\u00e9'")


EXPORTED = """#!/usr/bin/env python
# coding: utf-8

# In[1]:


x = 1


# # Title

# In[ ]:


%time y = 2


y
"""
LIGHT = """# ---
# jupyter:
#   jupytext:
#     format_name: light
# ---

# # Title

x = 1

# +
y = 2

y
# -

z = 3
"""
PERCENT = """# %% [markdown]
# # Title

# %%
x = 1

# %% a name
%%time
y = 2

y

#%%
z = 3
"""
PLAIN = """import os
x = 1


@staticmethod
def f():
    a = 1

    return a

y = 2
"""
FORMS = {
    "nbconvert": (EXPORTED, ["x = 1", "%time y = 2"]),
    "light": (LIGHT, ["x = 1", "y = 2", "y", "z = 3"]),
    "percent": (PERCENT, ["x = 1", "%%time", "z = 3"]),
    "plain": (PLAIN, ["import os", "@staticmethod", "y = 2"]),
    "a marker in a text": ('t = """\n# %%\n"""\n\nx = 1\n', ['t = """', "x = 1"]),
    "a comment like a marker": ("def f():\n    a = 1\n# - then\n    return a\n", ["def f():"]),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_python_file_gives_cells_with_line_numbers(text, expected):
    lines = text.split("\n")
    for cell in reading.python_file(text):
        for number, line in enumerate(cell.split("\n")):
            assert line in ("", lines[number])
    first = [next(line for line in cell.split("\n") if line and not line.startswith("#")) for cell in _code(text)]
    assert first == expected


def _code(text):
    """Return the cells that are not only comments."""
    cells = reading.python_file(text)
    return [cell for cell in cells if any(line and not line.startswith("#") for line in cell.split("\n"))]


def test_thousands_of_cells_stay_within_the_padding_limit():
    text = "# %%\nx = 1\n" * 20_000
    assert sum(map(len, reading.python_file(text))) <= len(text) + reading.MOST_PADDING
