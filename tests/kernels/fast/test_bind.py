"""`out=`: written in full, or rejected before anything is written."""

import numpy as np
import pytest
from numeric import draw

from minigooglenet.kernels import adaptive_avg_pool2d, avg_pool2d, conv2d, local_response_norm, max_pool2d, relu
from minigooglenet.kernels.fast import implicit_gemm, winograd

WEIGHT, BIAS = draw(8, 8, 3, 3, dtype=np.float32), draw(8, dtype=np.float32)
ONE = ((1, 1), (1, 1))
FORWARDS = {
    **{
        f"conv2d {form}": lambda x, out=None, form=form: conv2d.forward(x, WEIGHT, BIAS, 1, 1, 1, form, out=out)
        for form in ("auto", "numba", "winograd", "im2col", "loops")
    },
    "direct": lambda x, out=None: implicit_gemm.forward(x, WEIGHT, BIAS, (1, 1), ONE, 1, out=out),
    "winograd": lambda x, out=None: winograd.forward(x, WEIGHT, BIAS, (1, 1), ONE, 1, out=out),
    "max_pool2d": lambda x, out=None: max_pool2d.forward(x, 3, 1, 1, out=out)[0],
    "avg_pool2d": lambda x, out=None: avg_pool2d.forward(x, 3, 1, 1, out=out),
    "adaptive_avg_pool2d": lambda x, out=None: adaptive_avg_pool2d.forward(x, (3, 2), out=out),
    "local_response_norm": lambda x, out=None: local_response_norm.forward(x, 3, 1.0, out=out)[0],
    "relu": lambda x, out=None: relu.forward(x, out=out)[0],
}
EVERY = pytest.mark.parametrize("name", FORWARDS)
X = draw(3, 8, 5, 4, dtype=np.float32)


def strided(shape, step):
    """Return zeros whose images begin `step` bytes apart, in a buffer with room on both sides."""
    size = 4 * int(np.prod(shape[1:]))
    room = np.zeros(2 * size + len(shape) * 8 + (len(shape) + shape[0]) * max(abs(step), size), np.uint8)
    inner = tuple(4 * int(np.prod(shape[i + 1 :])) for i in range(1, len(shape)))
    start = abs(step) * (shape[0] - 1) // 4 * 4 if step < 0 else 0
    return np.ndarray(shape, np.float32, room.data, start, (step, *inner)), room


@EVERY
@pytest.mark.parametrize("apart", ["reversed", "overlapping", "between values", "same place"])
def test_unusual_image_strides_are_rejected(name, apart):
    shape = FORWARDS[name](X).shape
    image = 4 * int(np.prod(shape[1:]))
    step = {"reversed": -image, "overlapping": image - 4, "between values": image + 2, "same place": 0}[apart]
    out, room = strided(shape, step)
    with pytest.raises(
        ValueError, match=rf"^the images of out must follow one another .* out\.strides\[0\] is {step}\."
    ):
        FORWARDS[name](X, out=out)
    assert (room == 0).all()


@EVERY
@pytest.mark.parametrize("gap", [0, 4, 400])
def test_images_of_out_may_have_gaps(name, gap):
    expected = FORWARDS[name](X)
    out, room = strided(expected.shape, expected[0].nbytes + gap)
    assert FORWARDS[name](X, out=out) is out
    assert (out == expected).all()
    assert np.count_nonzero(room.view(np.float32)) == np.count_nonzero(expected)


@EVERY
def test_single_image_of_a_reversed_batch_is_written(name):
    expected = FORWARDS[name](X[:1])
    out = np.zeros((2, *expected.shape[1:]), np.float32)
    FORWARDS[name](X[:1], out=out[::-1][:1])
    assert (out[1:] == expected).all()
    assert (out[0] == 0).all()


@pytest.mark.parametrize("name", [name for name in FORWARDS if name not in ("direct", "winograd")])
@pytest.mark.parametrize("shift", [0, 8])
def test_out_over_the_input_is_right_or_rejected(name, shift):
    memory = np.zeros(X.size + shift, np.float32)
    x = memory[: X.size].reshape(X.shape)
    x[...] = X
    expected = FORWARDS[name](X)
    out = memory[shift : shift + expected.size].reshape(expected.shape)
    if "conv2d" in name or (name == "relu" and shift == 0):
        assert (FORWARDS[name](x, out=out) == expected).all()
    else:
        with pytest.raises(ValueError, match=r"^out must not overlap the input"):
            FORWARDS[name](x, out=out)
        assert (x == X).all()


def test_out_beside_the_input_in_one_array_is_written():
    joint = np.zeros((3, 16, 5, 4), np.float32)
    joint[:, :8] = X
    for name in ("max_pool2d", "avg_pool2d", "local_response_norm", "relu"):
        FORWARDS[name](joint[:, :8], out=joint[:, 8:])
        assert (joint[:, 8:] == FORWARDS[name](X)).all()
