"""Limits of the comparer: no stream of a worker and no text of a student blocks it; every exercise gets a row."""

import gc
import json
import os
import signal
import sys
import time

import numpy as np
import pytest
from test_serialisation import forged, npy

from minigooglenet.course import cells, ipython, originality, reading
from minigooglenet.course.grading import comparer, grader, serialisation

COLLIDING = [factor * (2**61 - 1) for factor in range(60_000)]  # integers with the same hash
DEEP = "[" * 900 + "]" * 900


def answer(value, *files):
    """Return records with a value, in JSON, as an answer to 07.1 and as an output of 03.1."""
    value = value if isinstance(value, str) else json.dumps(value)
    made = f'["dict", ["number", "07.1"], ["answer", {value}]]', f'["dict", ["number", "03.1"], ["calls", {CALLS}]]'
    return b"".join(forged(text.replace("VALUE", value), *files) for text in made)


CALLS = '["list", ["list", VALUE, null]]'
STRINGS = npy({"descr": "<U1000", "shape": (9_000,)}, bytes(36_000_000))
STREAMS = {
    "integers with the same hash": answer(["set", *COLLIDING]),
    "a dict with keys with the same hash": answer(["dict", *([key, 0] for key in COLLIDING)]),
    "thousands of layers": answer(["list", *[["tuple", "conv", 1, 1, 1]] * 40_000]),
    "a long list": answer(["list", *range(200_000)]),
    "arrays of long strings": answer(["array", 1], STRINGS) * 3,
    "too many strings": answer(["array", 1], npy({"descr": "<U1", "shape": (200_000,)}, bytes(800_000))),
    "strings of impossible letters": answer(["array", 1], npy({"descr": "<U1", "shape": (9,)}, b"\xff" * 36)),
    "nested as deep as JSON allows": forged(f'["dict", ["unreadable", {DEEP}], ["stopped", {DEEP}]]'),
    "a million records": forged("0") * 30_000 + bytes(8_000_000),
    "records with unique keys": b"".join(forged(f'["dict", ["{key}", 1]]') for key in range(3_000)),
    "a huge text": forged(json.dumps(["dict", ["number", "03.1"], ["missing", "x" * 4_000_000]])),
    "a value for every text": forged(json.dumps(["dict", ["number", "03.1"], ["failed", ["list", *range(9)]]])),
    "an integer that Python does not print": answer("1" + "0" * 4000),
    "a name that is an array": forged('["dict", ["number", "03.5"], ["value", 1], ["student", ["list"]]]'),
    "an array of all bytes": answer(["array", 1], npy({"descr": "|i1", "shape": (60 << 20,)}, bytes(60 << 20))),
    "thousands of scalars": answer(["list", *[["scalar", "<f8", 1.5]] * 100_000]),
    "thousands of arrays": answer(["list", *(["array", n] for n in range(1, 4_000))], *[npy({}, bytes(8))] * 3_999),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_every_stream_gives_one_row_per_exercise(stream, monkeypatch):
    monkeypatch.setattr(comparer, "LEAST_SECONDS", 1.0)
    numbers = ["03.1", "03.5", "07.1"]
    comparer.prepare(numbers, 5)
    graded = comparer.compare(stream, numbers, 5, 1.0)
    assert [row["exercise"] for row in graded["rows"]] == numbers
    assert all(row["status"] != "passed" and len(row["message"]) <= 1000 for row in graded["rows"])
    json.dumps(graded)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
@pytest.mark.parametrize("dropping", ["a finalizer", "a callback of the garbage collector"])
def test_time_limit_is_not_lost_where_python_drops_errors(dropping, monkeypatch, request):
    def slow(*_):
        end = time.process_time() + 0.3
        while time.process_time() < end:
            pass

    class Slow:
        def __del__(self):
            slow()

    def endless():
        Slow()  # is deleted at once
        gc.collect()
        while True:
            pass

    if dropping != "a finalizer":
        monkeypatch.delattr(Slow, "__del__")
        gc.callbacks.append(slow)
        request.addfinalizer(lambda: gc.callbacks.remove(slow))

    with pytest.raises(TimeoutError, match="of CPU time"), comparer.limited(0.1):
        endless()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_slow_comparison_fails_only_its_exercise(monkeypatch):
    def endless(exercise, *_):
        while exercise.number == "03.2":
            pass
        return comparer.Result(exercise.number, "passed"), True

    monkeypatch.setattr(comparer, "_graded", endless)
    monkeypatch.setattr(comparer, "LEAST_SECONDS", 0.2)
    stream = b"".join(serialisation.pack({"number": number, "calls": []}) for number in ("03.1", "03.2", "03.3"))
    rows = comparer.compare(stream, ["03.1", "03.2", "03.3"], 5, 0.2)["rows"]
    assert [row["status"] for row in rows] == ["passed", "failed", "passed"]
    assert rows[1]["message"].startswith("the answer could not be graded: TimeoutError: it took more than 0 s of CPU")


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to stop a process with")
def test_hanging_comparer_is_replaced(monkeypatch):
    handle, options = grader.Comparer(), grader.GradingOptions(seconds=1.0)
    stream = serialisation.pack({"number": "03.1", "calls": []})
    try:
        assert handle.compare(stream, ["03.1"], 5, options)["rows"][0]["status"] == "wrong"
        os.kill(handle.process.pid, signal.SIGSTOP)
        with monkeypatch.context() as patch:
            patch.setattr(grader, "COMPARER_SECONDS", 0.5)
            assert handle.compare(stream, ["03.1"], 5, options) is None
        assert handle.compare(stream, ["03.1"], 5, options)["rows"][0]["status"] == "wrong"
    finally:
        handle.close()


def test_thousands_of_magics_stay_unconverted():
    source = "%a\n" * 5_000
    assert ipython.python(source) == source
    assert "run_line_magic" in ipython.python("%a\n" * 20)


@pytest.mark.parametrize("text", ["\n" * 30_000, " " * 30_000 + "%", "x = " + "-" * 100_000 + "1", "a = " * 20_000])
def test_long_text_is_compared_in_linear_time(tmp_path, text):
    path = tmp_path / "ada.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": text}]}), encoding="utf-8")
    (notes,) = originality.notes([("ada", path, ("03.1",))])
    assert notes.get("", []) in ([], ["its code is nested too deeply to be compared"])
    assert cells.needed(reading.read(path)) in ([], [0])


def test_impossible_array_shape_ends_the_record():
    good = serialisation.pack(np.zeros(3, np.str_))
    assert len(serialisation.unpack(good + forged('["array", 1]', npy({"shape": (2, 3)}, bytes(8))) + good)) == 1
