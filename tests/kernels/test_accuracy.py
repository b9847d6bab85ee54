"""The numbers in `docs/accuracy.md`: the accuracy of each algorithm, Winograd's error, when results may differ."""

import re
from pathlib import Path

import numpy as np
import pytest
from numeric import COMPILED, draw, needs_numba

import minigooglenet as mg
from minigooglenet.kernels import (
    adaptive_avg_pool2d,
    avg_pool2d,
    batch_norm2d,
    compiled,
    conv2d,
    global_avg_pool2d,
    linear,
    local_response_norm,
    max_pool2d,
    relu,
    softmax,
    softmax_cross_entropy,
)

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
X = np.maximum(draw(4, 64, 28, 28), 0)
WEIGHT = draw(96, 64, 3, 3, seed=1) * np.sqrt(2 / (9 * 64))
GRAD = draw(4, 96, 28, 28, seed=2)
ROWS, DENSE = draw(16, 1024), draw(100, 1024, seed=1) * np.sqrt(2 / 1024)
LOGITS, LABELS = 5 * draw(16, 100, seed=3), np.arange(16)
CHANNELS, UPSTREAM = draw(64, seed=4), draw(4, 64, 28, 28, seed=5)


def convolution(form):
    return lambda x, w: conv2d.forward(x, w, None, 1, 1, 1, form)


def gradient(form, which):
    return lambda g, x, w: conv2d.backward(g, x, w, None, 1, 1, 1, form)[which]


def batch_norm_gradient(g, x, w):
    _, mean, var = batch_norm2d.forward(x, w, w)
    return batch_norm2d.backward(g, x, w, mean, var)[0]


def lrn_gradient(g, x):
    return local_response_norm.backward(g, x, local_response_norm.forward(x, 5, 1.0)[1], 5, 1.0)


# {row of the table on the page: (function, its arguments)}
MEASURED = {
    "Conv2d, `numba`": (convolution("numba"), (X, WEIGHT)),
    "Conv2d, `im2col`": (convolution("im2col"), (X, WEIGHT)),
    "Conv2d, `winograd`": (convolution("winograd"), (X, WEIGHT)),
    "Conv2d input gradient, `numba`": (gradient("numba", 0), (GRAD, X, WEIGHT)),
    "Conv2d input gradient, `winograd`": (gradient("winograd", 0), (GRAD, X, WEIGHT)),
    "Conv2d weight gradient, `numba`": (gradient("numba", 1), (GRAD, X, WEIGHT)),
    "Conv2d weight gradient, `winograd`": (gradient("winograd", 1), (GRAD, X, WEIGHT)),
    "Linear": (linear.forward, (ROWS, DENSE)),
    "LocalResponseNorm": (lambda x: local_response_norm.forward(x, 5, 1.0)[0], (X,)),
    "LocalResponseNorm gradient": (lrn_gradient, (UPSTREAM, X)),
    "BatchNorm2d, training": (lambda x, w: batch_norm2d.forward(x, w, w)[0], (X, CHANNELS)),
    "BatchNorm2d input gradient": (batch_norm_gradient, (UPSTREAM, X, CHANNELS)),
    "AvgPool2d": (lambda x: avg_pool2d.forward(x, 3, 2), (X,)),
    "AdaptiveAvgPool2d": (lambda x: adaptive_avg_pool2d.forward(x, 5), (X,)),
    "GlobalAvgPool2d": (global_avg_pool2d.forward, (X,)),
    "Softmax": (softmax.forward, (LOGITS,)),
    "Cross-entropy gradient": (
        lambda x: softmax_cross_entropy.backward(softmax_cross_entropy.forward(x, LABELS)[1], LABELS),
        (LOGITS,),
    ),
    "MaxPool2d, ReLU": (lambda x: relu.forward(max_pool2d.forward(x - x.dtype.type(1), 3, 2)[0])[0], (X,)),
}


def error_of(function, arrays):
    """Return the largest error of a float32 result, as a fraction of the largest value of the float64 result."""
    single = [array.astype(np.float32) for array in arrays]
    exact = function(*(array.astype(np.float64) for array in single))
    return float(np.abs(function(*single) - exact).max() / np.abs(exact).max())


def bounds():
    """Return {row: bound} of the table on the page."""
    rows = re.findall(r"^\| ([^|]+?) \| ([0-9.e-]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: float(bound) for name, bound in rows}


def test_page_lists_every_algorithm():
    assert bounds().keys() == MEASURED.keys()


@pytest.mark.parametrize(
    "name", [name for name in MEASURED if not name.endswith(("`numba`", "`winograd`")) or COMPILED]
)
def test_round_off_error_is_what_the_page_says(name):
    error, bound = error_of(*MEASURED[name]), bounds()[name]
    assert bound / 30 <= error <= bound or error == bound == 0


@pytest.mark.parametrize("form", ["im2col", *COMPILED])
def test_bright_pixel_spoils_distant_outputs_only_with_winograd(form):
    x, weight = draw(1, 8, 24, 24, dtype=np.float32), draw(8, 8, 3, 3, seed=1, dtype=np.float32)
    x[0, 0, 9, 9] = 1e6
    exact = conv2d.forward(x.astype(np.float64), weight.astype(np.float64), None, 1, 1, 1, "im2col")
    error = np.abs(conv2d.forward(x, weight, None, 1, 1, 1, form) - exact).max(axis=(0, 1))
    read_it = np.zeros((24, 24), bool)
    read_it[8:11, 8:11] = True
    tiles = np.zeros((24, 24), bool)
    tiles[8:12, 8:12] = True  # of 4 x 4 outputs, whose 6 x 6 inputs contain the pixel
    assert error[~tiles].max() < 1e-4
    spoiled = error[tiles & ~read_it].max()
    if form == "winograd":
        assert 1e-2 < spoiled < 1e6 * 1e-5
    else:
        assert spoiled < 1e-4


@pytest.mark.parametrize(("form", "spoiled"), {"im2col": 9, **dict(zip(COMPILED, (9, 16), strict=False))}.items())
def test_nan_reaches_a_whole_tile_with_winograd(form, spoiled):
    x, weight = np.ones((1, 8, 24, 24), np.float32), np.ones((8, 8, 3, 3), np.float32)
    x[0, 0, 9, 9] = np.nan
    y = conv2d.forward(x, weight, None, 1, 1, 1, form)
    assert np.isnan(y[0, 0]).sum() == spoiled


def network():
    g = mg.Graph(image=(3, 12, 12))
    wire = g.add("relu", mg.layers.ReLU(), g.add("conv", mg.layers.Conv2d(3, 32, 3, padding=1, rng=0), "image"))
    wire = g.add("3x3", mg.layers.Conv2d(32, 32, 3, padding=1, rng=1), wire)
    g.add("dense", mg.layers.Linear(32, 10, rng=2), g.add("pool", mg.layers.GlobalAvgPool2d(), wire))
    return g


@needs_numba
def test_batch_size_changes_results_only_with_the_algorithm():
    g, x, fast = network(), draw(8, 3, 12, 12, dtype=np.float32), compiled.fast()
    chosen = {
        fast.conv2d.choose((n, 32, 12, 12), (32, 32, 3, 3), (1, 1), ((1, 1), (1, 1)), np.dtype(np.float32))
        for n in (1, 8)
    }
    assert chosen == {fast.implicit_gemm, fast.winograd}
    for run in (lambda x: g.infer({"image": x}, "3x3")["3x3"], mg.plan(g, "3x3")):
        together, alone = run(x), np.concatenate([run(image[None]) for image in x])
        assert 1e-7 < np.abs(together - alone).max() / np.abs(together).max() < 4e-6
    double = x.astype(np.float64)
    together, alone = g(double), np.concatenate([g(image[None]) for image in double])
    assert np.abs(together - alone).max() < 1e-14 * np.abs(together).max() * 100


@needs_numba
def test_algorithm_is_bit_identical_for_any_batch_size():
    g = network()
    for layer, _ in g.nodes.values():
        if isinstance(layer, mg.layers.Conv2d):
            layer.algorithm = "numba"
    plan, x = mg.plan(g), draw(8, 3, 12, 12, dtype=np.float32)
    alone = np.concatenate([plan(image[None]) for image in x])
    assert (plan(x) == alone).all()


def test_plan_and_graph_agree_to_round_off():
    g, x = network(), draw(8, 3, 12, 12, dtype=np.float32)
    assert np.abs(mg.plan(g)(x) - g(x)).max() <= 4e-6 * np.abs(g(x)).max()


@needs_numba
def test_examples_on_the_page_run():
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)
    assert "plan" in names
