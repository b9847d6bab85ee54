"""GEMM and SIMD vectors: every block size, the ends of rows and columns, and where they write."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_close, draw

from minigooglenet.kernels.fast import bias_gradient, gemm, microkernel
from minigooglenet.kernels.fast.jit import compiled
from minigooglenet.kernels.fast.simd import at_least, broadcast, load, store, transpose

SIZES = st.sampled_from([1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 48, 49, 100])


# The depth of two panels, and one more; a panel of float64 is as deep.
DEEP = 2 * gemm.PANEL_BYTES // gemm.PANEL_ROW + 1


@given(SIZES, st.sampled_from([0, 1, 2, 5, 31, DEEP]), SIZES, st.sampled_from("fd"), st.booleans(), st.booleans())
def test_product_of_any_size_matches_numpy(rows, depth, columns, dtype, relu, transposed):
    a, b = draw(rows, depth, seed=1), draw(depth, columns, seed=2)
    bias = draw(rows, seed=3)
    expected = a @ b + bias[:, None]
    given_a = (np.asfortranarray(a) if transposed else a).astype(dtype, order="K")
    c = np.full((rows, columns), np.nan, dtype)
    gemm.multiply(given_a, b.astype(dtype), c, bias.astype(dtype), relu, False)
    assert_close(c, np.maximum(expected, 0) if relu else expected)
    gemm.multiply(given_a, b.astype(dtype), c, np.empty(0, dtype), False, True)
    assert_close(c, (np.maximum(expected, 0) if relu else expected) + a @ b)


def test_product_writes_only_its_part_of_an_array():
    whole = np.full((20, 90), 5, np.float32)
    a, b = draw(9, 4, dtype=np.float32), draw(4, 50, seed=1, dtype=np.float32)
    gemm.multiply(a, b, whole[3:12, 7:57], np.empty(0, np.float32), False, False)
    assert_close(whole[3:12, 7:57], a @ b)
    whole[3:12, 7:57] = 5
    assert (whole == 5).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("depth", [40, DEEP])
def test_value_is_bit_identical_in_every_block(dtype, depth):
    a, b = draw(19, depth, dtype=dtype), draw(depth, 100, seed=1, dtype=dtype)
    nothing = np.empty(0, dtype)
    whole = np.empty((19, 100), dtype)
    gemm.multiply(a, b, whole, nothing, False, False)
    for rows, columns in ((slice(0, 1), slice(0, 3)), (slice(5, 14), slice(30, 61)), (slice(18, 19), slice(99, 100))):
        c = np.empty(whole[rows, columns].shape, dtype)
        gemm.multiply(a[rows], np.ascontiguousarray(b[:, columns]), c, nothing, False, False)
        assert c.tobytes() == whole[rows, columns].tobytes()


def test_relu_keeps_nan_and_the_sign_of_what_passes():
    a, b = np.array([[1.0]]), np.array([[np.nan, -1.0, 2.0, -np.inf, np.inf]])
    c = np.empty((1, 5))
    gemm.multiply(a, b, c, np.empty(0), True, False)
    assert np.isnan(c[0, 0])
    assert c[0, 1:].tolist() == [0, 2, 0, np.inf]


@given(SIZES, SIZES, st.sampled_from("fd"))
def test_transpose_and_row_sums_match_numpy(rows, columns, dtype):
    a = draw(rows, columns, dtype=dtype)
    transposed = np.full((columns, rows + 3), 9, dtype)
    gemm.transpose_matrix(a, transposed)
    assert (transposed[:, :rows] == a.T).all()
    assert (transposed[:, rows:] == 9).all()
    out = np.empty(rows, dtype)
    bias_gradient.row_sums(a, out)
    assert_close(out, a.astype(np.float64).sum(axis=1))


@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (5, 4, 7, 9)])
def test_sums_per_channel_are_those_of_numpy(shape):
    x = draw(*shape)
    assert_close(bias_gradient.sums_per_channel(x), x.sum(axis=(0, 2, 3)))
    assert_close(bias_gradient.sums_per_channel(x[:, 1:]), x[:, 1:].sum(axis=(0, 2, 3)))


@compiled
def _vector_arithmetic(a, b, out):
    x, y = load(a, 0), load(b, 0)
    store(out, 0, at_least(broadcast(a.dtype.type(1)), (x + 2 * y) * x - y / a.dtype.type(4)))


@compiled
def _turn(a, b, step):
    transpose(a, 0, step, b, 0, step)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_vectors_compute_lane_by_lane_in_their_precision(dtype):
    lanes = microkernel.VECTOR_BYTES // np.dtype(dtype).itemsize
    a, b = draw(lanes, seed=1, dtype=dtype), draw(lanes, seed=2, dtype=dtype)
    out = np.empty(lanes, dtype)
    _vector_arithmetic(a, b, out)
    assert_close(out, np.maximum((a + 2 * b) * a - b / 4, 1))
    square, transposed = draw(lanes, lanes, seed=3, dtype=dtype), np.empty((lanes, lanes), dtype)
    _turn(square.reshape(-1), transposed.reshape(-1), lanes)
    assert (transposed == square.T).all()


@pytest.mark.parametrize(
    ("machine", "features", "expected"),
    [
        ("x86_64", {"avx512f": True, "avx": True}, (64, 32)),
        ("AMD64", {"avx512f": False, "avx": True}, (32, 16)),
        ("x86_64", {}, (16, 16)),
        ("arm64", {}, (16, 32)),
        ("aarch64", {}, (16, 32)),
    ],
)
def test_tiles_are_sized_for_the_registers_of_the_machine(machine, features, expected):
    assert microkernel.registers(machine, features) == expected
