"""A network records how it was built, until it is changed."""

import numpy as np
import pytest

import minigooglenet as mg


@pytest.mark.parametrize("name", mg.models.names())
def test_network_can_be_rebuilt_from_its_factory_metadata(name):
    g = mg.models.build(name, num_classes=7, init="zeros")
    made_by, arguments = g.made_by
    again = mg.models.build(made_by, **arguments)
    assert made_by == name
    assert again.shapes == g.shapes
    assert [repr(layer) for layer, _ in again.nodes.values()] == [repr(layer) for layer, _ in g.nodes.values()]


def test_changed_network_loses_its_factory_metadata():
    g = mg.models.mini_googlenet(3, in_channels=1, init="zeros")
    assert g.made_by[1]["in_channels"] == 1
    assert "rng" not in g.made_by[1]
    g.add("more", mg.layers.ReLU(), "loss3/classifier")
    assert g.made_by is None


def test_with_classes_keeps_all_other_arrays():
    g = mg.models.mini_googlenet(5, aux=True, width=0.25, rng=0)
    g.buffers["conv1/bn_3x3/running_mean"] += 1
    other, new = mg.models.with_classes(g, 3, rng=1)
    assert new == [f"{head}/classifier/{part}" for head in ("loss1", "loss3") for part in ("weight", "bias")]
    assert other.shapes["loss3/classifier"] == (3,)
    kept = [key for key in (*other.params, *other.buffers) if key not in new]
    for key in kept:
        old, now = (graph.params if key in graph.params else graph.buffers for graph in (g, other))
        assert np.array_equal(now[key], old[key])
        assert not np.shares_memory(now[key], old[key])
    assert mg.models.build(other.made_by[0], **other.made_by[1]).shapes == other.shapes


def test_same_number_of_classes_gets_new_classifiers_too():
    g = mg.models.mini_googlenet(5, width=0.25, rng=0)
    other, new = mg.models.with_classes(g, 5, rng=1)
    assert new == ["loss3/classifier/weight", "loss3/classifier/bias"]
    assert not np.array_equal(other.params[new[0]], g.params[new[0]])


def test_network_built_by_hand_cannot_be_rebuilt():
    g = mg.Graph(image=(4,))
    g.add("fc", mg.layers.Linear(4, 2, rng=0), "image")
    with pytest.raises(ValueError, match="built or changed by hand"):
        mg.models.with_classes(g, 3)


@pytest.mark.parametrize("name", ["mini_googlenet", "googlenet"])
@pytest.mark.parametrize("seed", [0, 7])
def test_new_classifier_differs_from_the_initial_one(name, seed):
    size = 32 if name == "mini_googlenet" else 64
    g = mg.models.build(name, 4, width=0.25, aux=True, size=size, rng=seed)
    other, new = mg.models.with_classes(g, 4, rng=seed)
    weights = [key for key in new if key.endswith("weight")]
    assert len(weights) == (2 if name == "mini_googlenet" else 3)
    for key in weights:
        assert abs(np.corrcoef(other.params[key].ravel(), g.params[key].ravel())[0, 1]) < 0.5
    again, _ = mg.models.with_classes(g, 4, rng=seed)
    assert all(np.array_equal(again.params[key], other.params[key]) for key in new)


def test_new_classifiers_from_a_generator_differ():
    g = mg.models.mini_googlenet(4, width=0.25, rng=np.random.default_rng(3))
    other, new = mg.models.with_classes(g, 4, rng=np.random.default_rng(3))
    assert not np.array_equal(other.params[new[0]], g.params[new[0]])


def test_fine_tuning_twice_with_one_seed_draws_two_classifiers():
    first = mg.models.mini_googlenet(3, width=0.25, rng=0)
    second, (key, _) = mg.models.with_classes(first, 3, rng=0)
    started = second.params[key].copy()
    second.params[key] += 0.01  # training
    third, _ = mg.models.with_classes(second, 3, rng=0)
    assert not np.array_equal(third.params[key], started)


def test_convolution_that_classifies_is_replaced_too():
    g = mg.models.nin(num_classes=5, init="gaussian", rng=0)
    assert mg.models.classifiers(g) == {"classifier": ["conv4/1x1_2"]}
    other, new = mg.models.with_classes(g, 5, rng=0)
    assert new == ["conv4/1x1_2/weight", "conv4/1x1_2/bias"]
    assert not np.array_equal(other.params[new[0]], g.params[new[0]])


def test_new_classifiers_keep_the_dtype_of_the_network():
    g = mg.models.mini_googlenet(3, width=0.25, rng=0)
    made_by = g.made_by
    g = g.astype(np.float64)
    g.made_by = made_by
    other, _ = mg.models.with_classes(g, 2, rng=0)
    assert {array.dtype for array in other.params.values()} == {np.dtype(np.float64)}


@pytest.mark.parametrize("make", [lambda: mg.models.mini_googlenet(4, aux=True, width=0.25, rng=0), "by hand"])
def test_reordered_classes_give_reordered_logits(make):
    if make == "by hand":
        g = mg.Graph(image=(3, 32, 32))
        wire = g.add("bn", mg.layers.BatchNorm2d(4), g.add("conv", mg.layers.Conv2d(3, 4, 1, rng=0), "image"))
        g.add("pool", mg.layers.GlobalAvgPool2d(), wire)
        g.buffers["bn/running_mean"] += np.arange(4, dtype=np.float32)
    else:
        g = make()
    x, order = np.random.default_rng(0).standard_normal((3, 3, 32, 32), dtype=np.float32), [2, 0, 3, 1]
    other = mg.models.with_class_order(g, order)
    before, after = (graph.forward({"image": x})[0] for graph in (g, other))
    for wire in g.outputs:
        np.testing.assert_allclose(after[wire], before[wire][:, order], rtol=1e-5, atol=1e-6)
    assert not any(np.shares_memory(other.params[key], g.params[key]) for key in g.params)


@pytest.mark.parametrize("order", [[0, 1, 1, 2], [0, 1, 2], [1, 2, 3, 4]])
def test_invalid_class_order_raises(order):
    with pytest.raises(ValueError, match=r"once, got|cannot reorder 3 classes"):
        mg.models.with_class_order(mg.models.mini_googlenet(4, width=0.25, rng=0), order)


def test_assigned_outputs_change_no_classifier():
    g = mg.models.mini_googlenet(4, aux=True, width=0.25, rng=0)
    usual = mg.models.classifiers(g)
    g.outputs = ["loss3/classifier", "conv1/relu_3x3"]
    assert mg.models.classifiers(g) == usual
    other, new = mg.models.with_classes(g, 4, rng=0)
    assert {key.split("/")[0] for key in new} == {"loss1", "loss3"}
    assert other.outputs == g.outputs
    order = [1, 0, 3, 2]
    x = np.random.default_rng(0).standard_normal((2, 3, 32, 32), dtype=np.float32)
    np.testing.assert_allclose(mg.models.with_class_order(g, order)(x), g(x)[:, order], rtol=1e-5, atol=1e-6)


def test_softmax_after_the_classifier_moves_its_rows_once():
    g = mg.Graph(image=(4,))
    g.add("softmax", mg.layers.Softmax(), g.add("fc", mg.layers.Linear(4, 3, rng=0), "image"))
    x, order = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32), [2, 0, 1]
    for outputs in (["softmax"], ["fc", "softmax"]):
        g.outputs = outputs
        other = mg.models.with_class_order(g, order)
        np.testing.assert_allclose(other(x), g(x)[:, order], rtol=1e-6)
