"""Serialisation between two processes: plain values round-trip, and everything else is rejected."""

import io
import math
import struct
import zipfile

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
def test_plain_values_round_trip(value):
    assert serialisation.unpack(serialisation.pack(value)) == [value]


@pytest.mark.parametrize("kind", ["?", "i1", "u8", "f2", "f4", "f8", ">f4", ">i4", "g", "G", "F", "D"])
def test_arrays_round_trip(kind):
    array = np.arange(12).reshape(2, 3, 2).astype(kind).T
    (back,) = serialisation.unpack(serialisation.pack({"a": (array, np.float32(2))}))
    assert np.array_equal(back["a"][0], array)
    assert back["a"][1] == 2
    assert back["a"][0].flags.writeable


def test_numpy_scalars_keep_their_type():
    (back,) = serialisation.unpack(serialisation.pack((np.float64(1.5), np.int32(2), np.bool_(True), np.str_("a"))))
    assert [type(value) for value in back] == [np.float64, np.int32, np.bool_, str]
    assert back == (1.5, 2, True, "a")


def test_nan_and_infinity_round_trip():
    (back,) = serialisation.unpack(serialisation.pack([math.nan, math.inf, np.array([np.nan, -np.inf])]))
    assert math.isnan(back[0])
    assert back[1] == math.inf
    assert np.isnan(back[2][0])


def test_strings_ellipsis_and_exceptions_round_trip():
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
        "x" * (serialisation.MOST_JSON + 1),
        b"bytes",
    ],
    ids=lambda value: type(value).__name__,
)
def test_pack_rejects_other_values(value):
    with pytest.raises(serialisation.NotPlainError):
        serialisation.pack(value)


def npy(header, data=b""):
    """Return an .npy file with any header."""
    text = repr({"descr": "<f8", "fortran_order": False, "shape": (1,), **header}).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def forged(text, *files, compression=zipfile.ZIP_STORED, names=None):
    """Return a record as a student's code could forge it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        text = text.encode() if isinstance(text, str) else text
        for number, data in enumerate((npy({"descr": "|u1", "shape": (len(text),)}, text), *files)):
            archive.writestr(names[number] if names else f"arr_{number}.npy", data)
    return struct.pack("<Q", made.tell()) + made.getvalue()


def pickled():
    made = io.BytesIO()
    np.save(made, np.array([print], dtype=object), allow_pickle=True)
    return made.getvalue()


GIGABYTES = npy({"shape": (1 << 28,)}, bytes(8))
MALFORMED = {
    "nothing": b"",
    "a truncated length": b"\xff" * 7,
    "a length beyond everything": b"\xff" * 64,
    "not a zip": struct.pack("<Q", 8) + b"12345678",
    "an array alone": struct.pack("<Q", 100) + npy({}, bytes(100))[:100],
    "not JSON": forged("{"),
    "too deep": forged("[" * 100_000),
    "an integer without end": forged("1" * 10_000),
    "too much JSON": forged(" " * (serialisation.MOST_JSON + 1) + "1"),
    "an unknown tag": forged('["eval", "1"]'),
    "an empty tag": forged("[]"),
    "a complex number of text": forged('["complex", "x", 1]'),
    "a list as a key": forged('["dict", [["list"], 1]]'),
    "a scalar without a type": forged('["scalar"]'),
    "a scalar of objects": forged('["scalar", "|O", 1]'),
    "a scalar that overflows": forged('["scalar", "|i1", 300]'),
    "a missing array": forged('["array", 1]'),
    "an array by text": forged('["array", "1"]', npy({}, bytes(8))),
    "an array sent once and used twice": forged('["list", ["array", 1], ["array", 1]]', npy({}, bytes(8))),
    "objects": forged('["array", 1]', pickled()),
    "objects by type": forged('["array", 1]', npy({"descr": "|O"}, bytes(8))),
    "bytes": forged('["array", 1]', npy({"descr": "|V8"}, bytes(8))),
    "fields": forged('["array", 1]', npy({"descr": [("a", "<f8")]}, bytes(8))),
    "dates": forged('["array", 1]', npy({"descr": "<M8[s]"}, bytes(8))),
    "a negative length": forged('["array", 1]', npy({"shape": (-1,)}, bytes(8))),
    "lengths that overflow": forged('["array", 1]', npy({"shape": (10**9, 10**9)}, bytes(8))),
    "an empty array with endless rows": forged('["array", 1]', npy({"shape": (0, *[1 << 26] * 4)})),
    "rows of nothing": forged('["array", 1]', npy({"shape": (1 << 40, 0)})),
    "endless empty strings": forged('["array", 1]', npy({"descr": "<U0", "shape": (1 << 40,)})),
    "too many strings": forged('["array", 1]', npy({"descr": "<U1", "shape": (20_000,)}, bytes(80_000))),
    "a length of text": forged('["array", 1]', npy({"shape": ("1",)}, bytes(8))),
    "one length": forged('["array", 1]', npy({"shape": 3}, bytes(8))),
    "a header that calls": forged('["array", 1]', npy({}).replace(b"False", b"exit()")),
    "a header of 100,000 letters": forged('["array", 1]', npy({"x" * 60_000: 1}, bytes(8))),
    "gigabytes that are not sent": forged('["array", 1]', GIGABYTES),
    "a truncated array": forged('["array", 1]', npy({"shape": (2,)}, bytes(8))),
    "a member that is not an array": forged('["array", 1]', b"12345678"),
    "compressed": forged('["array", 1]', npy({"shape": (1 << 20,)}, bytes(8 << 20)), compression=zipfile.ZIP_DEFLATED),
    "a member with another name": forged("1", npy({}, bytes(8)), names=["arr_0.npy", "other.npy"]),
    "thousands of members": forged("1", *[b""] * serialisation.MOST_ARRAYS),
}


@pytest.mark.parametrize("record", MALFORMED.values(), ids=MALFORMED)
def test_malformed_record_ends_the_reading(record):
    good = serialisation.pack([1])
    assert serialisation.unpack(record) == []
    assert serialisation.unpack(good + record) == [[1]]
    assert serialisation.unpack(good + record + good)[:1] == [[1]]
    assert len(serialisation.unpack(good + record + good)) <= 2


def test_valid_forged_record_is_read():
    assert serialisation.unpack(forged('["list", ["array", 1], "a"]', npy({}, struct.pack("<d", 1.5)))) == [[1.5, "a"]]


def test_truncated_record_is_rejected():
    good = serialisation.pack([1])
    assert serialisation.unpack(good[:-1]) == []
    assert serialisation.unpack(struct.pack("<Q", len(good) - 9) + good[8:]) == []


def test_corrupt_array_byte_is_detected():
    good = bytearray(serialisation.pack(np.arange(3.0)))
    good[good.index(struct.pack("<d", 2.0))] ^= 1
    assert serialisation.unpack(bytes(good)) == []


@given(st.binary(max_size=200))
def test_unpack_never_raises(data):
    serialisation.unpack(data)
    serialisation.unpack(struct.pack("<Q", len(data)) + data)
    serialisation.unpack(forged(data))
    serialisation.unpack(forged('["array", 1]', data))
