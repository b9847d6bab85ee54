"""The stated rules of exercises are enforced: cheating answers with right values fail, unusual honest answers pass."""

import functools
import itertools
import operator

import numpy as np
import pytest
from numeric import needs_numba

from minigooglenet.exercises import check
from minigooglenet.exercises.find import find
from minigooglenet.kernels import conv2d
from minigooglenet.lessons.lesson_13_fast.compiling import numba


def _sizes(x, w, stride, pad):
    return tuple((x.shape[i] + 2 * pad - w.shape[i]) // stride + 1 for i in (2, 3))


def _padded(x, pad):
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


def _windows(x, w, stride, pad):
    seen = np.lib.stride_tricks.sliding_window_view(_padded(x, pad), w.shape[2:], axis=(2, 3))
    return seen[:, :, ::stride, ::stride]


def _by_slices(x, w, b, stride, pad):
    xp, (rows, columns) = _padded(x, pad), _sizes(x, w, stride, pad)
    y = np.zeros((len(x), len(w), rows, columns))
    for u in range(w.shape[2]):
        for v in range(w.shape[3]):
            seen = xp[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride]
            y += np.tensordot(w[:, :, u, v], seen, (1, 1)).swapaxes(0, 1)
    return y + b[:, None, None]


# --- 13.2: Python may loop over the kernel positions only ---


def _as_matrix(x, w, b, stride, pad):
    seen = _windows(x, w, stride, pad)
    columns = seen.transpose(0, 2, 3, 1, 4, 5).reshape(-1, w[0].size)
    y = columns @ w.reshape(len(w), -1).T + b
    return y.reshape(len(x), *seen.shape[2:4], len(w)).transpose(0, 3, 1, 2)


def _by_einsum(x, w, b, stride, pad):
    return np.einsum("ncpqrs,kcrs->nkpq", _windows(x, w, stride, pad), w) + b[:, None, None]


def _by_fft(x, w, b, stride, pad):
    size = [x.shape[i] + 2 * pad + w.shape[i] for i in (2, 3)]
    spectrum = np.einsum("nchw,kchw->nkhw", np.fft.fft2(_padded(x, pad), size), np.fft.fft2(w, size).conj())
    y = np.fft.ifft2(spectrum).real
    rows, columns = (x.shape[i] + 2 * pad - w.shape[i] + 1 for i in (2, 3))
    return y[:, :, :rows:stride, :columns:stride] + b[:, None, None]


def _sum_of_a_generator(x, w, b, stride, pad):
    xp, (rows, columns) = _padded(x, pad), _sizes(x, w, stride, pad)
    positions = itertools.product(range(w.shape[2]), range(w.shape[3]))
    return b[:, None, None] + sum(
        np.einsum(
            "nchw,kc->nkhw",
            xp[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride],
            w[:, :, u, v],
        )
        for u, v in positions
    )


def _while(x, w, b, stride, pad):
    xp, (rows, columns) = _padded(x, pad), _sizes(x, w, stride, pad)
    y, position = b[:, None, None] + np.zeros((len(x), 1, rows, columns)), 0
    while position < w[0, 0].size:
        u, v = divmod(position, w.shape[3])
        position += 1
        seen = xp[:, :, u : u + stride * rows : stride, v : v + stride * columns : stride]
        y = y + (seen[:, None] * w[:, :, u, v, None, None]).sum(axis=2)
    return y


def _channels_too(x, w, b, stride, pad):
    xp, (rows, columns) = _padded(x, pad), _sizes(x, w, stride, pad)
    y = np.zeros((len(x), len(w), rows, columns)) + b[:, None, None]
    for u, v in np.ndindex(w.shape[2:]):
        for c in range(w.shape[1]):
            seen = xp[:, c, u : u + stride * rows : stride, v : v + stride * columns : stride]
            y += w[:, c, u, v, None, None] * seen[:, None]
    return y


def _filters_only(x, w, b, stride, pad):
    seen = _windows(x, w, stride, pad)
    return np.stack([np.einsum("ncpqrs,crs->npq", seen, w[k]) + b[k] for k in range(len(w))], axis=1)


def _images_by_map(x, w, b, stride, pad):
    return np.concatenate(list(map(lambda image: _by_einsum(image[None], w, b, stride, pad), x)))  # noqa: C417


def _images_by_partial(x, w, b, stride, pad):
    seen = _windows(x, w, stride, pad)
    product = functools.partial(np.tensordot, b=w, axes=((0, 3, 4), (1, 2, 3)))
    return np.array(list(map(product, seen))).transpose(0, 3, 1, 2) + b[:, None, None]


def _rows(x, w, b, stride, pad):
    seen = _windows(x, w, stride, pad)
    lines = [np.einsum("ncqrs,kcrs->nkq", seen[:, :, p], w) for p in range(seen.shape[2])]
    return np.stack(lines, axis=2) + b[:, None, None]


def _columns_by_recursion(x, w, b, stride, pad):
    seen = _windows(x, w, stride, pad)

    def following(q):
        if q == seen.shape[3]:
            return []
        return [np.einsum("ncprs,kcrs->nkp", seen[:, :, :, q], w), *following(q + 1)]

    return np.stack(following(0), axis=3) + b[:, None, None]


def _vectorised(x, w, b, stride, pad):
    seen = _windows(x, w, stride, pad)
    one = np.vectorize(lambda n, k, p, q: (seen[n, :, p, q] * w[k]).sum() + b[k])
    return one(*np.indices((len(x), len(w), *seen.shape[2:4])))


def _along_axis(x, w, b, stride, pad):
    seen = _windows(x, w, stride, pad).transpose(0, 2, 3, 1, 4, 5)
    flat = seen.reshape(*seen.shape[:3], -1)
    filters = w.reshape(len(w), -1)
    return np.apply_along_axis(lambda patch: filters @ patch, 3, flat).transpose(0, 3, 1, 2) + b[:, None, None]


def _executed(x, w, b, stride, pad):
    names = {"np": np, "seen": _windows(x, w, stride, pad), "w": w, "b": b}
    source = "y = np.stack([np.einsum('cpqrs,kcrs->kpq', image, w) for image in seen]) + b[:, None, None]"
    exec(compile(source, "<string>", "exec"), names)
    return names["y"]


HONEST_SLICES = [_by_slices, _as_matrix, _by_einsum, _by_fft, _sum_of_a_generator, _while]
LOOPS = {
    _channels_too: "channels",
    _filters_only: "filters",
    _images_by_map: "images",
    _images_by_partial: "images",
    _rows: "rows",
    _columns_by_recursion: "columns",
    _vectorised: "images",
    _along_axis: "images",
    _executed: "images",
}


@pytest.mark.parametrize("answer", HONEST_SLICES, ids=lambda answer: answer.__name__)
def test_slices_accept_loops_over_the_kernel_only(answer):
    result = check("13.2", answer)
    assert result.passed, str(result)


@pytest.mark.parametrize("answer", LOOPS, ids=lambda answer: answer.__name__)
def test_slices_reject_other_loops_and_name_the_axis(answer):
    result = check("13.2", answer)
    assert not result.passed
    assert result.what.endswith(f"it loops over the {LOOPS[answer]}")
    assert (result.mistake is not None) == (LOOPS[answer] in ("images", "filters"))


@needs_numba
def test_slices_reject_compiled_loops():
    @numba.njit
    def sums(x, w, y, stride):
        for n, k, p, q in np.ndindex(y.shape):
            for c, u, v in np.ndindex(w.shape[1:]):
                y[n, k, p, q] += x[n, c, p * stride + u, q * stride + v] * w[k, c, u, v]

    def answer(x, w, b, stride, pad):
        y = np.zeros((len(x), len(w), *_sizes(x, w, stride, pad)))
        sums(_padded(x, pad), w, y, stride)
        return y + b[:, None, None]

    assert "loops over the images" in check("13.2", answer).what


def test_slices_report_an_error_in_other_sizes():
    def answer(x, w, b, stride, pad):
        assert x.shape[2:] != (7, 7), "no such size"
        return _by_slices(x, w, b, stride, pad)

    assert "with other arguments it raised AssertionError: no such size" in check("13.2", answer).what


# --- 13.4 and 13.7: four products for two outputs, 16 for 2 x 2 ---


def _definition(d, g):
    return np.array([(d[i : i + 3] * g).sum() for i in range(len(d) - 2)])


def _definition_of_floats(d, g):
    d = np.array(d, float)
    return np.array([d[i] * g[0] + d[i + 1] * g[1] + d[i + 2] * g[2] for i in range(len(d) - 2)])


def _definition_of_plain_numbers(d, g):
    d, g = [float(value) for value in d], g.astype(np.float64).tolist()
    return [sum(map(operator.mul, d[i : i + 3], g)) for i in range(len(d) - 2)]


def _definition_in_single(d, g):
    d = d.astype("float32")
    return _definition(d.astype(np.float64), np.array(g, "f8"))


def _definition_by_division(d, g):
    return np.array([d[i] / (1 / g[0]) + d[i + 1] / (1 / g[1]) + d[i + 2] / (1 / g[2]) for i in range(len(d) - 2)])


def _correlated(d, g):
    return np.correlate(np.asarray(d, dtype=float), np.asarray(g, dtype=float), "valid")


def _transformed(d, g):
    size = len(d) + 2
    return np.fft.irfft(np.fft.rfft(d, size) * np.fft.rfft(g, size).conj(), size)[: len(d) - 2]


def _winograd_in_arrays(d, g):
    d, outputs = np.concatenate([np.array(d, dtype=float), [0.0]]), len(d) - 2
    kernel = np.zeros(4)
    kernel[0], kernel[3] = g[0], g[2]
    kernel[1:3] = (g[0] + g[2]) / 2
    kernel[1] += g[1] / 2
    kernel[2] -= g[1] / 2
    y = np.empty(outputs + outputs % 2)
    for i in range(0, outputs, 2):
        tile = np.empty(4)
        tile[:] = d[i] - d[i + 2], d[i + 1] + d[i + 2], d[i + 2] - d[i + 1], d[i + 1] - d[i + 3]
        m = tile * kernel
        y[i : i + 2] = m[0] + m[1] + m[2], m[1] - m[2] - m[3]
    return y[:outputs]


def _winograd_all_tiles(d, g):
    d, outputs = np.append(d, 0.0), len(d) - 2
    d0, d1, d2, d3 = (d[k : k + outputs + outputs % 2 : 2][: (outputs + 1) // 2] for k in range(4))
    m1, m4 = (d0 - d2) * g[0], (d1 - d3) * g[2]
    m2, m3 = (d1 + d2) * (g.sum() / 2), (d2 - d1) * ((g[0] - g[1] + g[2]) / 2)
    return np.stack([m1 + m2 + m3, m2 - m3 - m4], axis=1).ravel()[:outputs].astype(float)


def _winograd_in_lists(d, g):
    d, y = [*map(float, d), 0.0], []
    g0, g1, g2 = map(float, g)
    for i in range(0, len(d) - 3, 2):
        d0, d1, d2, d3 = d[i : i + 4]
        m2, m3 = (d1 + d2) * (g0 + g1 + g2) * 0.5, (d2 - d1) * (g0 - g1 + g2) * 0.5
        y += [(d0 - d2) * g0 + m2 + m3, m2 - m3 - (d1 - d3) * g2]
    return y[: len(d) - 3]


CHEATS_1D = [
    _definition,
    _definition_of_floats,
    _definition_of_plain_numbers,
    _definition_in_single,
    _definition_by_division,
    _correlated,
    _transformed,
]


@pytest.mark.parametrize("answer", [_winograd_in_arrays, _winograd_all_tiles, _winograd_in_lists])
def test_four_products_pass_in_any_copy(answer):
    result = check("13.4", answer)
    assert result.passed, str(result)
    tiles = sum(-(-(len(d) - 2) // 2) for d, _ in find("13.4").arguments)
    assert f"{4 * tiles} products of data and filter" in result.what


@pytest.mark.parametrize("answer", CHEATS_1D)
def test_more_than_four_products_fail_in_any_copy(answer):
    result = check("13.4", answer)
    assert not result.passed
    uncounted = answer in (_definition_in_single, _transformed)
    assert result.mistake == (None if uncounted else "three products each")
    assert ("cannot be counted" in result.what) == uncounted
    assert ("in your line" in result.what) == uncounted


def _definition_2d(d, g):
    d, g = np.array(d, float), np.array(g, float)
    y = np.zeros((d.shape[0] - 2, d.shape[1] - 2))
    for u, v in np.ndindex(3, 3):
        y += d[u : u + len(y), v : v + y.shape[1]] * g[u, v]
    return y


def _winograd_2d_of_floats(d, g):
    d, g = d.astype(float), g.astype(float)
    before = np.array([[1.0, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
    kernel = np.array([[1.0, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    after = np.array([[1.0, 1, 1, 0], [0, 1, -1, -1]])
    rows, columns = d.shape[0] - 2, d.shape[1] - 2
    padded = np.zeros((d.shape[0] + 1, d.shape[1] + 1))
    padded[: d.shape[0], : d.shape[1]] = d
    y = np.empty((rows + 1, columns + 1))
    for i, j in itertools.product(range(0, rows, 2), range(0, columns, 2)):
        tile = np.einsum("ik,kl,jl->ij", before, padded[i : i + 4, j : j + 4], before)
        y[i : i + 2, j : j + 2] = after @ np.multiply(kernel @ g @ kernel.T, tile) @ after.T
    return y[:rows, :columns]


def test_products_in_two_dimensions_are_counted_in_any_copy():
    assert check("13.7", _winograd_2d_of_floats).passed
    result = check("13.7", _definition_2d)
    assert (result.passed, result.mistake) == (False, "nine products each")
    outputs = sum((d.shape[0] - 2) * (d.shape[1] - 2) for d, _ in find("13.7").arguments)
    assert f"{9 * outputs} products of data and filter for {outputs} outputs" in result.what


def _winograd_for_what_is_counted(d, g):
    return find("13.4").reference_function(d, g) if len(d) == 8 else _definition(d, g)


def test_products_are_counted_in_every_case():
    assert not check("13.4", _winograd_for_what_is_counted).passed


# --- 03.4: one call of conv(x, w) ---


def conv(x, w, stride=1, pad=0):
    """Return a convolution, as lesson 03 gives it."""
    return conv2d.forward(x, np.ascontiguousarray(w), None, stride, pad, algorithm="im2col")


def _dilated(dout, w, x_shape, stride, pad):
    dilated = np.zeros((*dout.shape[:2], *(stride * (n - 1) + 1 for n in dout.shape[2:])))
    dilated[:, :, ::stride, ::stride] = dout
    remainder = [(n + 2 * pad - k) % stride for n, k in zip(x_shape[2:], w.shape[2:], strict=True)]
    sides = [(k - 1 - pad, k - 1 - pad + r) for k, r in zip(w.shape[2:], remainder, strict=True)]
    return np.pad(dilated, ((0, 0), (0, 0), *sides)), w[:, :, ::-1, ::-1].swapaxes(0, 1)


def _once(dout, w, x_shape, stride, pad):
    return conv(*_dilated(dout, w, x_shape, stride, pad))


def _by_kron(dout, w, x_shape, stride, pad):
    one = np.zeros((stride, stride))
    one[0, 0] = 1
    rows, columns = w.shape[2:]
    wide = np.pad(np.kron(dout.astype(float), one), ((0, 0), (0, 0), (rows - 1, rows - 1), (columns - 1, columns - 1)))
    wide = np.pad(wide, ((0, 0), (0, 0), (0, stride), (0, stride)))
    full = conv(wide, np.flip(w, (2, 3)).transpose(1, 0, 2, 3).copy(), stride=1)
    return full[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]].copy()


def _in_a_helper(dout, w, x_shape, stride, pad):
    dx = np.zeros(x_shape, float)
    dx[:] = _once(np.array(dout, dtype=np.float64), w, x_shape, stride, pad)
    return dx


def _loops(dout, w, x_shape, stride, pad):
    dx = np.zeros((x_shape[0], x_shape[1], x_shape[2] + 2 * pad, x_shape[3] + 2 * pad))
    for p, q in np.ndindex(dout.shape[2:]):
        top, left = p * stride, q * stride
        dx[:, :, top : top + w.shape[2], left : left + w.shape[3]] += np.einsum("nk,kcrs->ncrs", dout[:, :, p, q], w)
    return dx[:, :, pad : pad + x_shape[2], pad : pad + x_shape[3]]


def _loops_and_a_call(dout, w, x_shape, stride, pad):
    conv(np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)))
    return _loops(np.array(dout, float), np.array(w, float), x_shape, stride, pad)


def _loops_into_a_call(dout, w, x_shape, stride, pad):
    dx = _loops(dout, w, x_shape, stride, pad)
    same = np.eye(x_shape[1])[:, :, None, None]
    return conv(dx, same)


def _each_image(dout, w, x_shape, stride, pad):
    return np.concatenate([_once(image[None], w, (1, *x_shape[1:]), stride, pad) for image in dout])


def _own_padding(dout, w, x_shape, stride, pad):
    dilated, flipped = _dilated(dout, w, x_shape, stride, pad)
    inner = [slice(1, -1) if dilated.shape[i] > 2 and w.shape[2] > 1 + pad else slice(None) for i in (2, 3)]
    if inner[0] == slice(None) or dilated[:, :, 0].any() or dilated[:, :, -1].any():
        return conv(dilated, flipped)
    if dilated[..., 0].any() or dilated[..., -1].any():
        return conv(dilated, flipped)
    return conv(dilated[:, :, 1:-1, 1:-1], flipped, 1, 1)


def _the_engine(dout, w, x_shape, stride, pad):
    return conv2d.backward(dout, np.zeros(x_shape), np.ascontiguousarray(w), None, stride, pad)[0]


def _the_engine_and_a_call(dout, w, x_shape, stride, pad):
    conv(np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)))
    return _the_engine(dout, w, x_shape, stride, pad)


@pytest.mark.parametrize("answer", [_once, _by_kron, _in_a_helper])
def test_one_call_of_conv_passes(answer):
    result = check("03.4", answer)
    assert result.passed, str(result)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (_loops, "conv is called 0 times"),
        (_the_engine, "conv is called 0 times"),
        (_each_image, "conv is called 3 times"),
        (_loops_and_a_call, "products are computed outside conv"),
        (_loops_into_a_call, "products are computed outside conv"),
        (_the_engine_and_a_call, "the check cannot see how they were computed"),
        (_own_padding, "conv is called with stride 1 and padding 1"),
    ],
)
def test_anything_but_one_conv_call_fails(answer, words):
    result = check("03.4", answer)
    assert not result.passed
    assert words in result.what
    assert "the values are right" in result.what
