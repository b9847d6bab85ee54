"""Forward passes of a graph: wires, order, computed nodes, saved caches, views of the parameters, copies."""

import copy
import weakref

import numpy as np
import pytest
from numeric import assert_close, awkward, draw

import minigooglenet as mg
from minigooglenet import layers


class Watched(layers.Layer):
    """Return a copy of the input plus 1, and record how many of these arrays are still alive."""

    made, most = [], 0

    def output_shape(self, shape):
        return shape

    def forward(self, x, train=False):
        y = x + 1
        Watched.made.append(weakref.ref(y))
        Watched.most = max(Watched.most, sum(ref() is not None for ref in Watched.made))
        return y, x.copy()

    def backward(self, grad_output, cache):
        return (grad_output.copy(),), {}


@pytest.fixture
def watched_chain(monkeypatch):
    monkeypatch.setattr(Watched, "made", [])
    monkeypatch.setattr(Watched, "most", 0)
    g = mg.Graph(x=(2,))
    wire = "x"
    for i in range(8):
        wire = g.add(f"node{i}", Watched(), wire)
    return g


@pytest.fixture
def net():
    """Return a network with a branch, two heads and dropout."""
    g = mg.Graph(image=(2, 6, 6))
    g.add("conv", layers.Conv2d(2, 3, 3, padding=1, rng=0), "image")
    g.add("norm", layers.BatchNorm2d(3), "conv")
    g.add("relu", layers.ReLU(), "norm")
    g.add("pool", layers.GlobalAvgPool2d(), "relu")
    g.add("drop", layers.Dropout(0.5, rng=0), "pool")
    g.add("aux", layers.Linear(3, 2, rng=1), "drop")
    g.add("main", layers.Linear(3, 4, rng=2), "pool")
    return g


X = draw(3, 2, 6, 6, dtype=np.float32)


def test_add_returns_the_name_and_stores_the_shape(net):
    assert net.add("branch/1x1", layers.Conv2d(3, 5, 1), "relu") == "branch/1x1"
    assert net.shapes["branch/1x1"] == (5, 6, 6)


def test_nodes_and_shapes_keep_the_order_of_add(net):
    assert list(net.nodes) == ["conv", "norm", "relu", "pool", "drop", "aux", "main"]
    assert list(net.shapes) == ["image", *net.nodes]
    layer, wires = net.nodes["aux"]
    assert isinstance(layer, layers.Linear)
    assert wires == ("drop",)


def test_outputs_are_the_wires_without_consumers(net):
    assert list(net.outputs) == ["aux", "main"]
    net.add("last", layers.ReLU(), "aux")
    assert list(net.outputs) == ["main", "last"]


def test_forward_is_the_layers_one_after_the_other(net):
    outputs, _ = net.forward({"image": X})
    value = X
    for name in ("conv", "norm", "relu", "pool"):
        value = net.nodes[name].layer.forward(value)[0]
    assert list(outputs) == ["aux", "main"]
    assert (outputs["main"] == net.nodes["main"].layer.forward(value)[0]).all()


def test_main_output_is_the_last_without_consumers(net):
    assert (net(X) == net.forward({"image": X})[0]["main"]).all()
    assert (net({"image": X}) == net(X)).all()
    net.add("aux/relu", layers.ReLU(), "aux")
    assert net(X).shape == (3, 2)


def test_forward_computes_only_needed_nodes(net):
    _, tape = net.forward({"image": X}, outputs=["aux"])
    assert list(tape) == ["conv", "norm", "relu", "pool", "drop", "aux"]
    outputs, tape = net.forward({"image": X}, "relu")
    assert list(outputs) == ["relu"]
    assert list(tape) == ["conv", "norm", "relu"]


def test_outputs_are_in_the_requested_order(net):
    assert list(net.forward({"image": X}, ["main", "relu", "aux"])[0]) == ["main", "relu", "aux"]


def test_train_switches_dropout_and_batch_norm(net):
    resting, _ = net.forward({"image": X})
    assert (net.buffers["norm/running_mean"] == 0).all()
    training, _ = net.forward({"image": X}, train=True)
    assert (training["aux"] != resting["aux"]).any()
    assert (net.buffers["norm/running_mean"] != 0).all()


def test_inputs_of_several_names():
    g = mg.Graph(left=(2,), right=(3,))
    g.add("both", layers.Concat(), "right", "left")
    left, right = draw(4, 2), draw(4, 3)
    assert (g({"right": right, "left": left}) == np.concatenate([right, left], axis=1)).all()


def test_layer_may_read_one_wire_twice():
    g = mg.Graph(x=(2,))
    g.add("twice", layers.Add(), "x", "x")
    assert g(np.ones((1, 2))).tolist() == [[2, 2]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_run_has_the_dtype_of_its_input(net, dtype):
    outputs, tape = net.forward({"image": X.astype(dtype)}, train=True)
    grads = {wire: np.ones_like(y) for wire, y in outputs.items()}
    grad_inputs, grad_params = net.backward(grads, tape)
    arrays = [*outputs.values(), *grad_inputs.values(), *grad_params.values(), net(X.astype(dtype))]
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}


def test_strided_images_give_the_same_results(net):
    odd = awkward(X)
    assert_close(net(odd), net(X))
    assert (odd == X).all()


def test_outputs_do_not_alias(net):
    first, second = net(X), net(X)
    assert not np.shares_memory(first, second)
    first[:] = 0
    assert (net(X) == second).all()


def test_inference_frees_each_wire_after_its_last_consumer(watched_chain):
    watched_chain(np.zeros((1, 2)))
    assert Watched.most == 2
    assert sum(ref() is not None for ref in Watched.made) == 0


def test_inference_gives_what_forward_gives(watched_chain):
    x = draw(2, 2)
    assert (watched_chain(x) == watched_chain.forward({"x": x})[0]["node7"]).all()


def test_params_are_named_node_slash_name_in_order(net):
    assert list(net.params) == [f"{node}/{p}" for node in ("conv", "norm", "aux", "main") for p in ("weight", "bias")]
    assert list(net.buffers) == ["norm/running_mean", "norm/running_var"]
    assert len(net.params) == 8
    assert "relu/weight" not in net.params


def test_params_are_the_arrays_of_the_layers(net):
    assert net.params["conv/weight"] is net.nodes["conv"].layer.params["weight"]
    before = net(X)
    net.params["main/bias"] += 1
    assert_close(net(X), before + 1)


def test_assigning_a_param_writes_through_to_the_layer(net):
    new = np.zeros((4, 3))
    net.params["main/weight"] = new
    net.buffers["norm/running_mean"] = np.ones(3, np.float32)
    assert net.nodes["main"].layer.params["weight"] is new
    assert (net.nodes["norm"].layer.buffers["running_mean"] == 1).all()
    assert (net(X) == 0).all()


def test_views_are_live(net):
    view = net.params
    net.add("late", layers.Linear(4, 1), "main")
    assert "late/weight" in view
    net.nodes["late"].layer.params["weight"] = np.full((1, 4), 7.0)
    assert (view["late/weight"] == 7).all()


def test_view_rejects_arrays_that_do_not_fit(net):
    with pytest.raises(ValueError, match=r"^'main/bias' must have shape \(4,\), got \(5,\)$"):
        net.params["main/bias"] = np.zeros(5)
    with pytest.raises(TypeError, match=r"^'main/bias' must be a NumPy array, got list"):
        net.params["main/bias"] = [0, 0, 0, 0]
    with pytest.raises(TypeError, match=r"^'main/bias' belongs to its layer and cannot be deleted here$"):
        del net.params["main/bias"]
    for key in ("main/nothing", "nothing/weight", "nothing"):
        with pytest.raises(KeyError, match=key):
            net.params[key]
        with pytest.raises(KeyError, match=key):
            net.params[key] = np.zeros(4)


def test_astype_is_a_copy_in_another_precision(net):
    double = net.astype(np.float64)
    assert {a.dtype for a in (*double.params.values(), *double.buffers.values())} == {np.dtype(np.float64)}
    assert {a.dtype for a in (*net.params.values(), *net.buffers.values())} == {np.dtype(np.float32)}
    assert_close(double(X.astype(np.float64)), net(X), 1e-5)
    double.params["main/weight"][:] = 0
    double.add("more", layers.ReLU(), "main")
    assert (net.params["main/weight"] != 0).any()
    assert "more" not in net.nodes


def test_astype_to_the_same_precision_shares_nothing(net):
    same = net.astype(np.float32)
    for key in net.params:
        assert not np.shares_memory(same.params[key], net.params[key])


def test_deep_copy_does_not_share_views(net):
    other = copy.deepcopy(net)
    other.params["main/weight"] = np.zeros((4, 3), np.float32)
    assert (other(X) != net(X)).any()


def test_graph_prints_its_nodes(net):
    text = str(net)
    assert repr(net) == "Graph(image=(2, 6, 6)): 7 nodes"
    assert len(text.splitlines()) == 8
    assert "Conv2d" in text.splitlines()[1]
    assert "(3, 6, 6)" in text.splitlines()[1]
    assert "Graph(image=(1, 2, 3)): 0 nodes" in str(mg.Graph(image=(1, 2, 3)))
