"""Operands count products of two arguments in any copy that an answer makes, and report a lost count."""

import decimal
import functools

import numpy as np
import pytest

from minigooglenet.exercises.operands import counted

D, G = np.arange(1.0, 6), np.array([2.0, 3.0])
from_numpy = np.array  # as after `from numpy import array`
TWO = np.array([1.0, -1.0])


def _helper(d, g):
    return float(d[0]) * np.float64(g[0])


def _default(d, g, convert=float):
    return convert(d[0]) * g[0]


def _import_inside(d, g):
    import numpy as other
    from numpy import asarray, zeros

    made = zeros(2)
    made[0], made[1] = d[0], g[0]
    return other.prod(asarray(made, float))


def _into_zeros(d, g):
    tile, kernel = np.zeros(4), np.empty_like(g, dtype=np.float32)
    tile[:2], kernel[:] = d[:2], g
    return (tile[:2] * kernel).sum()


def _empty(d, g):
    total = np.empty(1)
    total[0] = 0
    total[0] += d[0] * g[0]
    return total


def _squares(d, g):
    return ((d[0] + g[0]) ** 2 - d[0] ** 2 - g[0] ** 2) / 2


PRODUCTS = {
    "one": (lambda d, g: (d[0] - 2 * d[1]) * (g[0] + g[1]) / 2 + d[2], 1),
    "outer": (np.outer, 10),
    "outer of a partial": (functools.partial(np.outer), 10),
    "convolve": (np.convolve, 10),
    "einsum": (lambda d, g: np.einsum("i,i->", d[:2], g), 2),
    "dot": (lambda d, g: d[:2] @ g, 2),
    "a matrix of constants": (lambda d, g: np.array([[1.0, -1]]) @ d[:2] * (TWO @ g), 1),
    "constants first": (lambda d, g: np.float64(2) * d[0] * (0.5 * g[0] - 1), 1),
    "floats": (lambda d, g: np.array(d, float)[0] * g.astype(float)[0], 1),
    "other floats": (lambda d, g: np.asarray(d, dtype="float64")[0] * np.float32(g[0]), 1),
    "a list": (lambda d, g: np.array([d[0], d[1]]) * np.array(g.tolist()), 2),
    "a list of floats": (lambda d, g: [float(a) * b for a, b in zip(d.tolist(), g, strict=False)], 2),
    "an iterator": (lambda d, g: np.fromiter((2 * a for a in d), float)[0] * g[0], 1),
    "a function imported": (lambda d, g: from_numpy(d, float)[0] * g[0], 1),
    "a helper": (lambda d, g: _helper(d, g), 1),
    "a default": (_default, 1),
    "an import inside": (_import_inside, 1),
    "zeros": (_into_zeros, 2),
    "empty": (_empty, 1),
    "division": (lambda d, g: d[0] / (1 / g[0]), 1),
    "squares of a sum": (_squares, 1),
    "a product again": (lambda d, g: d[0] * g[0] * g[1], 2),
    "a checked result": (lambda d, g: float(np.isfinite(y).all() and y.sum()) if len(y := d[:2] * g) else 0, 2),
    "padded": (lambda d, g: (np.pad(d, 1)[1:3] * np.append(g, 0)[:2]).reshape(1, 2), 2),
    "sums only": (lambda d, g: d[0] * d[1] + abs(-g[0] * 3), 0),
}
LOST = {
    "a float of a library": lambda d, g: np.outer(d.astype("float64"), g),
    "text": lambda d, g: float(str(d[0])) * g[0],
    "a decimal": lambda d, g: decimal.Decimal(d[0]) * decimal.Decimal(g[0]),
    "an integer": lambda d, g: int(d[0]) * int(g[0]),
    "another function's float": lambda d, g: sum(map(getattr(float, "__mul__"), [2.0], d)),  # noqa: B009
    "a sum made plain": lambda d, g: complex(d[0] + g[0]) ** 2,
    "a transform": lambda d, g: np.fft.fft(d) * np.fft.fft(g, len(d)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_counted_in_any_copy(name):
    function, products = PRODUCTS[name]
    count = counted(function, (D, G))
    assert (count.products, count.why) == (products, "")
    assert np.allclose(count.output, function(D, G))


@pytest.mark.parametrize("name", LOST)
def test_lost_count_shows_the_line(name):
    count = counted(LOST[name], (D, G))
    assert count.why.startswith("To count products, the check passes special numbers")
    assert "test_operands.py" not in count.why
    assert "in your line" in count.why


def test_counted_function_stays_unchanged():
    before = dict(_helper.__globals__)
    counted(_helper, (D, G))
    assert _helper.__globals__ == before
    assert _helper(D, G) == D[0] * G[0]
    assert type(_helper(D, G)) is np.float64


def test_recursion_and_unset_variables_are_rebound():
    def total(d, g, index=0):
        return d[index] * float(g[0]) + (total(d, g, index + 1) if index < 3 else 0)

    assert counted(total, (D, G)).products == 4

    def late(d, g):
        return later * d[0] * g[0]

    assert "your function raised NameError" in counted(late, (D, G)).why
    later = 2
    assert counted(late, (D, G)).products == 1
