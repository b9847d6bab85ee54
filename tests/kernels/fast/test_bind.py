"""Bound tasks, which plans run: every run writes a strided part of a larger array and nothing else."""

import numpy as np
import pytest
from numeric import assert_close, draw

from minigooglenet import parallel
from minigooglenet.kernels.fast import (
    adaptive_avg_pool2d,
    add,
    avg_pool2d,
    direct,
    elementwise,
    implicit_gemm,
    local_response_norm,
    max_pool2d,
    multiply,
    relu,
    scale,
    winograd,
)

WEIGHT, BIAS = draw(6, 4, 3, 3, seed=1, dtype=np.float32), draw(6, seed=2, dtype=np.float32)
ONE, NONE = ((1, 1), (1, 1)), ((0, 0), (0, 0))
NO_LIMITS, RELU, RELU6 = (-np.inf, np.inf), (0, np.inf), (0, 6)
TWO_GROUPS, DEPTHWISE = WEIGHT[:, :2], draw(4, 1, 3, 3, seed=9, dtype=np.float32)
FACTORS = draw(4, seed=5, dtype=np.float32)


def winograd_bind(weight, groups, limits):
    return lambda x, y: winograd.bind(x, winograd.prepare(weight, groups), BIAS, ONE, limits, y)


def gemm_bind(weight, groups, limits, stride=(1, 1), padding=ONE):
    return lambda x, y: implicit_gemm.bind(x, weight, BIAS, stride, padding, groups, limits, y)


def direct_bind(weight, groups, limits, stride=(1, 1)):
    bias = BIAS if groups == 2 else DEPTHWISE[:, 0, 0, 0]
    return lambda x, y: direct.bind(x, weight, bias, stride, ONE, groups, limits, y)


# {name: (bind(x, y), forward(x) -> y)}
BOUND = {
    "implicit GEMM": (
        gemm_bind(WEIGHT, 1, NO_LIMITS),
        lambda x: implicit_gemm.forward(x, WEIGHT, BIAS, (1, 1), ONE, 1),
    ),
    "implicit GEMM, stride 2": (
        gemm_bind(WEIGHT, 1, NO_LIMITS, (2, 2), NONE),
        lambda x: implicit_gemm.forward(x, WEIGHT, BIAS, (2, 2), NONE, 1),
    ),
    "implicit GEMM, 1x1": (
        gemm_bind(WEIGHT[:, :, :1, :1], 1, NO_LIMITS, (1, 1), NONE),
        lambda x: implicit_gemm.forward(x, WEIGHT[:, :, :1, :1], BIAS, (1, 1), NONE, 1),
    ),
    "implicit GEMM, groups": (
        gemm_bind(TWO_GROUPS, 2, NO_LIMITS),
        lambda x: implicit_gemm.forward(x, TWO_GROUPS, BIAS, (1, 1), ONE, 2),
    ),
    "implicit GEMM with ReLU": (
        gemm_bind(WEIGHT, 1, RELU),
        lambda x: np.maximum(implicit_gemm.forward(x, WEIGHT, BIAS, (1, 1), ONE, 1), 0),
    ),
    "implicit GEMM with ReLU6": (
        gemm_bind(WEIGHT, 1, RELU6),
        lambda x: np.clip(implicit_gemm.forward(x, WEIGHT, BIAS, (1, 1), ONE, 1), *RELU6),
    ),
    "Direct": (direct_bind(TWO_GROUPS, 2, NO_LIMITS), lambda x: direct.forward(x, TWO_GROUPS, BIAS, (1, 1), ONE, 2)),
    "Direct, depthwise, stride 2, with ReLU6": (
        direct_bind(DEPTHWISE, 4, RELU6, (2, 2)),
        lambda x: np.clip(direct.forward(x, DEPTHWISE, DEPTHWISE[:, 0, 0, 0], (2, 2), ONE, 4), *RELU6),
    ),
    "Winograd": (winograd_bind(WEIGHT, 1, NO_LIMITS), lambda x: winograd.forward(x, WEIGHT, BIAS, (1, 1), ONE, 1)),
    "Winograd, groups": (
        winograd_bind(TWO_GROUPS, 2, NO_LIMITS),
        lambda x: winograd.forward(x, TWO_GROUPS, BIAS, (1, 1), ONE, 2),
    ),
    "Winograd with ReLU": (
        winograd_bind(WEIGHT, 1, RELU),
        lambda x: np.maximum(winograd.forward(x, WEIGHT, BIAS, (1, 1), ONE, 1), 0),
    ),
    "Winograd with ReLU6": (
        winograd_bind(WEIGHT, 1, RELU6),
        lambda x: np.clip(winograd.forward(x, WEIGHT, BIAS, (1, 1), ONE, 1), *RELU6),
    ),
    "max_pool2d": (
        lambda x, y: max_pool2d.bind(x, (3, 3), (2, 2), ONE, y),
        lambda x: max_pool2d.forward(x, (3, 3), (2, 2), ONE, True)[0],
    ),
    "max_pool2d, stride 3": (
        lambda x, y: max_pool2d.bind(x, (2, 3), (3, 3), NONE, y),
        lambda x: max_pool2d.forward(x, (2, 3), (3, 3), NONE, True)[0],
    ),
    "avg_pool2d": (
        lambda x, y: avg_pool2d.bind(x, (3, 3), (2, 2), ONE, False, y),
        lambda x: avg_pool2d.forward(x, (3, 3), (2, 2), ONE, True, False),
    ),
    "adaptive_avg_pool2d": (
        lambda x, y: adaptive_avg_pool2d.bind(x, (3, 2), y),
        lambda x: adaptive_avg_pool2d.forward(x, (3, 2)),
    ),
    "local_response_norm": (
        lambda x, y: local_response_norm.bind(x, 3, 1.0, 0.75, 1.0, y),
        lambda x: local_response_norm.forward(x, 3, 1.0, 0.75, 1.0)[0],
    ),
    "add": (lambda x, y: add.bind(x, limits=NO_LIMITS, y=y), lambda x: x),
    "add with ReLU6": (lambda x, y: add.bind(x, x, x, limits=RELU6, y=y), lambda x: np.clip(x + x + x, *RELU6)),
    "relu": (relu.bind, lambda x: relu.forward(x)[0]),
    "clip": (
        lambda x, y: elementwise.bind(x, "clip", (0.0, 1.0), y),
        lambda x: elementwise.forward(x, "clip", (0.0, 1.0)),
    ),
    "silu": (lambda x, y: elementwise.bind(x, "silu", (), y), lambda x: elementwise.forward(x, "silu", ())),
    "scale": (lambda x, y: scale.bind(x, FACTORS, BIAS[:4], y), lambda x: scale.forward(x, FACTORS, BIAS[:4])),
    "multiply": (lambda x, y: multiply.bind(x, x, y=y), lambda x: multiply.forward(x, x)),
    # The gates are a slice of the same array, so they must be read at each run, too.
    "multiply by gates": (
        lambda x, y: multiply.bind(x, x[:, :, 0, 0], y=y),
        lambda x: multiply.forward(x, x[:, :, 0, 0]),
    ),
    "multiply three": (lambda x, y: multiply.bind(x, x, x, y=y), lambda x: multiply.forward(x, x, x)),
}
FORMS = "implicit GEMM", "Winograd"
EVERY = pytest.mark.parametrize("name", BOUND)
X = draw(3, 4, 9, 10, dtype=np.float32)


def run(bound):
    for task, count in bound:
        parallel.parallel_for(task, count)


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bound_tasks_write_a_slice_and_nothing_else(name, dtype):
    bind, forward = BOUND[name]
    if dtype == np.float64 and any(form in name for form in ("Winograd", "GEMM", "Direct")):
        pytest.skip("the weights here are float32; layers convert them before")
    x = X.astype(dtype)
    expected = forward(x)
    joint = np.full((len(x), expected.shape[1] + 3, *expected.shape[2:]), dtype(7))
    run(bind(x, joint[:, 1:-2]))
    assert (joint[:, 1:-2] == expected).all()
    assert (joint[:, :1] == 7).all()
    assert (joint[:, -2:] == 7).all()


@EVERY
def test_bound_tasks_read_a_slice_of_a_larger_array(name):
    bind, forward = BOUND[name]
    joint = draw(3, 9, 9, 10, seed=3, dtype=np.float32)
    x = joint[:, 3:7]
    before = joint.copy()
    expected = forward(x.copy())
    y = np.empty_like(expected)
    run(bind(x, y))
    assert (y == expected).all()
    assert (joint == before).all()


@EVERY
def test_bound_tasks_read_their_arrays_at_each_run(name):
    bind, forward = BOUND[name]
    x = X.copy()
    y = np.full_like(forward(x), np.nan)
    bound = bind(x, y)
    run(bound)
    first = y.copy()
    x[:] = draw(*x.shape, seed=8, dtype=np.float32)
    y[:] = np.nan
    run(bound)
    assert (first == forward(X)).all()
    assert (y == forward(x)).all()


@EVERY
@pytest.mark.parametrize("cut", [1, 2])
def test_bound_tasks_may_be_cut_at_any_item(name, cut):
    bind, forward = BOUND[name]
    y = np.full_like(forward(X), np.nan)
    for task, count in bind(X, y):
        for start in reversed(range(0, count, cut)):
            task(start, min(start + cut, count))
    assert (y == forward(X)).all()


@EVERY
def test_bound_tasks_write_one_image_of_a_larger_batch(name):
    bind, forward = BOUND[name]
    expected = forward(X[1:2])
    whole = np.full((3, *expected.shape[1:]), np.float32(7))
    run(bind(X[1:2], whole[1:2]))
    assert_close(whole[1:2], expected, 4e-5)
    assert (whole[[0, 2]] == 7).all()


@pytest.mark.parametrize("name", [f"{form} with {limit}" for form in FORMS for limit in ("ReLU", "ReLU6")])
def test_fused_relu_keeps_a_nan(name):
    x = X.copy()
    x[1, 2, 4, 5] = np.nan
    y = np.empty((3, 6, 9, 10), np.float32)
    run(BOUND[name][0](x, y))
    assert np.isnan(y[1, :, 3:6, 4:7]).all()
    assert np.isfinite(y[[0, 2]]).all()


@pytest.mark.parametrize("images", [1, 3])
def test_relu_may_write_over_its_input(images):
    x = X[:images].copy()
    run(relu.bind(x, x))
    assert (x == np.maximum(X[:images], 0)).all()
