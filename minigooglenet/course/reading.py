"""Reading of a student's file as code cells: notebooks of any version, and Python files as exported by common tools.

The contents decide, not only the name: a notebook saved as `ada.ipynb.txt` is a notebook. Outputs are ignored.
"""

import ast
import contextlib
import json
import re
from pathlib import Path

from minigooglenet.course import safe_open, source_text
from minigooglenet.course.ipython import valid

MOST_BYTES = 200 << 20  # in a notebook; outputs can be large
MOST_VALUES = 10_000_000  # in a notebook, to bound the memory for reading
MOST_SOURCE = 1 << 19  # characters of code; a lesson has 30,000
MOST_PADDING = 8 << 20  # empty lines in total that keep the line numbers of the cells
_MARKER = re.compile(r"^# ?(?:%%(?=\s|$).*|In\[[\d ]*\]:[^\S\n]*|<codecell>.*|\+(?:[^\S\n].*)?|-)$", re.MULTILINE)
_LIGHT = re.compile(r"^#\s+format_name: light$|^# [+-]$", re.MULTILINE)
_TEXT_CELL = re.compile(r"# ?%%.*\[(?:markdown|md|raw)\]")
_LANGUAGES = (("kernelspec", "language"), ("language_info", "name"))  # keys in the metadata
_CONFLICT = re.compile(r"^<{7}(?: |$)", re.MULTILINE)
# Other files under the name of a notebook, by their first bytes.
_INSTEAD = (
    (b"%PDF", "a PDF"),
    (b"PK\3\4", "a .zip archive or an office document"),
    (b"\x1f\x8b", "a .gz archive"),
    (b"Rar!", "a .rar archive"),
    (b"7z\xbc\xaf", "a .7z archive"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    *((sign, "a web page, perhaps one to sign in or to view the notebook") for sign in (b"<!", b"<html", b"<?xml")),
    (b"version https://git-lfs", "a Git LFS pointer, not the notebook itself"),
)


def read(path, follow=True) -> list[str]:
    """Return the code cells of a notebook or of a Python file, which must be a regular file of limited size.

    follow : whether to follow a link for a file that its owner names

    Cells of a Python file keep their line numbers: each begins with an empty line for every line before it.
    """
    path = Path(path)
    try:
        data = safe_open.read(path, MOST_BYTES, follow)
    except safe_open.TooLargeError as error:
        advice = "Clear the outputs (Kernel, Restart and Clear Outputs), save the notebook and hand it in again."
        raise ValueError(f"{error}. {advice}") from None
    if path.suffix.lower() == ".ipynb":
        _instead(data[:1000].lstrip())
    text = decoded(data, path.name)
    del data
    is_notebook = path.suffix.lower() == ".ipynb" or looks_like_notebook(text)
    sources = notebook(text) if is_notebook else [text]
    if (characters := sum(map(len, sources))) > MOST_SOURCE:
        raise ValueError(f"{path.name} has {characters:,} characters of code; at most {MOST_SOURCE:,} are read")
    return sources if is_notebook else python_file(text)


def decoded(data: bytes, name: str) -> str:
    """Return the text of a file: JSON in any Unicode encoding, other text with Python's rules for source files."""
    if b"\0" in data[:4] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(json.detect_encoding(data))
    return source_text.decode(data, name)


def _instead(head):
    """Raise a ValueError with the type of a file, if it is a well-known type and not a notebook."""
    if head and not head.strip(b"\0"):
        raise ValueError("this is not a notebook: it contains only zero bytes. Save it and hand it in again.")
    if kind := next((kind for sign, kind in _INSTEAD if head.lower().startswith(sign.lower())), None):
        raise ValueError(f"this is not a notebook: it is {kind}. Hand in the notebook (.ipynb) itself.")


def looks_like_notebook(text: str) -> bool:
    """Return whether a text is the JSON of a notebook, regardless of the file name."""
    return text[:200].lstrip().startswith("{") and ('"cells"' in text or '"worksheets"' in text)


def notebook(text: str) -> list[str]:
    """Return the code cells of a notebook's JSON, or raise a ValueError with the problem."""
    if text.count(",") > MOST_VALUES:
        raise ValueError(f"this notebook has more than {MOST_VALUES:,} values. Clear its outputs and hand it in again.")
    try:
        made = json.loads(text)
        if "cells" not in made and "worksheets" in made:  # before version 4
            made = {"cells": [cell for sheet in made["worksheets"] for cell in sheet["cells"]]}
        sources = [_source(cell) for cell in made["cells"] if cell["cell_type"] == "code"]
        language = _language(made)
    except RecursionError:
        raise ValueError("this is not a notebook: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"this is not a notebook: {_broken(text, error)}") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError("this is not a notebook: it has no list of cells with sources") from None
    if language and sources and 2 * sum(map(valid, sources)) <= len(sources):  # `x <- 1` is also valid Python
        raise ValueError(f"this notebook is in {language}; expected Python")
    return sources


def _language(made):
    """Return the language in the metadata of a notebook if it is not Python, otherwise ""."""
    about = made.get("metadata")
    parts = [(about.get(part), key) for part, key in _LANGUAGES] if isinstance(about, dict) else []
    names = [str(part.get(key) or "") for part, key in parts if isinstance(part, dict)]
    name = next(filter(None, names), "")
    return "" if "python" in name.lower() else name[:40]


def _broken(text, error):
    """Return the reason why a text is not JSON."""
    if not text.strip():
        return "the file is empty"
    if match := _CONFLICT.search(text):
        line = text.count("\n", 0, match.start()) + 1
        return f"it contains a merge conflict, from line {line}. Resolve it, and check that Jupyter opens the file."
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        line = text.rstrip().count("\n") + 1
        return f"it is truncated in line {line}. Save it and hand it in again."
    return str(error)[:200]


def _source(cell):
    source = cell["source"] if "source" in cell else cell["input"]
    return source if isinstance(source, str) else "".join(source)


def python_file(text: str) -> list[str]:
    """Return the cells of Python source: between markers (percent, nbconvert, light), or blocks between empty lines."""
    markers = list(_MARKER.finditer(text))
    cells = [(0, text[: markers[0].start()] if markers else text)]
    for marker, end in zip(markers, [*(marker.start() for marker in markers[1:]), len(text)], strict=False):
        if not _TEXT_CELL.match(marker[0]):
            cells.append(
                (text.count("\n", 0, marker.end()), text[marker.end() : end])
            )  # the line of the marker becomes empty
    whole = valid(text)
    if whole and (not markers or _LIGHT.search(text) or not all(valid(cell) for _, cell in cells)):
        cells = _blocks(text)
    if len(cells) * text.count("\n") > MOST_PADDING:
        return [text]
    return ["\n" * above + cell for above, cell in cells if cell.strip()]


def _blocks(text):
    """Return [(lines above it, block)] of valid source; a block has no empty line between statements."""
    lines, starts, end = text.split("\n"), [0], None
    for statement in ast.parse(text).body:
        first = min([statement.lineno, *(decorator.lineno for decorator in getattr(statement, "decorator_list", ()))])
        if end is not None and not all(line.strip() for line in lines[end : first - 1]):
            starts.append(end)
        end = statement.end_lineno
    return [(a, "\n".join(lines[a:b])) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
