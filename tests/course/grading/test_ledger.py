"""Corrupt ledgers of a grading: good lines count, the original file is kept, and a sentence reports it."""

import json
import random

import pytest

from minigooglenet.course.grading import gradebook

ROW = dict.fromkeys(gradebook.KEPT, "") | {"student": "ada", "exercise": "03.1", "points": 1, "of": 1}


def _filled(path):
    ledger = gradebook.Ledger(path)
    for key in ("ada", "bob"):
        ledger.write({"begun": key})
        ledger.write({"done": key, "rows": [ROW]})
    ledger.write({"begun": "eve"})
    return ledger


def test_valid_ledger_is_loaded_again(tmp_path):
    first = _filled(tmp_path / "out.csv.state")
    again = gradebook.Ledger(tmp_path / "out.csv.state")
    assert (again.done, again.begun, again.seed) == (first.done, first.begun, first.seed)
    assert again.aside is again.sentence is None


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"\0\0",
        b"[]",
        b"5",
        b"null",
        b"{}",
        b'{"done": ["ada"], "rows": []}',
        b'{"done": "eve", "rows": 5}',
        b'{"done": "eve", "rows": [5]}',
        b'{"done": "eve", "rows": [{"student": 1}]}',
        b'{"begun": ["eve"]}',
        b'{"begun": "eve", "times": "x"}',
        b'{"begun": "eve", "times": 1e400}',
        b'{"seed": "x"}',
        b'{"seed": -1}',
        b'{"seed": 1e400}',
        b"[" * 100_000,
        b'"' + b"x" * (3 << 20) + b'"',
    ],
)
def test_invalid_ledger_line_is_kept_in_a_second_file(tmp_path, line):
    path = tmp_path / "out.csv.state"
    first = _filled(path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\n", b"\n" + line + b"\n", 1))
    corrupt = path.read_bytes()
    again = gradebook.Ledger(path)
    assert (again.done, again.begun, again.seed) == (first.done, first.begun, first.seed)
    assert again.aside == tmp_path / "out.csv.state.corrupt-1"
    assert again.aside.read_bytes() == corrupt
    assert path.read_bytes() == content
    assert "had 1 line that cannot be read. The old file is now out.csv.state.corrupt-1." in again.sentence
    assert gradebook.Ledger(path).sentence is None


def test_incomplete_last_ledger_line_is_ignored(tmp_path):
    path = tmp_path / "out.csv.state"
    _filled(path)
    path.write_bytes(path.read_bytes()[:-9])
    again = gradebook.Ledger(path)
    assert again.sentence is None
    again.write({"begun": "fay"})
    assert gradebook.Ledger(path).begun["fay"] == 1


def test_random_corruption_never_raises_and_loses_no_byte(tmp_path):
    path, draw = tmp_path / "out.csv.state", random.Random(0)
    _filled(path)
    content = path.read_bytes()
    for number in range(200):
        folder = tmp_path / str(number)
        folder.mkdir()
        corrupt, at = bytearray(content), draw.randrange(len(content))
        corrupt[at : at + draw.randrange(30)] = draw.randbytes(draw.randrange(30))
        (folder / path.name).write_bytes(corrupt)
        ledger = gradebook.Ledger(folder / path.name)
        assert all(isinstance(row["points"], int) for rows in ledger.done.values() for row in rows)
        assert ledger.aside is None or ledger.aside.read_bytes() == corrupt


@pytest.mark.parametrize("fresh", [False, True])
def test_folder_instead_of_a_ledger_raises(tmp_path, fresh):
    (tmp_path / "out.csv.state").mkdir()
    with pytest.raises(OSError, match=r"cannot save progress in .*: it is a folder. Move it away, or choose another"):
        gradebook.Ledger(tmp_path / "out.csv.state", fresh)


def test_grading_reports_a_corrupt_ledger(tmp_path):
    from minigooglenet.course.grading import grader

    (tmp_path / "class").mkdir()
    notebook = {
        "cells": [{"cell_type": "code", "source": "from minigooglenet.exercises import check\ncheck('03.1', 1)"}]
    }
    (tmp_path / "class" / "ada.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (tmp_path / "out.csv.state").write_bytes(b"{]\n")
    sentences = []
    grader.grade(tmp_path / "class", tmp_path / "out.csv", grader.GradingOptions(), report=sentences.append)
    assert any("had 1 line that cannot be read" in sentence for sentence in sentences)
