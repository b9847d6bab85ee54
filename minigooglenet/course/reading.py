"""A student's file as code cells: notebooks of any version, and Python files in the forms that tools export.

The bytes decide, not only the name: a notebook saved as `ada.ipynb.txt` is a notebook. Outputs are ignored.
"""

import ast
import contextlib
import json
import re
from pathlib import Path

from minigooglenet.course import safe_open, source_text
from minigooglenet.course.ipython import valid

MOST_BYTES = 200 << 20  # of a notebook: outputs make it large
MOST_VALUES = 10_000_000  # in it, which bounds the memory that reading takes
MOST_SOURCE = 1 << 19  # letters of code: a lesson has 30,000
MOST_PADDING = 8 << 20  # empty lines that keep the line numbers of its cells, in total
_MARKER = re.compile(r"^# ?(?:%%(?=\s|$).*|In\[[\d ]*\]:[^\S\n]*|<codecell>.*|\+(?:[^\S\n].*)?|-)$", re.MULTILINE)
_LIGHT = re.compile(r"^#\s+format_name: light$|^# [+-]$", re.MULTILINE)
_TEXT_CELL = re.compile(r"# ?%%.*\[(?:markdown|md|raw)\]")


def read(path, follow=True) -> list[str]:
    """Return the code cells of a notebook or of a Python file; only a regular file, and of limited size, is opened.

    follow : whether a link is followed, for a file that its owner names

    Cells keep their lines' numbers in a Python file: each begins with as many empty lines as stand before it.
    """
    path = Path(path)
    try:
        data = safe_open.read(path, MOST_BYTES, follow)
    except safe_open.TooLargeError as error:
        advice = "Clear the outputs (Kernel, Restart and clear outputs), save it and hand it in again."
        raise ValueError(f"{error}. {advice}") from None
    text = decoded(data, path.name)
    del data
    is_notebook = path.suffix.lower() == ".ipynb" or looks_like_notebook(text)
    sources = notebook(text) if is_notebook else [text]
    if (letters := sum(map(len, sources))) > MOST_SOURCE:
        raise ValueError(f"{path.name} has {letters:,} letters of code; at most {MOST_SOURCE:,} are read")
    return sources if is_notebook else python_file(text)


def decoded(data: bytes, name: str) -> str:
    """Return the text of a file: JSON in any Unicode encoding, anything else as Python reads it."""
    if b"\0" in data[:4] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(json.detect_encoding(data))
    return source_text.decode(data, name)


def looks_like_notebook(text: str) -> bool:
    """Return whether text is a notebook's JSON, whatever its file is called."""
    return text[:200].lstrip().startswith("{") and ('"cells"' in text or '"worksheets"' in text)


def notebook(text: str) -> list[str]:
    """Return the code cells of a notebook's JSON, or say what is wrong with it."""
    if text.count(",") > MOST_VALUES:
        raise ValueError(f"this notebook has more than {MOST_VALUES:,} values; clear its outputs and hand it in again")
    try:
        made = json.loads(text)
        if "cells" not in made and "worksheets" in made:  # before version 4
            made = {"cells": [cell for sheet in made["worksheets"] for cell in sheet["cells"]]}
        return [_source(cell) for cell in made["cells"] if cell["cell_type"] == "code"]
    except RecursionError:
        raise ValueError("this is no notebook: it is nested without end") from None
    except (ValueError, KeyError, TypeError) as error:
        told = str(error) if isinstance(error, json.JSONDecodeError) else "it has no list of cells with a source each"
        told = "the file is empty" if not text.strip() else told
        raise ValueError(f"this is no notebook: {told[:200]}") from None


def _source(cell):
    source = cell["source"] if "source" in cell else cell["input"]
    return source if isinstance(source, str) else "".join(source)


def python_file(text: str) -> list[str]:
    """Return the cells of Python source: between markers (percent, nbconvert, light), or blocks between empty lines."""
    marks = list(_MARKER.finditer(text))
    cells = [(0, text[: marks[0].start()] if marks else text)]
    for mark, end in zip(marks, [*(mark.start() for mark in marks[1:]), len(text)], strict=False):
        if not _TEXT_CELL.match(mark[0]):
            cells.append((text.count("\n", 0, mark.end()), text[mark.end() : end]))  # the marker's line stays empty
    whole = valid(text)
    if whole and (not marks or _LIGHT.search(text) or not all(valid(cell) for _, cell in cells)):
        cells = _blocks(text)
    if len(cells) * text.count("\n") > MOST_PADDING:
        return [text]
    return ["\n" * above + cell for above, cell in cells if cell.strip()]


def _blocks(text):
    """Return [(lines above it, block)] of valid source: statements that no empty line separates."""
    lines, starts, end = text.split("\n"), [0], None
    for statement in ast.parse(text).body:
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
        if end is not None and not all(line.strip() for line in lines[end : first - 1]):
            starts.append(end)
        end = statement.end_lineno
    return [(a, "\n".join(lines[a:b])) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
