"""A rejected training call does not change the graph, and raises before it computes anything."""

import copy

import numpy as np
import pytest
from numeric import draw

import minigooglenet as mg
from minigooglenet import data, losses, optim, training
from minigooglenet.evaluation.held_out import measure
from minigooglenet.gradcheck import check_network
from minigooglenet.training.step import gradients

X = draw(6, 1, 6, 6, dtype=np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def net(classes=3, last=()):
    """Return a graph with batch norm, dropout and two classifiers."""
    g = mg.Graph(image=(1, 6, 6))
    wire = g.add("norm", mg.layers.BatchNorm2d(4), g.add("conv", mg.layers.Conv2d(1, 4, 3, rng=0), "image"))
    wire = g.add("pool", mg.layers.GlobalAvgPool2d(), g.add("relu", mg.layers.ReLU(), wire))
    wire = g.add("drop", mg.layers.Dropout(0.5, rng=0), wire)
    for name, layer in last:
        g.add(name, layer, wire)
    g.add("early", mg.layers.Linear(4, 3, rng=1), wire)
    g.add("main", mg.layers.Linear(4, classes, rng=2), wire)
    return g


def state(g):
    arrays = [value.tobytes() for view in (g.params, g.buffers) for value in view.values()]
    return arrays, [str(layer.rng.bit_generator.state) for layer, _ in g.nodes.values() if hasattr(layer, "rng")]


BAD = {
    "label too large": {"labels": [0, 1, 2, 0, 1, 3]},
    "label below zero": {"labels": [0, 1, 2, 0, 1, -1]},
    "labels of floats": {"labels": LABELS * 1.0},
    "one-hot labels": {"labels": np.eye(3, dtype=int)[LABELS]},
    "too few labels": {"labels": LABELS[:-1]},
    "a single label": {"labels": 1},
    "images without channels": {"images": X[:, 0]},
    "images of another size": {"images": X[..., :5]},
    "images of integers": {"images": X.astype(int)},
    "no images": {"images": X[:0], "labels": LABELS[:0]},
    "lr as text": {"lr": "0.1"},
    "lr not finite": {"lr": np.nan},
    "momentum None": {"momentum": None},
    "weight decay infinite": {"weight_decay": np.inf},
    "epochs of a half": {"epochs": 0.5},
    "empty batches": {"batch_size": 0},
    "on_step that cannot be called": {"on_step": 3},
    "a wrong rng": {"rng": "seed"},
}


@pytest.mark.parametrize("bad", BAD)
def test_rejected_train_changes_nothing(bad):
    g = net()
    before = state(g)
    with pytest.raises((ValueError, TypeError)):
        training.train(g, **{"images": X, "labels": LABELS, "epochs": 1, "batch_size": 3, "rng": 0} | BAD[bad])
    assert state(g) == before


def test_train_checks_all_labels_before_the_first_step():
    g, seen = net(), []
    labels = np.zeros(60, int)
    labels[-1] = 7
    with pytest.raises(ValueError, match=r"^labels must be in 0 \.\. 2 for 3 classes: label 7 at index 59"):
        training.train(g, np.tile(X, (10, 1, 1, 1)), labels, epochs=1, batch_size=2, on_step=seen.append)
    assert seen == []


def test_labels_must_fit_every_classifier():
    g = net(classes=5)
    before = state(g)
    with pytest.raises(ValueError, match=r"^labels must be in 0 \.\. 2 for 3 classes"):  # of the early head
        training.train(g, X, [0, 1, 2, 3, 4, 0], epochs=1)
    assert state(g) == before


def test_outputs_other_than_classifiers_are_rejected():
    g = net()
    g.add("map", mg.layers.ReLU(), "relu")
    before = state(g)
    with pytest.raises(ValueError, match=r"^output 'map' must have shape \(classes,\) .* got \(4, 4, 4\)"):
        training.train(g, X, LABELS, epochs=1)
    with pytest.raises(ValueError, match=r"^output 'map' must have shape \(classes,\)"):
        check_network(g, X, LABELS)
    assert state(g) == before


@pytest.mark.parametrize(("images", "batch_size"), [(5, 4), (1, 8), (3, 1)])
def test_too_small_last_batch_is_rejected_for_batch_norm(images, batch_size):
    g = mg.Graph(image=(1, 1, 1))
    wire = g.add("norm", mg.layers.BatchNorm2d(4), g.add("conv", mg.layers.Conv2d(1, 4, 1, rng=0), "image"))
    g.add("main", mg.layers.Linear(4, 3, rng=2), g.add("flat", mg.layers.Flatten(), wire))
    x, labels = draw(images, 1, 1, 1, dtype=np.float32), LABELS[:images]
    before = state(g)
    with pytest.raises(
        ValueError, match=rf"^node 'norm': batch norm needs .* {images} images in batches of {batch_size}"
    ):
        training.train(g, x, labels, epochs=1, batch_size=batch_size)
    split = split_of(x, labels)
    with pytest.raises(ValueError, match=r"^node 'norm': batch norm needs"):
        training.Trainer(g, split, training.Settings(batch_size=batch_size))
    assert state(g) == before
    assert len(training.train(g, draw(6, 1, 1, 1, dtype=np.float32), LABELS, epochs=1, batch_size=4)) == 2


def split_of(x, labels, test_labels=None):
    def part(labels):
        images = np.zeros((len(labels), *x.shape[1:]), np.uint8)
        return data.Images(images, np.asarray(labels), ("a", "b", "c"), data.GREY_UNIT)

    return data.Split(part(labels), part(labels if test_labels is None else test_labels))


@pytest.mark.parametrize("where", ["train", "test"])
def test_trainer_rejects_labels_before_it_touches_the_graph(where):
    g = net()
    before = state(g)
    good, bad = list(LABELS), [0, 1, 2, 0, 1, 3]
    with pytest.raises(ValueError, match=r"label 3 at \w+ 5"):
        training.Trainer(g, split_of(X, *((bad, good) if where == "train" else (good, bad))))
    assert state(g) == before


def test_trainer_with_a_file_as_folder_changes_nothing(tmp_path):
    path, g = tmp_path / "file", net()
    path.write_text("")
    before = state(g)
    with pytest.raises(FileExistsError, match=r"out must be a folder, but .* is a file"):
        training.Trainer(g, split_of(X, LABELS), training.Settings(seed=5), out=path)
    assert state(g) == before


@pytest.mark.parametrize(("x", "labels"), [(X, [0, 1, 2, 0, 1, 3]), (X, LABELS[:-1]), (X[..., :5], LABELS)])
def test_check_network_rejects_before_any_node_runs(x, labels):
    g = net()
    g.nodes["conv"].layer.forward = lambda x, train=False: pytest.fail("ran")
    with pytest.raises((ValueError, TypeError), match=r"label|input 'image' must be"):
        check_network(g, x, labels)


def test_evaluate_rejects_before_any_image_is_computed(monkeypatch):
    g = net()
    monkeypatch.setattr(mg.layers.Conv2d, "forward", lambda *_, **__: pytest.fail("ran"))
    with pytest.raises(ValueError, match=r"label 3 at \w+ 5"):
        measure(g, split_of(X, [0, 1, 2, 0, 1, 3]).train)
    with pytest.raises(
        ValueError, match=r"the network expects images of \(1, 6, 6\), but the data set has \(1, 6, 5\)"
    ):
        measure(g, split_of(X[..., :5], LABELS).train)
    with pytest.raises(TypeError, match=r"dataset must be a data\.Dataset, got ndarray"):
        measure(g, X)


class Rejects(mg.layers.ReLU):
    """Accepts its input shape and fails later, as a custom layer can."""

    def __init__(self, when):
        super().__init__()
        self.when = when

    def forward(self, x, train=False):
        if self.when == "forward":
            raise ValueError("not today")
        return super().forward(x, train)

    def backward(self, grad_output, cache):
        raise ValueError("not today")


@pytest.mark.parametrize("when", ["forward", "backward"])
def test_failing_step_restores_the_running_statistics(when):
    g = net(last=[("custom", Rejects(when))])
    g.add("late", mg.layers.Linear(4, 3, rng=3), "custom")
    before = state(g)[0]
    with pytest.raises(ValueError, match=r"^node 'custom': not today$"):
        gradients(g, X, LABELS, losses.head_weights(g))
    assert state(g)[0] == before
    if when == "forward":
        with pytest.raises(ValueError, match="not today"):
            g.forward({"image": X}, train=True)
        assert state(g)[0] == before


def test_labels_rejected_by_the_loss_restore_statistics():
    g = net()
    before = state(g)[0]
    with pytest.raises(ValueError, match="label 7"):
        gradients(g, X, LABELS + 7, losses.head_weights(g))
    assert state(g)[0] == before


def test_check_finite_error_restores_the_running_statistics():
    g, x = net(), X.copy()
    g.params["early/weight"][0, 0] = np.nan
    before = state(g)[0]
    with pytest.raises(ValueError, match="wire 'early' is the first wire with a NaN or an infinity"):
        g.forward({"image": x}, train=True, check_finite=True)
    assert state(g)[0] == before


@pytest.mark.parametrize("bad", ["unknown", "shape", "state"])
def test_rejected_sgd_step_changes_no_parameter(bad):
    params = {"a": np.ones(3, np.float32), "b": np.ones(4, np.float32)}
    grads, velocity = copy.deepcopy(params), {}
    if bad == "unknown":
        grads["c"] = grads.pop("b")
    elif bad == "shape":
        grads["b"] = np.ones(1, np.float32)
    else:
        velocity["b"] = np.ones(5, np.float32)
    with pytest.raises((KeyError, ValueError), match=r"'c'|'b'"):
        optim.sgd_step(params, grads, velocity, lr=0.1)
    assert all((value == 1).all() for value in params.values())
