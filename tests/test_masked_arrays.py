"""Arrays whose meaning would be lost are rejected by every function: masked arrays, matrices, units."""

import numpy as np
import pytest

import minigooglenet as mg
from minigooglenet import adaptive, checks, data, optim
from minigooglenet.evaluation import intervals, metrics
from minigooglenet.training import averaging

X = np.random.default_rng(0).random((4, 3, 8, 8))
SCORES, LABELS = X[:, 0, 0, :5].copy(), np.arange(4)


def masked(x):
    return np.ma.masked_array(x, mask=np.arange(x.size).reshape(x.shape) == 1)


class Quantity(np.ndarray):
    """An array with a unit, such as those of astropy and unyt."""

    unit = "m"


def network():
    g = mg.Graph(image=(3, 8, 8))
    g.add("conv", mg.layers.Conv2d(3, 5, 3, padding=1, rng=0), "image")
    g.add("norm", mg.layers.BatchNorm2d(5), "conv")
    g.add("pool", mg.layers.GlobalAvgPool2d(), "norm")
    return g


def returns_masked():
    g = network()
    g.nodes["norm"].layer.forward = lambda x, train=False: (masked(x), None)
    return g(X)


def backward_returns_masked():
    g = network()
    outputs, tape = g.forward({"image": X})
    g.nodes["norm"].layer.backward = lambda grad, cache: ((masked(grad),), {})
    return g.backward(outputs, tape)


def weight_is_masked(compute):
    g = network()
    layer = g.nodes["conv"].layer
    layer.params["weight"] = masked(layer.params["weight"])
    return compute(g)


def norm_is_masked(compute):
    g = network()
    layer = g.nodes["norm"].layer
    layer.params["weight"] = masked(layer.params["weight"])
    return compute(g)


CALLS = {
    "graph": lambda: network()(masked(X)),
    "plan": lambda: mg.plan(network())(masked(X)),
    "forward": lambda: network().forward({"image": masked(X)}),
    "backward": lambda: _backward(masked(SCORES)),
    "layer": lambda: mg.layers.ReLU().forward(masked(X)),
    "layer backward": lambda: _relu_backward(masked(X)),
    "linear": lambda: mg.layers.Linear(5, 2).forward(masked(SCORES.astype(np.float32))),
    "kernel": lambda: mg.kernels.max_pool2d.forward(masked(X), 2),
    "weight of a kernel": lambda: mg.kernels.conv2d.forward(X, masked(np.ones((2, 3, 3, 3)))),
    "your own layer's output": returns_masked,
    "your own layer's gradient": backward_returns_masked,
    "assigned weight": lambda: network().params.__setitem__("conv/weight", masked(np.ones((5, 3, 3, 3)))),
    "weight in a graph": lambda: weight_is_masked(lambda g: g(X)),
    "weight in a plan": lambda: weight_is_masked(lambda g: mg.plan(g)(X)),
    "batch norm in a plan": lambda: norm_is_masked(lambda g: mg.plan(g)(X)),
    "logits": lambda: mg.losses.softmax_cross_entropy(masked(SCORES), LABELS),
    "labels": lambda: mg.losses.softmax_cross_entropy(SCORES, masked(LABELS)),
    "parameters of a step": lambda: optim.sgd_step({"w": masked(SCORES)}, {"w": SCORES}, {}, lr=1),
    "gradients of a step": lambda: adaptive.adamw_step({"w": SCORES.copy()}, {"w": masked(SCORES)}, {}, lr=1),
    "average": lambda: averaging.average_step({}, {"w": masked(SCORES)}, 0),
    "probabilities": lambda: metrics.accuracy(masked(SCORES), LABELS),
    "true classes": lambda: metrics.accuracy(SCORES, masked(LABELS)),
    "interval": lambda: intervals.bootstrap_interval(masked(np.arange(100.0))),
    "images": lambda: data.Images(masked(np.ones((4, 3, 8, 8), np.uint8)), LABELS, tuple("abcd"), data.UNIT),
    "labels of images": lambda: data.Images(np.ones((4, 3, 8, 8), np.uint8), masked(LABELS), tuple("abcd"), data.UNIT),
    "pixels": lambda: data.UNIT.to_input(masked(np.ones((3, 8, 8), np.uint8))),
    "checked function": lambda: mg.gradcheck.check_function(lambda x: x, lambda grad, x: (grad,), masked(SCORES)),
    "checked network": lambda: mg.gradcheck.check_network(network(), masked(X), LABELS),
    "training images": lambda: mg.training.train(network(), masked(X.astype(np.float32)), LABELS, epochs=1),
    "training labels": lambda: mg.training.train(network(), X.astype(np.float32), masked(LABELS), epochs=1),
}


def _backward(grad):
    g = network()
    _, tape = g.forward({"image": X})
    return g.backward({"pool": grad}, tape)


def _relu_backward(grad):
    layer = mg.layers.ReLU()
    return layer.backward(grad, layer.forward(X)[1])


@pytest.mark.parametrize("name", CALLS)
def test_masked_array_is_rejected(name):
    with pytest.raises(TypeError, match=r"masked array with 1 of [\d,]+ values masked.*Pass x\.filled"):
        CALLS[name]()


def test_saving_rejects_masked_weights(tmp_path):
    with pytest.raises(TypeError, match="masked array"):
        weight_is_masked(lambda g: mg.weights.save(g, tmp_path / "w.safetensors"))
    assert list(tmp_path.iterdir()) == []


def test_mask_without_masked_values_suggests_data():
    with pytest.raises(TypeError, match=r"0 of 192 values masked.*Pass x\.data"):
        checks.floating(np.ma.masked_array(X[0]), "x")


def test_mask_of_one_value_for_all_is_counted():
    with pytest.raises(TypeError, match=r"192 of 192 values masked"):
        checks.floating(np.ma.masked_array(X[0], mask=True), "x")


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_matrix_is_rejected():
    with pytest.raises(TypeError, match=r"matrix.*np\.asarray"):
        mg.layers.Linear(5, 2).forward(np.matrix(SCORES.astype(np.float32)))


def test_array_with_a_unit_is_rejected():
    with pytest.raises(TypeError, match="unit 'm', which would be lost"):
        network()(X.view(Quantity))


def test_other_kinds_of_arrays_pass(tmp_path):
    class Image(np.ndarray):
        """An array such as image readers return."""

    mapped = np.memmap(tmp_path / "x", np.float64, "w+", shape=X.shape)
    mapped[...] = X
    g = network()
    for x in (mapped, X.view(Image), X.view(np.recarray)):
        np.testing.assert_array_equal(g(x), g(X))


@pytest.mark.parametrize("x", [X.astype(object), np.zeros((4, 3, 8, 8), [("a", "f4")])])
def test_arrays_of_objects_and_records_are_rejected(x):
    with pytest.raises(TypeError, match="must have dtype float32"):
        network()(x)
