"""Results are bit-identical for every number of threads, forward and backward."""

import numpy as np
import pytest
import threadpoolctl
from numeric import COMPILED, draw, needs_numba

import minigooglenet as mg
from minigooglenet.kernels import compiled


def network(norm, rng):
    """Return an Inception network with two heads, dropout and every type of pool."""
    style = mg.models.Style(norm=norm, rng=rng)
    layers = mg.layers
    g = mg.Graph(image=(3, 20, 22))
    wire = g.add("stem", layers.Conv2d(3, 8, 5, stride=2, padding=2, rng=style.rng), "image")
    wire = g.add("norm", layers.LocalResponseNorm() if norm == "lrn" else layers.BatchNorm2d(8), wire)
    wire = g.add("pool", layers.MaxPool2d(3, 2, ceil_mode=True), wire)
    wire = mg.models.inception(g, wire, "module", 4, 3, 6, 2, 4, 2, style=style)
    head = g.add("average", layers.AvgPool2d(2, 1), wire)
    head = g.add("flat", layers.Flatten(), head)
    g.add("loss1", layers.Linear(g.shapes[head][0], 5, rng=style.rng), head)
    wire = g.add("global", layers.GlobalAvgPool2d(), wire)
    wire = g.add("drop", layers.Dropout(0.4, rng=3), wire)
    g.add("loss2", layers.Linear(g.shapes[wire][0], 5, rng=style.rng), wire)
    return g


def one_step(threads, norm, images):
    """Return {name: bytes} of all results of a training step and an inference."""
    mg.set_num_threads(threads)
    g = network(norm, rng=0)
    x = draw(images, 3, 20, 22, dtype=np.float32)
    outputs, tape = g.forward({"image": x}, train=True)
    grads = {wire: draw(*y.shape, seed=1, dtype=np.float32) for wire, y in outputs.items()}
    grad_inputs, grad_params = g.backward(grads, tape, wires=["module/output"])
    results = {**outputs, **grad_params, **g.buffers, "inference": g(x), "grad image": grad_inputs["image"]}
    results["grad module/output"] = grad_inputs["module/output"]
    return {name: array.tobytes() for name, array in results.items()}


@pytest.mark.parametrize("norm", ["lrn", "batch"])
@pytest.mark.parametrize("images", [1, 3, 19])
def test_training_step_is_bit_identical_for_any_thread_count(own_threads, norm, images):
    expected = one_step(1, norm, images)
    for threads in (2, 3, 5):
        assert one_step(threads, norm, images) == expected


@needs_numba
def test_bands_are_bit_identical_for_any_thread_count(own_threads, monkeypatch):
    monkeypatch.setattr(compiled.fast().implicit_gemm, "BAND", 500)
    expected = one_step(1, "lrn", 2)
    for threads in (2, 5):
        assert one_step(threads, "lrn", 2) == expected


def test_repeated_step_is_bit_identical(own_threads):
    assert one_step(2, "lrn", 5) == one_step(2, "lrn", 5)


@pytest.mark.parametrize("algorithm", ["im2col", *COMPILED[:1]])
def test_convolution_is_bit_identical_for_any_thread_count(own_threads, algorithm):
    x, weight = draw(5, 8, 13, 11, dtype=np.float32), draw(6, 4, 3, 3, dtype=np.float32)

    def compute(threads):
        mg.set_num_threads(threads)
        y = mg.kernels.conv2d.forward(x, weight, None, 1, 1, 2, algorithm)
        grads = mg.kernels.conv2d.backward(y, x, weight, None, 1, 1, 2, algorithm)
        return [a.tobytes() for a in (y, *grads[:2])]

    assert compute(1) == compute(2) == compute(3) == compute(5)


@pytest.mark.parametrize("algorithm", ["im2col", *COMPILED[:1]])
def test_convolution_is_bit_identical_for_any_blas_setting(algorithm):
    x, weight = draw(2, 64, 28, 28, dtype=np.float32), draw(96, 64, 3, 3, dtype=np.float32)

    def compute(threads):
        with threadpoolctl.threadpool_limits(threads, user_api="blas"):
            y = mg.kernels.conv2d.forward(x, weight, None, 1, 1, 1, algorithm)
            grads = mg.kernels.conv2d.backward(y, x, weight, None, 1, 1, 1, algorithm)
        return [a.tobytes() for a in (y, *grads[:2])]

    assert compute(1) == compute(2)


def test_seed_decides_the_weights():
    first, again, other = (dict(network("lrn", rng=seed).params) for seed in (0, 0, 1))
    assert all((first[key] == again[key]).all() for key in first)
    assert (first["stem/weight"] != other["stem/weight"]).any()
