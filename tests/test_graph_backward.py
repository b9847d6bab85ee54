"""Backward passes of a graph: sums at forks, several losses, inner wires, tapes."""

import gc
import weakref

import numpy as np
import pytest
from numeric import assert_close, awkward, complex_step, differences, distinct, draw

import minigooglenet as mg
from minigooglenet import layers


def linear(weight):
    """Return a layer y = weight * x for one value."""
    layer = layers.Linear(1, 1, bias=False)
    layer.params["weight"] = np.full((1, 1), float(weight))
    return layer


@pytest.fixture
def fork():
    """Return x -> stem (times 2) -> left (times 3), right (times 5) -> sum."""
    g = mg.Graph(x=(1,))
    g.add("stem", linear(2), "x")
    g.add("left", linear(3), "stem")
    g.add("right", linear(5), "stem")
    g.add("sum", layers.Add(), "left", "right")
    return g


@pytest.fixture
def heads():
    """Return a network with an Inception module and three losses, in double precision."""
    style = mg.models.Style(rng=0)
    g = mg.Graph(image=(2, 5, 6))
    wire = g.add("norm", layers.LocalResponseNorm(3, alpha=1.0), "image")
    wire = mg.models.inception(g, wire, "module", 2, 1, 2, 1, 2, 1, style=style)
    g.add("a/pool", layers.GlobalAvgPool2d(), wire)
    g.add("a", layers.Linear(7, 3, rng=1), "a/pool")
    wire = g.add("conv", layers.Conv2d(7, 4, 3, stride=2, rng=2), wire)
    g.add("b/pool", layers.GlobalAvgPool2d(), wire)
    g.add("b", layers.Linear(4, 3, rng=3), "b/pool")
    g.add("c/flat", layers.Flatten(), wire)
    g.add("c", layers.Linear(16, 3, rng=4), "c/flat")
    return g.astype(np.float64)


ONE = np.ones((1, 1))
LABELS = np.array([0, 2])
IMAGES = distinct(2, 2, 5, 6) / 10
WEIGHTS = {"a": 0.3, "b": 0.3, "c": 1.0}


def total_loss(g, x):
    outputs, tape = g.forward({"image": x})
    total, _, grads = mg.losses.weighted_sum(outputs, LABELS, WEIGHTS)
    return total, grads, tape


def test_gradients_add_up_where_two_layers_read_one_wire(fork):
    _, tape = fork.forward({"x": ONE * 7})
    grad_inputs, grad_params = fork.backward({"sum": ONE}, tape, wires=["stem", "left"])
    assert {wire: grad.item() for wire, grad in grad_inputs.items()} == {"x": 2 * (3 + 5), "stem": 3 + 5, "left": 1}
    assert {key: grad.item() for key, grad in grad_params.items()} == {
        "stem/weight": 7 * (3 + 5),
        "left/weight": 14,
        "right/weight": 14,
    }


def test_gradients_add_up_for_a_repeated_wire():
    g = mg.Graph(x=(2,))
    g.add("joined", layers.Concat(), "x", "x", "x")
    _, tape = g.forward({"x": np.zeros((1, 2))})
    grad_inputs, _ = g.backward({"joined": np.array([[1.0, 2, 10, 20, 100, 200]])}, tape)
    assert grad_inputs["x"].tolist() == [[111, 222]]


def test_gradient_on_an_inner_wire_is_added(fork):
    _, tape = fork.forward({"x": ONE}, outputs=["stem", "sum"])
    grad_inputs, grad_params = fork.backward({"stem": ONE * 100, "sum": ONE}, tape, wires="stem")
    assert grad_inputs["stem"].item() == 108
    assert grad_inputs["x"].item() == 216
    assert grad_params["stem/weight"].item() == 108


def test_gradient_on_an_inner_wire_skips_later_nodes(fork):
    _, tape = fork.forward({"x": ONE})
    grad_inputs, grad_params = fork.backward({"left": ONE}, tape, wires=["sum", "right"])
    assert list(grad_params) == ["left/weight", "stem/weight"]
    assert {wire: grad.item() for wire, grad in grad_inputs.items()} == {"x": 6, "sum": 0, "right": 0}


def test_nodes_skipped_by_forward_have_no_gradients(fork):
    _, tape = fork.forward({"x": ONE}, outputs="left")
    _, grad_params = fork.backward({"left": ONE}, tape)
    assert set(grad_params) == {"left/weight", "stem/weight"}


def test_gradient_may_be_given_on_the_input_itself(fork):
    _, tape = fork.forward({"x": ONE})
    assert fork.backward({"x": ONE * 3, "left": ONE}, tape)[0]["x"].item() == 9


def test_unreached_input_has_a_zero_gradient():
    g = mg.Graph(a=(2,), b=(3,))
    g.add("double", layers.Add(), "a", "a")
    g.add("copy", layers.Flatten(), "b")
    _, tape = g.forward({"a": np.ones((2, 2)), "b": np.ones((2, 3))})
    grads, _ = g.backward({"double": np.ones((2, 2))}, tape)
    assert grads["a"].tolist() == [[2, 2]] * 2
    assert grads["b"].tolist() == [[0, 0, 0]] * 2


def test_three_losses_match_finite_differences_of_their_sum(heads):
    _, grads, tape = total_loss(heads, IMAGES)
    grad_inputs, grad_params = heads.backward(grads, tape, wires=["module/output"])
    assert_close(grad_inputs["image"], differences(lambda z: total_loss(heads, z)[0], IMAGES, 1.0), 1e-8)
    for key in ("module/1x1/weight", "module/5x5_reduce/bias", "conv/weight", "a/weight", "c/bias"):

        def with_param(z, key=key):
            other = heads.astype(np.float64)
            other.params[key] = z
            return total_loss(other, IMAGES)[0]

        assert_close(grad_params[key], differences(with_param, heads.params[key], 1.0), 1e-8)


def test_gradients_of_three_losses_add_up(heads):
    _, grads, tape = total_loss(heads, IMAGES)
    together, params_together = heads.backward(grads, tape)
    image, params = 0, dict.fromkeys(params_together, 0)
    for wire in WEIGHTS:
        _, grads, tape = total_loss(heads, IMAGES)
        grad_inputs, grad_params = heads.backward({wire: grads[wire]}, tape)
        image = image + grad_inputs["image"]
        params.update({key: params[key] + grad for key, grad in grad_params.items()})
    assert_close(together["image"], image)
    for key, grad in params_together.items():
        assert_close(grad, params[key])


def test_all_parameters_are_reached_by_the_losses(heads):
    _, grads, tape = total_loss(heads, IMAGES)
    grad_params = heads.backward(grads, tape)[1]
    assert set(grad_params) == set(heads.params)
    assert all(grad.shape == heads.params[key].shape for key, grad in grad_params.items())


def test_backward_matches_the_complex_step():
    g = mg.Graph(image=(2, 4, 5))
    g.add("conv", layers.Conv2d(2, 4, 3, padding=1, rng=0), "image")
    g.add("batch", layers.BatchNorm2d(4), "conv")
    g.add("lrn", layers.LocalResponseNorm(3, alpha=1.0), "batch")
    g.add("skip", layers.Add(), "lrn", "conv")
    g.add("average", layers.AvgPool2d(3, 2, 1, ceil_mode=True), "skip")
    g.add("global", layers.GlobalAvgPool2d(), "average")
    g.add("softmax", layers.Softmax(), "global")
    x, grad_y = draw(3, 2, 4, 5), draw(3, 4)
    _, tape = g.forward({"image": x}, train=True)
    grad_x = g.backward({"softmax": grad_y}, tape)[0]["image"]
    numerical = complex_step(lambda z: g.forward({"image": z}, train=True)[0]["softmax"], x, grad_y)
    assert_close(grad_x, numerical)


def test_dropout_backward_uses_the_mask_of_its_forward():
    g = mg.Graph(x=(40,))
    g.add("drop", layers.Dropout(0.5, rng=0), "x")
    outputs, tape = g.forward({"x": np.ones((2, 40))}, train=True)
    g.forward({"x": np.ones((2, 40))}, train=True)
    assert (g.backward({"drop": np.ones((2, 40))}, tape)[0]["x"] == outputs["drop"]).all()


def test_two_tapes_of_one_net_are_independent(heads):
    _, grads, tape = total_loss(heads, IMAGES)
    _, other_grads, other_tape = total_loss(heads, IMAGES * 2)
    expected = heads.backward(other_grads, other_tape)[0]["image"]
    got = heads.backward(grads, tape)[0]["image"]
    _, grads, tape = total_loss(heads, IMAGES)
    assert (heads.backward(grads, tape)[0]["image"] == got).all()
    _, grads, tape = total_loss(heads, IMAGES * 2)
    assert (heads.backward(grads, tape)[0]["image"] == expected).all()


def test_backward_empties_the_tape(heads):
    _, grads, tape = total_loss(heads, IMAGES)
    assert list(tape) == list(heads.nodes)
    heads.backward(grads, tape)
    assert len(tape) == 0


def test_backward_frees_caches_after_use():
    alive = []

    class Cache:
        pass

    class Keeper(layers.Layer):
        caches = []  # noqa: RUF012

        def output_shape(self, shape):
            return shape

        def forward(self, x, train=False):
            cache = Cache()
            self.caches.append(weakref.ref(cache))
            return x.copy(), cache

        def backward(self, grad_output, cache):
            gc.collect()
            alive.append(sum(ref() is not None for ref in self.caches))
            return (grad_output.copy(),), {}

    g, wire = mg.Graph(x=(1,)), "x"
    for i in range(5):
        wire = g.add(f"node{i}", Keeper(), wire)
    _, tape = g.forward({"x": ONE})
    g.backward({wire: ONE}, tape)
    assert alive == [5, 4, 3, 2, 1]


def test_inputs_are_never_changed(heads):
    x = awkward(IMAGES)
    _, grads, tape = total_loss(heads, x)
    params = {key: value.copy() for key, value in heads.params.items()}
    odd = {wire: awkward(grad) for wire, grad in grads.items()}
    heads.backward(odd, tape, wires=list(odd))
    assert (x == IMAGES).all()
    assert all((odd[wire] == grads[wire]).all() for wire in grads)
    assert all((heads.params[key] == value).all() for key, value in params.items())


def test_returned_gradients_do_not_alias_internal_arrays(heads):
    _, grads, tape = total_loss(heads, IMAGES)
    grad_inputs, grad_params = heads.backward(grads, tape, wires=["c", "conv", "module/output", "module/1x1"])
    results = [*grad_inputs.values(), *grad_params.values()]
    for i, result in enumerate(results):
        assert not any(np.shares_memory(result, other) for other in (*grads.values(), *results[:i]))


def test_changed_outputs_do_not_affect_backward(heads):
    _, grads, tape = total_loss(heads, IMAGES)
    expected, _ = heads.backward(grads, tape)
    outputs, tape = heads.forward({"image": IMAGES}, outputs=["module/output", "module/relu_1x1", "a", "b", "c"])
    for y in outputs.values():
        y[:] = -1
    assert_close(heads.backward(grads, tape)[0]["image"], expected["image"])


def test_gradient_shared_by_two_wires_is_added_correctly():
    class Sum(layers.Add):
        def backward(self, grad_output, cache):
            return (grad_output, grad_output), {}

    g = mg.Graph(a=(1,), b=(1,))
    g.add("first", Sum(), "a", "b")
    g.add("second", Sum(), "a", "first")
    _, tape = g.forward({"a": ONE, "b": ONE})
    grad = ONE.copy()
    grads, _ = g.backward({"second": grad}, tape)
    assert (grads["a"].item(), grads["b"].item(), grad.item()) == (2, 1, 1)


def test_tape_belongs_to_the_graph_that_made_it(heads):
    _, grads, tape = total_loss(heads, IMAGES)
    with pytest.raises(ValueError, match="this tape belongs to another graph"):
        heads.astype(np.float64).backward(grads, tape)
    assert heads.backward(grads, tape)


def test_gradients_have_the_dtype_of_the_images():
    g = mg.models.mini_googlenet(size=32, width=0.25, norm=None, rng=0)
    outputs, tape = g.forward({"image": np.ones((1, 3, 32, 32), np.float32)})
    grad_inputs, grad_params = g.backward({wire: np.ones(y.shape) for wire, y in outputs.items()}, tape)
    assert {a.dtype for a in (*grad_inputs.values(), *grad_params.values())} == {np.dtype(np.float32)}


def test_training_may_leave_the_gradients_of_the_inputs_out():
    g = mg.Graph(image=(3, 6, 6), mask=(4, 6, 6))
    g.add("conv", mg.layers.Conv2d(3, 4, 3, padding=1, rng=0), "image")
    g.add("sum", mg.layers.Add(), "conv", "mask")
    inputs = {"image": draw(2, 3, 6, 6, dtype=np.float32), "mask": draw(2, 4, 6, 6, seed=1, dtype=np.float32)}
    grad = {"sum": draw(2, 4, 6, 6, seed=2, dtype=np.float32)}
    _, expected = g.backward(grad, g.forward(inputs)[1])
    grad_inputs, grads = g.backward(grad, g.forward(inputs)[1], inputs=False)
    assert grad_inputs == {}
    assert all((grads[name] == expected[name]).all() for name in expected)
    grad_inputs, _ = g.backward(grad, g.forward(inputs)[1], wires="image", inputs=False)
    assert list(grad_inputs) == ["image"]


class Halved(mg.layers.Conv2d):
    """A subclass that overrides `backward`, as a student would write it."""

    def backward(self, grad_output, cache):
        grad_inputs, grads = super().backward(grad_output, cache)
        return grad_inputs, {name: grad / 2 for name, grad in grads.items()}


def test_overridden_backward_runs_without_input_gradients():
    plain, changed = mg.Graph(image=(3, 6, 6)), mg.Graph(image=(3, 6, 6))
    plain.add("conv", mg.layers.Conv2d(3, 4, 3, rng=0), "image")
    changed.add("conv", Halved(3, 4, 3, rng=0), "image")
    x, grad = draw(2, 3, 6, 6, dtype=np.float32), draw(2, 4, 4, 4, seed=1, dtype=np.float32)
    grads = [g.backward({"conv": grad}, g.forward({"image": x})[1], inputs=False)[1] for g in (plain, changed)]
    for name, value in grads[0].items():
        assert_close(grads[1][name], value / 2)


def test_gradients_through_a_concat_do_not_alias():
    g = mg.Graph(a=(1, 2, 2), b=(1, 2, 2))
    g.add("both", mg.layers.Concat(), "a", "b")
    grad = draw(1, 2, 2, 2)
    grad_inputs, _ = g.backward({"both": grad}, g.forward({"a": draw(1, 1, 2, 2), "b": draw(1, 1, 2, 2)})[1])
    grad_inputs["a"][:] = 7
    assert not (grad == 7).any()


def test_gradients_through_an_addition_do_not_alias():
    g = mg.Graph(a=(2,), b=(2,))
    g.add("sum", mg.layers.Add(), "a", "b")
    grad = draw(3, 2)
    expected = grad.copy()
    grad_inputs, _ = g.backward({"sum": grad}, g.forward({"a": draw(3, 2), "b": draw(3, 2, seed=1)})[1])
    grad_inputs["a"][:] = 7
    assert (grad == expected).all()
    assert (grad_inputs["b"] == expected).all()


def test_unneeded_backward_is_not_called(monkeypatch):
    g = mg.Graph(image=(2, 4, 4))
    g.add("relu", layers.ReLU(), "image")
    g.add("conv", layers.Conv2d(2, 3, 3, rng=0), "relu")
    x, grad = {"image": draw(2, 2, 4, 4)}, {"conv": draw(2, 3, 2, 2, seed=1)}
    expected = g.backward(grad, g.forward(x)[1])[1]
    called = []
    original = layers.ReLU.backward
    monkeypatch.setattr(layers.ReLU, "backward", lambda self, *args: called.append(1) or original(self, *args))
    _, grads = g.backward(grad, g.forward(x)[1], inputs=False)
    assert called == []
    assert all(np.array_equal(grads[key], expected[key]) for key in expected)
    g.backward(grad, g.forward(x)[1], inputs=False, wires=["relu"])
    assert called == []
    g.backward(grad, g.forward(x)[1], inputs=False, wires=["image"])
    assert called == [1]


def _deep():
    g = mg.Graph(image=(2, 5, 5))
    g.add("conv1", mg.layers.Conv2d(2, 3, 3, padding=1, rng=0), "image")
    g.add("bn1", mg.layers.BatchNorm2d(3), "conv1")
    g.add("relu1", mg.layers.ReLU(), "bn1")
    g.add("conv2", mg.layers.Conv2d(3, 4, 3, rng=1), "relu1")
    g.add("pool", mg.layers.GlobalAvgPool2d(), "conv2")
    g.add("fc", mg.layers.Linear(4, 2, rng=2), "pool")
    return g, {"image": np.random.default_rng(3).standard_normal((3, 2, 5, 5))}


def test_freezing_does_not_change_other_gradients():
    g, x = _deep()
    g.buffers["bn1/running_mean"] = np.full(3, 0.1)
    y, tape = g.forward(x, train=False)
    _, expected = g.backward({"fc": np.ones_like(y["fc"])}, tape, inputs=False)
    before = {key: value.copy() for key, value in g.buffers.items()}
    y, tape = g.forward(x, train=True, frozen={"conv1", "bn1", "fc"})
    _, grads = g.backward({"fc": np.ones_like(y["fc"])}, tape, inputs=False)
    assert set(grads) == {"conv2/weight", "conv2/bias"}
    assert all(np.array_equal(grads[key], expected[key]) for key in grads)
    assert all(np.array_equal(g.buffers[key], before[key]) for key in before)


def test_frozen_prefix_saves_no_cache_and_runs_no_backward(monkeypatch):
    g, x = _deep()
    y, tape = g.forward(x, train=True, frozen={"conv1", "bn1"})
    assert set(tape) == {"conv2", "pool", "fc"}

    def backward(self, grad_output, cache):
        raise AssertionError("backward was called")

    for kind in (mg.layers.ReLU, mg.layers.BatchNorm2d):
        monkeypatch.setattr(kind, "backward", backward)
    g.backward({"fc": np.ones_like(y["fc"])}, tape)


def test_gradient_before_frozen_layers_raises():
    g, x = _deep()
    y, tape = g.forward(x, frozen={"conv1", "bn1"})
    with pytest.raises(ValueError, match="wire 'relu1' has no gradient: every trainable layer up to it was frozen"):
        g.backward({"fc": np.ones_like(y["fc"])}, tape, wires="relu1")


def test_name_to_freeze_must_be_a_node():
    g, x = _deep()
    with pytest.raises(ValueError, match=r"frozen: unknown wire 'conv3'\. Did you mean 'conv2'"):
        g.forward(x, frozen={"conv3"})
