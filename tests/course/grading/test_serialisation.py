"""What passes between two processes: plain values come back as they were, and everything else is stopped."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigooglenet.course.grading import serialisation
from minigooglenet.exercises.outputs import Raised

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(PLAIN)
def test_plain_values_come_back(value):
    assert serialisation.unpack(serialisation.pack(value)) == [value]


@pytest.mark.parametrize("kind", ["?", "i1", "u8", "f2", "f4", "f8", ">f4", ">i4", "g", "G", "F", "D"])
def test_arrays_come_back(kind):
    array = np.arange(12).reshape(2, 3, 2).astype(kind).T
    (back,) = serialisation.unpack(serialisation.pack({"a": (array, np.float32(2))}))
    assert np.array_equal(back["a"][0], array)
    assert back["a"][1] == 2
    assert back["a"][0].flags.writeable


def test_a_number_of_numpys_stays_a_number():
    (back,) = serialisation.unpack(serialisation.pack((np.float64(1.5), np.int32(2), np.bool_(True), np.str_("a"))))
    assert [type(each) for each in back] == [np.float64, np.int32, np.bool_, str]
    assert back == (1.5, 2, True, "a")


def test_not_a_number_and_infinity_come_back():
    (back,) = serialisation.unpack(serialisation.pack([math.nan, math.inf, np.array([np.nan, -np.inf])]))
    assert math.isnan(back[0])
    assert back[1] == math.inf
    assert np.isnan(back[2][0])


def test_strings_ellipsis_and_what_was_raised_come_back():
    value = [np.array([["a", "b"]]), ..., Raised(NotImplementedError("write this")), Raised(UnicodeDecodeError), {1, 2}]
    (back,) = serialisation.unpack(serialisation.pack(value))
    assert back[0].tolist() == [["a", "b"]]
    assert back[1] is Ellipsis
    assert isinstance(back[2].error, NotImplementedError)
    assert str(back[2].error) == "write this"
    assert back[4] == {1, 2}


def _endless():
    inner = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize(
    "value",
    [
        print,
        object(),
        np.array([object()]),
        np.array([print, 1], dtype=object),
        _endless(),
        np.zeros(serialisation.MOST_BYTES + 1, np.int8),
        np.zeros(1, "datetime64[s]"),
        "x" * (serialisation.MOST_HEADER + 1),
        b"bytes",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_plain_is_stopped_at_its_own_end(value):
    with pytest.raises(serialisation.NotPlainError):
        serialisation.pack(value)


def _record(header, payload=b""):
    header = header.encode()
    return struct.pack("<QQ", len(header), len(payload)) + header + payload


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\xff" * 15,
        b"\xff" * 64,
        _record("{"),
        _record("[" * 100_000),
        _record('["array", "|O8", [1]]', b"12345678"),
        _record('["array", "|V8", [1]]', b"12345678"),
        _record('["array", "<f8", [-1]]', b"12345678"),
        _record('["array", "<f8", [1000000000, 1000000000]]', b"12345678"),
        _record('["array", "<f8", [0, 67108864, 67108864, 67108864, 67108864]]'),
        _record('["array", "<f8", ["1"]]', b"12345678"),
        _record('["array", "<f8", 3]', b"12345678"),
        _record('["strings", [2], "abc"]'),
        _record('["complex", "x", 1]'),
        _record('["dict", [["list"], 1]]'),
        _record('["eval", "1"]'),
        _record("[]"),
        _record('["scalar"]'),
        _record('["scalar", 3]'),
        _record("1" * 10_000),
    ],
)
def test_what_is_malformed_ends_the_reading(record):
    good = serialisation.pack([1])
    assert serialisation.unpack(good + record + good)[:1] == [[1]]
    assert len(serialisation.unpack(good + record + good)) <= 2
    assert serialisation.unpack(record) == [] or record == b""


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_stop(data):
    serialisation.unpack(data)
    serialisation.unpack(struct.pack("<QQ", len(data), 0) + data)
