"""Three networks against keras.applications, with the same weights.

This needs keras, jax, h5py, optree, namex and absl-py; KERAS_BACKEND=numpy computes its convolutions with jax. It was
run with Keras 3.15.1 and jax 0.10.2.
"""

import os
import warnings

import numpy as np
import pytest
from numeric import assert_close, draw

import minigooglenet as mg

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras's own
WITHOUT_SCALE = ("inception_v3", "inception_resnet_v2")  # Keras's batch norm has no gamma in these
KERAS = {"inception_v3": "InceptionV3", "inception_resnet_v2": "InceptionResNetV2", "xception": "Xception"}


@pytest.fixture(scope="module")
def keras():
    """Return Keras. Its numpy backend computes in single precision."""
    os.environ.setdefault("KERAS_BACKEND", "numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("jax", reason="the numpy backend of Keras needs jax")
        keras = pytest.importorskip("keras", reason="keras is not installed", exc_type=ImportError)
        if keras.backend.backend() != "numpy":
            pytest.skip(f"keras runs on {keras.backend.backend()}, not on numpy")
    return keras


def built(keras, name, size, monkeypatch):
    """Return Keras's network without weights, and its layers in the order in which its code calls them."""
    order, call = [], keras.Layer.__call__

    def recorded(self, *args, **kwargs):
        order.append(self)
        return call(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(keras.Layer, "__call__", recorded)
        settings = {"weights": None, "classes": 5, "classifier_activation": None, "input_shape": (size, size, 3)}
        with np.errstate(all="ignore"):  # Keras finds shapes with arrays that it does not fill
            return getattr(keras.applications, KERAS[name])(**settings), order


def ours(name, size):
    """Return our network with random parameters and statistics, in double precision."""
    settings = {"aux": False} if name == "inception_v3" else {}
    g = mg.models.build(name, 5, size=size, init="he", rng=0, **settings).astype(np.float64)
    rng = np.random.default_rng(1)
    for key in g.params:
        if "bn_" in key and not (key.endswith("weight") and name in WITHOUT_SCALE):
            g.params[key] = rng.uniform(-0.5, 0.5, g.params[key].shape) + key.endswith("weight")
    for key in g.buffers:
        if "running" in key:
            g.buffers[key] = rng.uniform(-0.5, 0.5, g.buffers[key].shape) + key.endswith("var")
    if name == "inception_v3":  # Keras does not count padding; torchvision does
        for layer, _ in g.nodes.values():
            if layer.kind == "AvgPool2d":
                layer.count_include_pad = False
    return g


def give(g, order):
    """Assign our arrays to Keras's layers: both create them in the same order."""
    nodes = iter([layer for layer, _ in g.nodes.values() if layer.params])
    for layer in order:
        kind = type(layer).__name__
        if kind == "SeparableConv2D":
            depthwise, pointwise = next(nodes).params["weight"], next(nodes).params["weight"]
            layer.depthwise_kernel.assign(depthwise.transpose(2, 3, 0, 1))
            layer.pointwise_kernel.assign(pointwise.transpose(2, 3, 1, 0))
        elif kind == "Conv2D":
            params = next(nodes).params
            layer.kernel.assign(params["weight"].transpose(2, 3, 1, 0))
            if layer.use_bias:
                layer.bias.assign(params["bias"])
        elif kind == "BatchNormalization":
            norm = next(nodes)
            if layer.scale:
                layer.gamma.assign(norm.params["weight"])
            layer.beta.assign(norm.params["bias"])
            layer.moving_mean.assign(norm.buffers["running_mean"])
            layer.moving_variance.assign(norm.buffers["running_var"])
        elif kind == "Dense":
            params = next(nodes).params
            layer.kernel.assign(params["weight"].T)
            layer.bias.assign(params["bias"])
    assert not list(nodes)


@pytest.mark.parametrize("size", [107, 299])
@pytest.mark.parametrize("name", KERAS)
def test_outputs_equal_those_of_keras(keras, name, size, monkeypatch):
    g = ours(name, size)
    model, order = built(keras, name, size, monkeypatch)
    give(g, order)
    trained = sum(np.prod(weight.shape) for weight in model.trainable_weights)
    scales = sum(len(norm.params["weight"]) for norm, _ in g.nodes.values() if norm.kind == "BatchNorm2d")
    assert mg.count(g).params - scales * (name in WITHOUT_SCALE) == trained
    x = draw(1, 3, size, size)
    assert_close(g(x), np.asarray(model(x.transpose(0, 2, 3, 1), training=False)), tolerance=2e-5)
